"""Render the demonstration audio of dyad: single notes of fourteen instruments.

    apt-get install libfluidsynth3 csound-soundfont
    pip install -r tools/render/requirements.txt
    python tools/render/render.py --to data/audio

Every clip is one note of a General MIDI preset of csound's `sf_GMbank.sf2`
(public domain), played dry (no reverb, no chorus) and kept as 16-bit mono FLAC.
The notes of an instrument are spread evenly over its usual range; the dynamics
pp, mf and ff take turns, so that no two clips differ in loudness alone.

The script makes the clips, `manifest.csv` and nothing else, and refuses to
finish when a clip is silent, clipped or out of tune. It is deterministic: with
the versions above, the same bytes come out again (`--check` compares them).
"""

import argparse
import csv
import ctypes
import hashlib
import sys
from pathlib import Path

import fluidsynth
import numpy as np
import soundfile

SOUNDFONT = Path("/usr/share/sounds/sf2/sf_GMbank.sf2")
SOUNDFONT_SHA256 = "9f39fc53bd3a1a69f13cb486838944eded358b3b6e8afbd6c1c2c33675b2034b"

SAMPLE_RATE = 32_000
HELD_S = 2.0  # key down
TOTAL_S = 2.5  # clip length: the release rings in the last half second
CLIPS = 15  # notes for each instrument
PEAK = 0.7  # of an instrument's loudest clip; the others keep their distance to it
VELOCITY = {"pp": 44, "mf": 80, "ff": 118}

# class: abbreviation, General MIDI program (from 0), lowest and highest note
INSTRUMENTS = {
    "tuba": ("BTb", 58, 30, 62),
    "french_horn": ("Hn", 60, 36, 74),
    "trombone": ("Tbn", 57, 36, 72),
    "trumpet": ("TpC", 56, 54, 84),
    "accordion": ("Acc", 21, 45, 88),
    "contrabass": ("Cb", 43, 29, 62),
    "violin": ("Vn", 40, 55, 96),
    "viola": ("Va", 41, 48, 84),
    "violoncello": ("Vc", 42, 36, 76),
    "bassoon": ("Bn", 70, 34, 72),
    "clarinet": ("ClBb", 71, 50, 88),
    "flute": ("Fl", 73, 60, 94),
    "oboe": ("Ob", 68, 58, 88),
    "saxophone": ("ASax", 65, 50, 80),
}
NAMES = ["C", "Cs", "D", "Ds", "E", "F", "Fs", "G", "Gs", "A", "As", "B"]


def note_name(midi: int) -> str:
    """60 -> "C4"; sharps are written `s`, so that names are safe in a shell."""
    return f"{NAMES[midi % 12]}{midi // 12 - 1}"


def plan(low: int, high: int) -> list[tuple[int, str]]:
    """The (note, dynamic) pairs of an instrument, lowest first."""
    notes = np.round(np.linspace(low, high, CLIPS)).astype(int)
    dynamics = list(VELOCITY)
    return [(int(n), dynamics[i % len(dynamics)]) for i, n in enumerate(notes)]


class Synth:
    """FluidSynth, asked for float samples (its 16-bit output is dithered)."""

    def __init__(self, soundfont: Path):
        self.synth = fluidsynth.Synth(samplerate=SAMPLE_RATE, gain=0.5)
        self.synth.setting("synth.reverb.active", 0)
        self.synth.setting("synth.chorus.active", 0)
        self.font = self.synth.sfload(str(soundfont))
        if self.font < 0:
            sys.exit(f"cannot load {soundfont}")
        self.write = fluidsynth._fl.fluid_synth_write_float
        self.write.argtypes = [
            ctypes.c_void_p, ctypes.c_int,
            ctypes.c_void_p, ctypes.c_int, ctypes.c_int,
            ctypes.c_void_p, ctypes.c_int, ctypes.c_int,
        ]  # fmt: skip

    def samples(self, count: int) -> np.ndarray:
        left = np.zeros(count, np.float32)
        right = np.zeros(count, np.float32)
        self.write(self.synth.synth, count, left.ctypes.data, 0, 1, right.ctypes.data, 0, 1)
        return (left + right) / 2

    def note(self, program: int, midi: int, velocity: int) -> np.ndarray:
        self.synth.system_reset()
        self.synth.program_select(0, self.font, 0, program)
        self.synth.noteon(0, midi, velocity)
        held = self.samples(int(HELD_S * SAMPLE_RATE))
        self.synth.noteoff(0, midi)
        tail = self.samples(int((TOTAL_S - HELD_S) * SAMPLE_RATE))
        return np.concatenate([held, tail])


def cents_off(x: np.ndarray, midi: int) -> float:
    """Distance in cents of the strongest period near the note (octaves ignored)."""
    f0 = 440 * 2 ** ((midi - 69) / 12)
    part = x[int(0.5 * SAMPLE_RATE) : int(1.5 * SAMPLE_RATE)].astype(np.float64)
    size = 1 << 17
    spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part)), size)) ** 2
    ac = np.fft.irfft(spectrum, size)
    # Eight periods at once: a finer grid than one period would give.
    periods = 8
    lags = np.arange(int(periods * SAMPLE_RATE / f0 * 0.93), int(periods * SAMPLE_RATE / f0 * 1.07) + 2)
    best = lags[np.argmax(ac[lags])]
    return float(1200 * np.log2(periods * SAMPLE_RATE / f0 / best))


def faults(x: np.ndarray, midi: int) -> list[str]:
    """What is wrong with a clip; nothing, one hopes."""
    found = []
    peak = np.abs(x).max()
    rms = np.sqrt(np.mean(x[: int(HELD_S * SAMPLE_RATE)] ** 2))
    if not np.isfinite(x).all():
        found.append("not finite")
    if peak >= 0.99:
        found.append(f"clipped ({peak:.2f})")
    if rms < 0.003:
        found.append(f"silent (rms {rms:.5f})")
    if abs(off := cents_off(x, midi)) > 45:
        found.append(f"out of tune by {off:.0f} cents")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--to", type=Path, default=Path("data/audio"))
    parser.add_argument("--soundfont", type=Path, default=SOUNDFONT)
    parser.add_argument("--check", action="store_true", help="write nothing; compare with manifest.csv")
    args = parser.parse_args()

    if hashlib.sha256(args.soundfont.read_bytes()).hexdigest() != SOUNDFONT_SHA256:
        sys.exit(f"{args.soundfont} is not the file that the clips were made from")
    synth = Synth(args.soundfont)
    rows, bad = [], []
    for label, (short, program, low, high) in INSTRUMENTS.items():
        clips = [(n, d, synth.note(program, n, VELOCITY[d])) for n, d in plan(low, high)]
        gain = PEAK / max(np.abs(x).max() for _, _, x in clips)
        for midi, dynamic, x in clips:
            x = (x * gain).astype(np.float32)
            path = f"{label}/{short}-{note_name(midi)}-{dynamic}.flac"
            bad += [f"{path}: {fault}" for fault in faults(x, midi)]
            pcm = np.round(x * 32767).astype(np.int16)
            target = args.to / path
            if not args.check:
                target.parent.mkdir(parents=True, exist_ok=True)
                soundfile.write(target, pcm, SAMPLE_RATE, subtype="PCM_16", format="FLAC", compression_level=1.0)
            elif not np.array_equal(soundfile.read(target, dtype="int16")[0], pcm):
                bad.append(f"{path}: the samples differ from the file's")
            digest = hashlib.sha256(target.read_bytes()).hexdigest()
            rows.append([path, label, note_name(midi), midi, dynamic, f"{len(x) / SAMPLE_RATE:.3f}", digest])
    if bad:
        sys.exit("\n".join(bad))

    header = ["path", "label", "note", "midi", "dynamic", "duration_s", "sha256"]
    manifest = args.to / "manifest.csv"
    if args.check:
        with manifest.open(newline="") as f:
            if list(csv.reader(f)) != [header] + [[str(c) for c in r] for r in rows]:
                sys.exit("manifest.csv differs")
    else:
        with manifest.open("w", newline="") as f:
            csv.writer(f, lineterminator="\n").writerows([header, *rows])
    print(f"{len(rows)} clips, {len(INSTRUMENTS)} instruments")


if __name__ == "__main__":
    main()
