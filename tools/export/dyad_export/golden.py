"""The golden file's inputs: signals and texts that find what goes wrong between two implementations."""

import numpy as np

TEXTS = {
    1: ["A violin track"],
    2: ["a flute plays a long note", "tuba"],
    3: ["The French horn is a brass instrument with a long coiled tube.", "Drums!", "electric guitar, distorted"],
}
# Long, empty, and what tokenizers disagree about.
AWKWARD = [
    "",
    " ",
    " a leading space",
    "a trailing space ",
    "two  spaces\tand a tab\nand a line",
    "VIOLIN Violin violin",
    "naïve café, u\u0308ber, e\u0301, A\u030a",
    "バイオリン 小提琴 바이올린",
    "скрипка كمان वायलिन",
    "🎻🎺 👩‍🎤",
    "\u0000\u0001\u001b[31m\u200b\ufeff",
    "! !! wow!",
    "it's the cellos' 1st take: 50% off @ #3 – “quoted”…",
    "<s> </s> <pad> <mask> [CLS] [SEP] <|endoftext|> <|startoftext|>",
    "violin " * 200,
    "x" * 300,
]


def texts() -> dict[int, list[str]]:
    """Batches by their size."""
    return {**TEXTS, len(AWKWARD): AWKWARD}


def signals(samples: int, rate: int) -> dict[int, np.ndarray]:
    """Windows f32 [n, samples] for n = 1, 2, 3: a scale, a chirp, noise, clicks, something very quiet, and half silence."""
    rng = np.random.default_rng(20261122)
    t = np.arange(samples) / rate
    length = samples / rate
    notes = 220.0 * 2 ** (np.floor(8 * t / length) / 12)
    scale = 0.4 * np.sin(2 * np.pi * np.cumsum(notes) / rate) + 0.1 * np.sin(6 * np.pi * np.cumsum(notes) / rate)
    chirp = 0.6 * np.sin(2 * np.pi * (60 * t + (rate * 0.4 - 60) * t * t / (2 * length)))
    noise = 0.2 * rng.standard_normal(samples)
    clicks = np.zeros(samples)
    clicks[:: max(1, samples // 9)] = 0.9
    quiet = 2e-4 * np.sin(2 * np.pi * 440.0 * t)
    half = np.where(t < length / 2, 0.5 * np.sign(np.sin(2 * np.pi * 110.0 * t)), 0.0)
    rows = [np.clip(row, -1.0, 1.0).astype(np.float32) for row in (scale, chirp, noise, clicks, quiet, half)]
    return {1: np.stack(rows[:1]), 2: np.stack(rows[1:3]), 3: np.stack(rows[3:])}
