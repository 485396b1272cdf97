"""Mel spectrograms inside the graph: the DFT is a convolution with fixed kernels.

Only plain operators come out (Conv, Mul, Add, MatMul, Log), so ONNX Runtime and
tract give the same numbers. Filterbank: slaney scale and norm, as librosa's.
"""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

RATE = 16_000


def _to_mel(f):
    f = np.asarray(f, float)
    return np.where(f < 1000, f / (200 / 3), 15 + np.log(np.maximum(f, 1e-9) / 1000) / (np.log(6.4) / 27))


def _to_hz(m):
    m = np.asarray(m, float)
    return np.where(m < 15, m * (200 / 3), 1000 * np.exp((np.log(6.4) / 27) * (m - 15)))


def mel_filterbank(n_fft: int, bands: int, low: float, high: float) -> np.ndarray:
    """[bands, n_fft / 2 + 1]"""
    bins = np.linspace(0, RATE / 2, n_fft // 2 + 1)
    edges = _to_hz(np.linspace(_to_mel(low), _to_mel(high), bands + 2))
    return _triangles(bins, edges) * (2 / (edges[2:] - edges[:-2]))[:, None]


def log_filterbank(n_fft: int, bands: int, low: float, high: float) -> np.ndarray:
    """Bands evenly spaced in log frequency, never narrower than the DFT's bins."""
    bins = np.linspace(0, RATE / 2, n_fft // 2 + 1)
    edges = np.geomspace(low, high, bands + 2)
    width = RATE / n_fft
    weights = np.zeros((bands, len(bins)))
    for k in range(bands):
        below = max(edges[k + 1] - edges[k], width)
        above = max(edges[k + 2] - edges[k + 1], width)
        d = bins - edges[k + 1]
        weights[k] = np.maximum(0, 1 - np.where(d < 0, -d / below, d / above))
    return weights / weights.sum(1, keepdims=True)


def _triangles(bins: np.ndarray, edges: np.ndarray) -> np.ndarray:
    d = np.diff(edges)
    ramps = edges[:, None] - bins[None]
    return np.maximum(0, np.minimum(-ramps[:-2] / d[:-1, None], ramps[2:] / d[1:, None]))


class Spectrogram(nn.Module):
    """[batch, samples] -> power in each band [batch, bands, frames]; zero padded at
    both ends so that frame t is centred on sample t * hop."""

    def __init__(self, n_fft: int, hop: int, bank: np.ndarray):
        super().__init__()
        self.n_fft, self.hop = n_fft, hop
        used = int(np.flatnonzero(bank.any(0)).max()) + 1
        first = int(np.flatnonzero(bank.any(0)).min())
        n = np.arange(n_fft)
        hann = 0.5 - 0.5 * np.cos(2 * np.pi * n / n_fft)
        k = np.arange(first, used)[:, None]
        phase = 2 * np.pi * ((k * n) % n_fft) / n_fft
        kernels = np.concatenate([np.cos(phase), np.sin(phase)]) * hann
        self.bins = used - first
        self.register_buffer("kernels", torch.tensor(kernels[:, None], dtype=torch.float32), persistent=False)
        self.register_buffer("bank", torch.tensor(bank[:, first:used], dtype=torch.float32), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = F.conv1d(x[:, None], self.kernels, stride=self.hop, padding=self.n_fft // 2)
        power = y[:, : self.bins] * y[:, : self.bins] + y[:, self.bins :] * y[:, self.bins :]
        return torch.matmul(self.bank, power)


def peak_normalise(x: torch.Tensor) -> torch.Tensor:
    return x / (x.abs().amax(1, keepdim=True) + 1e-6)
