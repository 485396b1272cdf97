"""Waveform → log-mel spectrogram as plain convolutions, so that it is part of the graph.

    [batch, samples] ─ reflect pad ─ conv1d with cosines and sines ─ power ─ mel filters ─ dB ─ [batch, frames, mels]

Only the frequency bins that a filter uses are computed. Everything is f32; the tables are made in f64.
Sources: the formulas of Slaney's Auditory Toolbox (as librosa) and of HTK for the mel scale; short-time Fourier transform
with a periodic Hann window, centred frames.
"""

import numpy as np
import torch


def hz_to_mel(hz, htk: bool):
    hz = np.asarray(hz, dtype=np.float64)
    if htk:
        return 2595.0 * np.log10(1.0 + hz / 700.0)
    linear = hz / (200.0 / 3)
    return np.where(hz < 1000.0, linear, 15.0 + np.log(np.maximum(hz, 1e-10) / 1000.0) / (np.log(6.4) / 27.0))


def mel_to_hz(mel, htk: bool):
    mel = np.asarray(mel, dtype=np.float64)
    if htk:
        return 700.0 * (10.0 ** (mel / 2595.0) - 1.0)
    return np.where(mel < 15.0, mel * (200.0 / 3), 1000.0 * np.exp((np.log(6.4) / 27.0) * (mel - 15.0)))


def mel_filters(rate: int, n_fft: int, mels: int, fmin: float, fmax: float, htk: bool, slaney_norm: bool) -> np.ndarray:
    """Triangular filters, f32 [n_fft / 2 + 1, mels]; a filter narrower than a bin may be all zeros."""
    bins = np.linspace(0.0, rate / 2, n_fft // 2 + 1)
    edges = mel_to_hz(np.linspace(hz_to_mel(fmin, htk), hz_to_mel(fmax, htk), mels + 2), htk)
    slopes = edges[None, :] - bins[:, None]
    down = -slopes[:, :-2] / np.diff(edges)[:-1]
    up = slopes[:, 2:] / np.diff(edges)[1:]
    filters = np.maximum(0.0, np.minimum(down, up))
    if slaney_norm:
        filters *= 2.0 / (edges[2:] - edges[:-2])
    return filters.astype(np.float32)


class Spectrogram(torch.nn.Module):
    """[batch, samples] → power [batch, frames, used bins] of the frames centred at multiples of `hop`."""

    def __init__(self, n_fft: int, hop: int, first: int, last: int, scale: float = 1.0):
        super().__init__()
        self.hop, self.pad, self.bins = hop, n_fft // 2, last - first
        t = np.arange(n_fft)
        window = (0.5 - 0.5 * np.cos(2 * np.pi * t / n_fft)) * scale
        angles = 2 * np.pi * (np.outer(np.arange(first, last), t) % n_fft) / n_fft
        kernels = np.concatenate([np.cos(angles) * window, -np.sin(angles) * window])
        self.register_buffer("kernels", torch.tensor(kernels[:, None, :], dtype=torch.float32))

    def forward(self, waveform):
        x = torch.nn.functional.pad(waveform.unsqueeze(1), (self.pad, self.pad), mode="reflect")
        x = torch.nn.functional.conv1d(x, self.kernels, stride=self.hop)
        real, imaginary = x[:, : self.bins], x[:, self.bins :]
        return (real * real + imaginary * imaginary).transpose(1, 2)


class LogMel(torch.nn.Module):
    """[batch, samples] → 10 · log10(max(mel power, 1e-10)), [batch, frames, mels]."""

    def __init__(self, filters, n_fft: int, hop: int, scale: float = 1.0, top_db: float | None = None):
        super().__init__()
        filters = np.asarray(filters, dtype=np.float32)
        used = np.flatnonzero(filters.any(axis=1))
        first, last = int(used[0]), int(used[-1]) + 1
        self.spectrogram = Spectrogram(n_fft, hop, first, last, scale)
        self.register_buffer("filters", torch.tensor(filters[first:last]))
        self.top_db = top_db

    def forward(self, waveform):
        mel = self.spectrogram(waveform) @ self.filters
        db = torch.log(torch.clamp(mel, min=1e-10)) * (10.0 / np.log(10.0))
        if self.top_db is not None:
            # Of each item alone: in a batch the loudest item must not lift the floor of the others.
            db = torch.maximum(db, db.amax(dim=(1, 2), keepdim=True) - self.top_db)
        return db


def cubic_taps(frames: int, length: int) -> tuple[torch.Tensor, torch.Tensor]:
    """For each of `length` places the four frames that a bicubic stretch (align corners, a = −0.75) reads, and their weights.

    Shapes [4, length]: i64 and f32.
    """
    place = np.arange(length) * ((frames - 1) / (length - 1))
    base = np.floor(place).astype(np.int64)
    t = place - base
    a = -0.75

    def near(x):
        return ((a + 2) * x - (a + 3)) * x * x + 1

    def far(x):
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a

    weights = np.stack([far(t + 1), near(t), near(1 - t), far(2 - t)])
    index = np.clip(np.stack([base - 1, base, base + 1, base + 2]), 0, frames - 1)
    return torch.tensor(index), torch.tensor(weights, dtype=torch.float32)
