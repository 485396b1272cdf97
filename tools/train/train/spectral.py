"""The second branch: a small CNN on a log-frequency spectrogram with long windows.

musicnn's 32 ms windows cannot tell the partials of a low note apart (62 Hz apart at
best); these are 128 ms long. On a log-frequency axis a change of pitch is a shift.
"""

import numpy as np
import torch
from torch import nn

from .frontend import Spectrogram, log_filterbank, peak_normalise

BANDS, LOW, HIGH = 112, 40.0, 7600.0
FLOOR_DB = 80.0


class LogSpectrogram(nn.Module):
    """Waveform -> [batch, 112, 94], decibels under the clip's loudest point, from
    0 (80 dB or more below) to 1."""

    def __init__(self):
        super().__init__()
        self.spectrogram = Spectrogram(2048, 512, log_filterbank(2048, BANDS, LOW, HIGH))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        power = self.spectrogram(peak_normalise(x))
        relative = power / (power.amax((1, 2), keepdim=True) + 1e-9)
        db = torch.log(relative + 1e-9) * (10 / np.log(10))
        return (db * (1 / FLOOR_DB) + 1).clamp(0, 1)
