"""Notes from SoundFont 2 files (FluidSynth) and from GUS patches (TiMidity).

Both players give dry mono float samples at 32 kHz. A `Note` says what to play,
so that the same plan can be rendered with any source.
"""

import ctypes
import struct
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import fluidsynth
import numpy as np
import soundfile

from .instruments import DRUMS

RATE = 32_000


def presets(path: Path) -> dict[tuple[int, int], str]:
    """(bank, program) -> name, from the phdr chunk."""
    data = path.read_bytes()
    start = data.index(b"phdr", data.rindex(b"pdta")) + 8
    size = struct.unpack("<I", data[start - 4 : start])[0]
    found = {}
    for at in range(start, start + size - 38, 38):
        name = data[at : at + 20].split(b"\0")[0].decode("latin1")
        program, bank = struct.unpack("<HH", data[at + 20 : at + 24])
        found[bank, program] = name
    return found


@dataclass(frozen=True)
class Event:
    """At `time` seconds: notes down (velocity > 0), up (0), or a controller."""

    time: float
    kind: str  # "on", "off", "cc", "bend"
    a: int
    b: int = 0


class FluidSynth:
    def __init__(self, path: Path):
        self.synth = fluidsynth.Synth(samplerate=RATE, gain=0.4)
        self.synth.setting("synth.reverb.active", 0)
        self.synth.setting("synth.chorus.active", 0)
        self.font = self.synth.sfload(str(path))
        if self.font < 0:
            raise SystemExit(f"cannot load {path}")
        self.presets = presets(path)
        self.write = fluidsynth._fl.fluid_synth_write_float
        p, i = ctypes.c_void_p, ctypes.c_int
        self.write.argtypes = [p, i, p, i, i, p, i, i]

    def banks(self, program: int) -> list[int]:
        """Banks with a preset for the program; MuseScore's "Expr." presets are
        silent without controller 2 and repeat the others: left out."""
        if program == DRUMS:
            return [128]
        usable = [0]
        if program in (21, 40):
            usable.append(8)  # Italian Accordion, Slow Violin
        return [b for b in usable if (b, program) in self.presets and "Expr" not in self.presets[b, program]]

    def _samples(self, count: int) -> np.ndarray:
        left, right = np.zeros(count, np.float32), np.zeros(count, np.float32)
        if count:
            self.write(self.synth.synth, count, left.ctypes.data, 0, 1, right.ctypes.data, 0, 1)
        return (left + right) / 2

    def play(self, bank: int, program: int, events: list[Event], seconds: float) -> np.ndarray:
        self.synth.system_reset()
        channel = 9 if program == DRUMS else 0
        if program == DRUMS:
            self.synth.program_select(9, self.font, 128, 0)
        else:
            self.synth.program_select(0, self.font, bank, program)
        parts, at = [], 0
        for event in sorted(events, key=lambda e: e.time):
            until = min(int(event.time * RATE), int(seconds * RATE))
            parts.append(self._samples(until - at))
            at = until
            if event.kind == "on":
                self.synth.noteon(channel, event.a, event.b)
            elif event.kind == "off":
                self.synth.noteoff(channel, event.a)
            elif event.kind == "cc":
                self.synth.cc(channel, event.a, event.b)
            else:
                self.synth.pitch_bend(channel, event.a)
        parts.append(self._samples(int(seconds * RATE) - at))
        return np.concatenate(parts)


class Timidity:
    """FreePats: one WAV of many segments per call, since TiMidity is a program."""

    SEGMENT = 8.0  # seconds a job may last

    def __init__(self, folder: Path = Path("/usr/share/midi/freepats")):
        self.folder = folder
        self.programs = {int(p.name[:3]) for p in (folder / "Tone_000").glob("*.pat")}

    def banks(self, program: int) -> list[int]:
        return [0] if program in self.programs else []

    def play_many(self, jobs: list[tuple[int, list[Event]]]) -> list[np.ndarray]:
        """Each job (program, events) becomes one segment of SEGMENT seconds."""
        ticks = 480  # a quarter; at 120 bpm, 960 ticks a second
        message = []
        for k, (program, events) in enumerate(jobs):
            start = k * self.SEGMENT
            message.append((start, 0, bytes([0xC0, program])))
            message.append((start, 1, bytes([0xE0, 0, 64])))
            for c, v in ((1, 0), (11, 127), (7, 120), (91, 0), (93, 0)):
                message.append((start, 1, bytes([0xB0, c, v])))
            for e in events:
                if e.kind == "on":
                    data = bytes([0x90, e.a, e.b])
                elif e.kind == "off":
                    data = bytes([0x80, e.a, 0])
                elif e.kind == "cc":
                    data = bytes([0xB0, e.a, e.b])
                else:
                    bend = e.a + 8192
                    data = bytes([0xE0, bend & 127, bend >> 7])
                message.append((start + e.time, 2, data))
            message.append((start + self.SEGMENT - 0.3, 3, bytes([0xB0, 120, 0])))
        message.sort(key=lambda m: (m[0], m[1]))
        track, last = b"", 0
        for time, _, data in message:
            tick = round(time * 2 * ticks)
            track += _variable(tick - last) + data
            last = tick
        track += _variable(960) + bytes([0xFF, 0x2F, 0])
        midi = b"MThd" + struct.pack(">IHHH", 6, 0, 1, ticks) + b"MTrk" + struct.pack(">I", len(track)) + track
        with tempfile.TemporaryDirectory() as tmp:
            source, wav = Path(tmp) / "a.mid", Path(tmp) / "a.wav"
            source.write_bytes(midi)
            subprocess.run(
                ["timidity", "-c", "/etc/timidity/freepats.cfg", "--preserve-silence", "-EFreverb=0", "-EFchorus=0", "-Ow",
                 "-A60", "-s", str(RATE), "--output-mono", "-o", str(wav), str(source)],
                check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            x, _ = soundfile.read(wav, dtype="float32")
        if x.ndim > 1:
            x = x.mean(1)
        size = int(self.SEGMENT * RATE)
        x = np.pad(x, (0, max(0, size * len(jobs) - len(x))))
        return [x[k * size : (k + 1) * size] for k in range(len(jobs))]


def _variable(n: int) -> bytes:
    out = [n & 127]
    while n := n >> 7:
        out.append(n & 127 | 128)
    return bytes(reversed(out))
