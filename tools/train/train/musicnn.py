"""musicnn (Pons and Serra, 2019; ISC licence) rebuilt in PyTorch from its checkpoint.

`front` is the wide convolutional layer on the mel spectrogram (timbral and temporal
filters, max-pooled over frequency); `middle` is three dense 1-d convolutions, the
pooling over time and the penultimate layer. Here the pooling can be weighted by
frame, so that silence counts for nothing.
"""

from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from .checkpoint import load
from .frontend import Spectrogram, mel_filterbank, peak_normalise

FRONT = 561  # channels that leave `front`
POOLED = 2 * (FRONT + 3 * 64)


class Norm(nn.Module):
    """A batch norm with fixed statistics: one scale and one shift a channel."""

    def __init__(self, weights: dict[str, np.ndarray], index: int):
        super().__init__()
        name = "batch_normalization" + (f"_{index}" if index else "")
        gamma, beta, mean, variance = (
            torch.tensor(weights[f"{name}/{k}"].copy()) for k in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        scale = gamma / torch.sqrt(variance + 1e-3)
        self.scale = nn.Parameter(scale)
        self.shift = nn.Parameter(beta - mean * scale)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shape = [1, -1] + [1] * (x.dim() - 2)
        return x * self.scale.view(shape) + self.shift.view(shape)


class Front(nn.Module):
    """Waveform -> features [batch, 561, frames], frame weights [batch, 1, frames].

    The weight of a frame is 1 within 30 dB of the clip's loudest, 0 beyond 50 dB."""

    def __init__(self, weights: dict[str, np.ndarray]):
        super().__init__()
        self.spectrogram = Spectrogram(512, 256, mel_filterbank(512, 96, 0, 8000))
        self.norms = nn.ModuleList(Norm(weights, i) for i in range(6))
        self.convs = nn.ModuleList()
        for i in range(5):
            name = "conv2d" + (f"_{i}" if i else "")
            kernel = torch.tensor(weights[f"{name}/kernel"].copy()).permute(3, 2, 0, 1).contiguous()
            time = kernel.shape[2]
            conv = nn.Conv2d(1, kernel.shape[0], kernel.shape[2:])
            conv.weight.data, conv.bias.data = kernel, torch.tensor(weights[f"{name}/bias"].copy())
            # "same" over time as TensorFlow does it: the odd one goes to the end
            conv.pad = ((time - 1) // 2, time - 1 - (time - 1) // 2)
            self.convs.append(conv)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mel = self.spectrogram(0.9 * peak_normalise(x))[:, :, :-1].transpose(1, 2)
        image = self.norms[0](torch.log(1 + 1e4 * mel)[:, None] * (1 / np.log(10)))
        out = []
        for conv, norm in zip(self.convs, self.norms[1:]):
            out.append(norm(F.relu(conv(F.pad(image, (0, 0, *conv.pad))))).amax(3))
        energy = mel.sum(2)
        relative = energy / (energy.amax(1, keepdim=True) + 1e-9)
        weight = (0.5 * torch.log(relative + 1e-9) * (1 / np.log(10)) + 2.5).clamp(1e-4, 1)
        return torch.cat(out, 1), weight[:, None]


class Middle(nn.Module):
    """[batch, 561, frames] and frame weights [batch, 1, frames] -> pooled 1506, penultimate 200."""

    def __init__(self, weights: dict[str, np.ndarray]):
        super().__init__()
        self.norms = nn.ModuleList(Norm(weights, i) for i in range(6, 11))
        self.convs = nn.ModuleList()
        for i in range(5, 8):
            kernel = torch.tensor(weights[f"conv2d_{i}/kernel"].copy()).permute(3, 2, 0, 1)
            # [64, 1, 7, channels] -> [64, channels, 7]
            kernel = kernel.squeeze(1).permute(0, 2, 1).contiguous()
            conv = nn.Conv1d(kernel.shape[1], 64, 7, padding=3)
            conv.weight.data, conv.bias.data = kernel, torch.tensor(weights[f"conv2d_{i}/bias"].copy())
            self.convs.append(conv)
        self.dense = nn.Linear(POOLED, 200)
        self.dense.weight.data = torch.tensor(weights["dense/kernel"].T.copy())
        self.dense.bias.data = torch.tensor(weights["dense/bias"].copy())

    def forward(self, x: torch.Tensor, weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        a = self.norms[0](F.relu(self.convs[0](x)))
        b = self.norms[1](F.relu(self.convs[1](a))) + a
        c = self.norms[2](F.relu(self.convs[2](b))) + b
        stack = torch.cat([x, a, b, c], 1)
        mean = (stack * weight).sum(2) / weight.sum(2)
        top = (stack - 100 * (1 - weight)).amax(2)
        # the checkpoint keeps maximum and mean of a channel next to each other
        pooled = self.norms[3](torch.stack([top, mean], 2).flatten(1))
        return pooled, self.norms[4](F.relu(self.dense(pooled)))


def checkpoint(folder: Path) -> dict[str, np.ndarray]:
    return load(f"{folder}/MTT_musicnn/")
