"""Golden windows: mix down, resample, quantise, fill short clips, cut long ones, in numpy from the sources' descriptions.

    python tools/golden/make_windows.py        # writes tests/golden/windows.json and tests/golden/windows-*.wav

Sources: LAION-CLAP's `get_audio_features` (repeatpad; int16), MS-CLAP's `load_audio_into_tensor` (repeat, cut), MusCALL's
`_crop_audio` (centre, zeros), MuQ-MuLan's `_get_all_clips` (chunks, the last one filled from the start), the paper's pre-joint
path (whole repeats without zeros; first and last window). What they leave to chance is replaced by `chunks`.

Fill and cut are exact: clips are 1, 2, 3, … so that a window's numbers are places in the clip (0 is silence). The whole chain
runs on a stereo file of f32 at 44.1 kHz that fades in and out: sines can be computed at any rate, so the resampled signal is
known exactly.
"""

import json
import math
import struct
from pathlib import Path

import numpy as np

OUT = Path(__file__).resolve().parents[2] / "tests" / "golden"


def short_clip(clip, window, short):
    n = len(clip)
    if short == "zero":
        return np.concatenate([clip, np.zeros(window - n)])
    if short in ("repeat-cut", "wrap"):
        # torch: audio.repeat(ceil(window / n))[:window]
        return np.tile(clip, math.ceil(window / n))[:window]
    # numpy: np.tile(clip, int(window / n)), then np.pad for LAION.
    whole = np.tile(clip, int(window / n))
    return whole if short == "repeat-floor" else np.pad(whole, (0, window - len(whole)))


def long_clip(clip, window, long, hop, tail):
    n = len(clip)
    if long == "center":
        start = (n - window) // 2
        return [clip[start : start + window]]
    if long == "first":
        return [clip[:window]]
    if long == "first-last":
        return [clip[:window]] + ([clip[-window:]] if n > window else [])
    chunks, at = [], 0
    while at + window <= n:
        chunks.append(clip[at : at + window])
        at += hop
    heard = at - hop + window
    if heard < n:
        rest = clip[at:]
        if tail == "last-aligned":
            chunks.append(clip[-window:])
        elif len(rest) and tail == "pad":
            chunks.append(np.pad(rest, (0, window - len(rest))))
        elif len(rest) and tail == "wrap":
            # MuQ: torch.cat([audio[at:], audio[0 : window - rest]])
            chunks.append(np.concatenate([rest, clip[: window - len(rest)]]))
    return chunks


def windows(clip, window, short, long, hop, tail):
    return [short_clip(clip, window, short)] if len(clip) < window else long_clip(clip, window, long, hop, tail)


def cases():
    for n in (1, 2, 3, 5, 7, 8, 9, 12, 15, 16, 17, 23, 24, 25):
        clip = np.arange(1, n + 1)
        if n < 8:
            for short in ("zero", "repeat-cut", "wrap", "repeat-floor", "repeat-floor-zero"):
                yield clip, (8, short, "first", 8, "drop")
        else:
            for long in ("center", "first", "first-last"):
                yield clip, (8, "zero", long, 8, "drop")
            for hop in (8, 4, 3):
                for tail in ("drop", "pad", "wrap", "last-aligned"):
                    yield clip, (8, "zero", "chunks", hop, tail)


PARTIALS = [(110.0, 0.21, 0.3), (997.0, 0.17, 1.1), (4321.0, 0.11, 2.0), (9876.0, 0.07, 0.5)]
LENGTH_S = 0.06


def signal(t, channel):
    """A stereo signal at times `t`: the partials of the second channel are other in level and phase."""
    fade = np.sin(np.pi * np.clip(t / LENGTH_S, 0, 1)) ** 8
    level = [1.0, 0.55][channel]
    return fade * sum(a * level * np.sin(2 * np.pi * hz * t + phase * (1 + channel)) for hz, a, phase in PARTIALS)


def wav(path, rate):
    t = np.arange(round(LENGTH_S * rate)) / rate
    frames = np.stack([signal(t, 0), signal(t, 1)], 1).astype("<f4")
    body = frames.tobytes()
    head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(body), b"WAVE", b"fmt ", 16, 3, 2, rate, rate * 8, 8, 32, b"data", len(body))
    path.write_bytes(head + body)


def chain(rate, quantise):
    t = np.arange(round(LENGTH_S * rate)) / rate
    mono = (signal(t, 0) + signal(t, 1)) / 2
    if quantise == "int16-trunc":
        # LAION: int16_to_float32(float32_to_int16(x)); numpy's cast cuts towards zero.
        mono = (np.clip(mono, -1, 1) * 32767.0).astype(np.int16) / 32767.0
    return mono


def main():
    table = []
    for clip, (window, short, long, hop, tail) in cases():
        made = windows(clip, window, short, long, hop, tail)
        table.append({"n": len(clip), "samples": window, "short": short, "long": long, "hop": hop, "tail": tail,
                      "windows": [[int(x) for x in w] for w in made]})
    chains = []
    for source in (44_100, 48_000):
        wav(OUT / f"windows-{source}.wav", source)
        for rate in (48_000, 44_100, 24_000, 16_000):
            for quantise in ("none", "int16-trunc"):
                if rate == 16_000 or rate == 24_000 and quantise != "none":
                    # Partials above the new Nyquist frequency would have to be left out.
                    continue
                samples = chain(rate, quantise)
                chains.append({"file": f"windows-{source}.wav", "rate": rate, "quantize": quantise, "samples": len(samples),
                               "values": [[i, round(float(samples[i]), 9)] for i in range(0, len(samples), 7)]})
    text = json.dumps({"windows": table, "chains": chains}, separators=(",", ":"))
    (OUT / "windows.json").write_text(text.replace("},{", "},\n{") + "\n")


if __name__ == "__main__":
    main()
