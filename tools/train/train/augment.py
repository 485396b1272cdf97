"""Make a looped soundfont note sound less like one: pitch and level that drift,
breath, a body and microphone of random colour, rooms, noise, cuts.

The aim is that what the model learns holds for recordings it never heard, so
every clip is changed differently. All functions take and give float32 arrays.
"""

import itertools

import numpy as np
from scipy.ndimage import map_coordinates
from scipy.signal import resample_poly

SOURCE_RATE = 32_000
RATE = 16_000
WINDOW = 48_000


def smooth_noise(rng: np.random.Generator, count: int, knots: float) -> np.ndarray:
    """A random curve of unit variance with about `knots` independent points."""
    k = max(4, int(knots) + 3)
    points = rng.standard_normal(k)
    at = np.linspace(0, k - 1.001, count)
    return map_coordinates(points, [at], order=3, mode="nearest").astype(np.float32)


def bend(rng: np.random.Generator, x: np.ndarray, transpose: float) -> np.ndarray:
    """Resample by `transpose` semitones (moving the formants) with slow drift and,
    sometimes, a vibrato that sets in late."""
    seconds = len(x) / SOURCE_RATE
    count = int(len(x) / 2 ** (transpose / 12) / 2 / 2)  # control points: one for four samples
    cents = transpose * 100 + rng.uniform(0, 12) * smooth_noise(rng, count, seconds * 3)
    if rng.random() < 0.4:
        t = np.arange(count) * 4 / SOURCE_RATE
        rate = rng.uniform(4.3, 6.8) * (1 + 0.08 * smooth_noise(rng, count, seconds))
        depth = rng.uniform(3, 35) * np.clip((t - rng.uniform(0, 0.6)) / 0.4, 0, 1)
        cents = cents + depth * np.sin(2 * np.pi * np.cumsum(rate) * 4 / SOURCE_RATE + rng.uniform(0, 6))
    step = 2 ** (cents / 1200)
    position = np.cumsum(np.repeat(step, 4))
    position = position[position < len(x) - 2]
    return map_coordinates(x, [position], order=3, mode="nearest").astype(np.float32)


def colour(rng: np.random.Generator, x: np.ndarray, strength: float, tilt: float) -> np.ndarray:
    """A random frequency response: tilt (dB an octave) and bumps, broad and narrow;
    at times a high-pass, at times a low-pass."""
    spectrum = np.fft.rfft(x)
    f = np.fft.rfftfreq(len(x), 1 / RATE)
    grid = np.linspace(np.log2(25), np.log2(8000), 240)
    octaves = grid[-1] - grid[0]
    db = tilt * (grid - np.log2(700))
    db = db + strength * 3.5 * smooth_noise(rng, 240, octaves / 1.5)
    db = db + strength * 1.8 * smooth_noise(rng, 240, octaves * 2.5)
    if rng.random() < 0.3:
        edge = np.log2(rng.uniform(30, 160))
        db = db - np.maximum(0, edge - grid) * rng.choice([6, 12])
    if rng.random() < 0.35:
        edge = np.log2(np.exp(rng.uniform(np.log(1800), np.log(7500))))
        db = db - np.maximum(0, grid - edge) * rng.choice([6, 12, 24])
    gain = 10 ** (np.interp(np.log2(np.maximum(f, 20)), grid, np.clip(db, -60, 24)) / 20)
    return np.fft.irfft(spectrum * gain, len(x)).astype(np.float32)


def room(rng: np.random.Generator, x: np.ndarray) -> np.ndarray:
    """Convolve with a made-up room: direct sound, a few reflections, a decaying tail
    that loses its treble first."""
    decay = np.exp(rng.uniform(np.log(0.12), np.log(1.4)))
    count = int(min(1.5, decay) * RATE)
    t = np.arange(count) / RATE
    low = rng.standard_normal(count) * 10 ** (-3 * t / decay)
    high = rng.standard_normal(count) * 10 ** (-3 * t / (decay * rng.uniform(0.3, 0.8)))
    soft = np.convolve(low, np.ones(6) / 6, "same")
    tail = soft + 0.5 * (high - np.convolve(high, np.ones(6) / 6, "same"))
    tail[: int(rng.uniform(0.001, 0.02) * RATE)] = 0
    tail /= np.sqrt((tail**2).sum()) + 1e-9
    ir = tail * 10 ** (-rng.uniform(0, 18) / 20)
    ir[0] += 1
    for _ in range(rng.integers(0, 6)):
        ir[rng.integers(10, int(0.03 * RATE))] += rng.uniform(-0.4, 0.4)
    size = 1 << int(np.ceil(np.log2(len(x) + count)))
    y = np.fft.irfft(np.fft.rfft(x, size) * np.fft.rfft(ir, size), size)
    return y[: len(x)].astype(np.float32)


def breath(rng: np.random.Generator, x: np.ndarray) -> np.ndarray:
    """Noise with the note's own loudness curve and a blurred copy of its spectrum."""
    hop = 512
    level = np.sqrt(np.convolve(x**2, np.ones(hop) / hop, "same")[::hop] + 1e-12)
    envelope = np.interp(np.arange(len(x)), np.arange(len(level)) * hop, level)
    magnitude = np.abs(np.fft.rfft(x, 8192))
    f = np.arange(len(magnitude))
    edges = np.unique(np.geomspace(8, len(f) - 1, 28).astype(int))
    means = [magnitude[a:b].mean() for a, b in itertools.pairwise(edges)]
    shape = np.exp(np.interp(f, edges[:-1], np.log(np.array(means) + 1e-9)))
    noise = np.fft.rfft(rng.standard_normal(len(x)))
    whole = np.interp(np.linspace(0, 1, len(noise)), np.linspace(0, 1, len(shape)), shape) ** rng.uniform(0.4, 1)
    noise = np.fft.irfft(noise * whole, len(x))
    noise *= envelope / (np.sqrt((noise**2).mean()) + 1e-9)
    return (x + noise * 10 ** (-rng.uniform(20, 48) / 20)).astype(np.float32)


def background(rng: np.random.Generator, x: np.ndarray) -> np.ndarray:
    """Steady noise with a spectral slope, 25 to 75 dB under the peak; at times hum."""
    noise = np.fft.rfft(rng.standard_normal(len(x)))
    f = np.maximum(np.fft.rfftfreq(len(x), 1 / RATE), 20)
    noise = np.fft.irfft(noise * f ** -rng.uniform(0, 1.2), len(x))
    noise /= np.abs(noise).max() + 1e-9
    peak = np.abs(x).max()
    x = x + noise * peak * 10 ** (-rng.uniform(25, 75) / 20)
    if rng.random() < 0.1:
        t = np.arange(len(x)) / RATE
        hum = sum(np.sin(2 * np.pi * rng.choice([50, 60]) * k * t) / k for k in (1, 2, 3))
        x = x + hum * peak * 10 ** (-rng.uniform(40, 65) / 20)
    return x.astype(np.float32)


def loudness(rng: np.random.Generator, x: np.ndarray) -> np.ndarray:
    """Slow level drift; now and then a softer attack, a swell or a fade."""
    n = len(x)
    seconds = n / RATE
    db = rng.uniform(0, 2.0) * smooth_noise(rng, n // 64 + 2, seconds * 4)
    if rng.random() < 0.3:
        db = db + np.linspace(0, rng.uniform(-14, 8), len(db))
    gain = 10 ** (np.interp(np.arange(n), np.arange(len(db)) * 64, db) / 20)
    if rng.random() < 0.35:
        first = int(np.argmax(np.abs(x) > 0.03 * np.abs(x).max()))
        length = int(np.exp(rng.uniform(np.log(0.01), np.log(0.25))) * RATE)
        ramp = np.clip((np.arange(n) - first) / length, 0, 1) ** rng.uniform(0.5, 2)
        gain = gain * ramp
    return (x * gain).astype(np.float32)


def window(rng: np.random.Generator, x: np.ndarray, sustained: bool) -> np.ndarray:
    """Three seconds: mostly from just before the onset, else from further in. What is
    too short is repeated or filled with silence, as a reader of files may do."""
    peak = np.abs(x).max()
    loud = np.flatnonzero(np.abs(x) > 0.02 * peak)
    first, last = int(loud[0]), int(loud[-1])
    if sustained and rng.random() < 0.35:
        latest = max(first, last - WINDOW // 2)
        start = int(rng.integers(first, latest + 1))
    else:
        start = max(0, first - int(rng.uniform(0, 0.12) * RATE * (rng.random() < 0.6)))
    x = x[start:]
    length = min(WINDOW, max(RATE // 4, last - start + int(rng.uniform(0, 0.8) * RATE)))
    if rng.random() < 0.2:  # only a part of the note
        length = max(RATE // 3, int(length * rng.uniform(0.3, 1)))
    x = x[:length]
    if len(x) < WINDOW and rng.random() < 0.6:
        return np.tile(x, WINDOW // len(x) + 1)[:WINDOW]
    return np.pad(x, (0, max(0, WINDOW - len(x))))[:WINDOW]


def finish(rng: np.random.Generator, x: np.ndarray, sustained: bool, dynamic: int, transpose: float) -> np.ndarray:
    """From a rendered note at 32 kHz to a training clip: int16, 16 kHz, three seconds."""
    plain = rng.random() < 0.08
    if not plain:
        x = bend(rng, x, transpose)
    x = resample_poly(x, 1, SOURCE_RATE // RATE).astype(np.float32)
    if not plain:
        x = loudness(rng, x)
        if rng.random() < 0.5:
            x = breath(rng, x)
        tilt = rng.normal(0, 0.9) + (-0.7, 0.0, 0.7)[dynamic]
        x = colour(rng, x, rng.uniform(0.2, 1.3), tilt)
        if rng.random() < 0.6:
            x = room(rng, x)
    x = window(rng, x, sustained)
    if not plain and rng.random() < 0.75:
        x = background(rng, x)
    x = x / (np.abs(x).max() + 1e-9) * 0.9
    return np.round(x * 32767).astype(np.int16)


def untouched(x: np.ndarray) -> np.ndarray:
    """The same format without any change: the first three seconds."""
    x = resample_poly(x, 1, SOURCE_RATE // RATE).astype(np.float32)[:WINDOW]
    x = np.pad(x, (0, WINDOW - len(x)))
    return np.round(x / (np.abs(x).max() + 1e-9) * 0.9 * 32767).astype(np.int16)
