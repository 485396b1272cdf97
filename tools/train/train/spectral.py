"""The second branch: a small CNN on a log-frequency spectrogram with long windows.

musicnn's 32 ms windows cannot tell the partials of a low note apart (62 Hz apart at
best); these are 128 ms long. On a log-frequency axis a change of pitch is a shift.
"""

import numpy as np
import torch
from torch import nn

from .frontend import log_filterbank, peak_normalise

BANDS, LOW, HIGH = 112, 40.0, 7600.0
FLOOR_DB = 80.0


N, HOP, FRAMES, SAMPLES = 2048, 512, 94, 48_000
N1, N2 = 32, 64  # N = N1 * N2: two short DFTs instead of a long one


def _power_bank() -> np.ndarray:
    """The filterbank [bands, N1 * N2 / 2] in the order in which the bins come out."""
    bank = log_filterbank(N, BANDS, LOW, HIGH)
    k1, k2 = np.divmod(np.arange(N1 * N2 // 2), N2 // 2)
    return bank[:, k1 + N1 * k2]


class LogSpectrogram(nn.Module):
    """Waveform of 48,000 samples -> [batch, 112, 94], decibels under the clip's loudest
    point, from 0 (80 dB or more below) to 1.

    The DFT of 2048 points is split as Cooley and Tukey do it, in two matrix products
    with a turn in between: a convolution with its kernels would take 16 MB in the graph
    and ten times as long. With n = N2 n1 + n2 and k = k1 + N1 k2,
    X[k] = sum over n2 of W(N2, n2 k2) W(N, n2 k1) sum over n1 of W(N1, n1 k1) x[n].
    """

    def __init__(self):
        super().__init__()
        a1, a2 = np.arange(N1), np.arange(N2)
        turn = np.exp(-2j * np.pi * np.outer(a1, a2) / N)  # [k1, n2]
        first = np.exp(-2j * np.pi * np.outer(a1, a1) / N1)  # [k1, n1]
        second = np.exp(-2j * np.pi * np.outer(a2, a2[: N2 // 2]) / N2)  # [n2, k2], k < N / 2
        hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(N) / N)
        constants = {
            "hann": hann,
            "first_re": first.real, "first_im": first.imag,
            "turn_re": turn.real, "turn_im": turn.imag,
            "second_re": second.real, "second_im": second.imag,
            "bank": _power_bank(),
        }  # fmt: skip
        for name, value in constants.items():
            self.register_buffer(name, torch.tensor(value, dtype=torch.float32), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        # Frame t is centred on sample t * HOP; the last samples that no frame reaches go.
        padded = nn.functional.pad(peak_normalise(x), (N // 2, N // 2))
        blocks = padded[:, : HOP * (FRAMES + 3)].reshape(-1, FRAMES + 3, HOP)
        frames = torch.cat([blocks[:, i : i + FRAMES] for i in range(N // HOP)], 2) * self.hann
        frames = frames.reshape(-1, N1, N2)  # all frames of all items: [n1, n2]
        re, im = torch.matmul(self.first_re, frames), torch.matmul(self.first_im, frames)
        re, im = re * self.turn_re - im * self.turn_im, re * self.turn_im + im * self.turn_re
        out_re = torch.matmul(re, self.second_re) - torch.matmul(im, self.second_im)
        out_im = torch.matmul(re, self.second_im) + torch.matmul(im, self.second_re)
        power = (out_re * out_re + out_im * out_im).reshape(-1, FRAMES, N // 2)
        bands = torch.matmul(power, self.bank.T).transpose(1, 2)
        relative = bands / (bands.amax((1, 2), keepdim=True) + 1e-9)
        db = torch.log(relative + 1e-9) * (10 / np.log(10))
        return (db * (1 / FLOOR_DB) + 1).clamp(0, 1)
