"""Stage `render`: clips of every program from one source, with what is known of each.

    python -m train render --work DIR --source fluid

writes DIR/clips/<source>.npy (int16, [clips, 48000]) and <source>.meta.npy, a
structured array: program, note, dynamic (0 pp, 1 mf, 2 ff), register (thirds of
the range), kind (0 sustained, 1 short, 2 phrase, 3 chord).
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .augment import WINDOW, finish, untouched
from .instruments import DRUMS, INSTRUMENTS, NEIGHBOURS, TARGET_PROGRAMS, Instrument
from .soundfont import Event, FluidSynth, Timidity

META = np.dtype([("program", "i2"), ("note", "i2"), ("dynamic", "i1"), ("register", "i1"), ("kind", "i1")])
VELOCITIES = ((30, 55), (58, 88), (94, 127))
SUSTAINED, SHORT, PHRASE, CHORD = range(4)


@dataclass(frozen=True)
class Source:
    path: str
    sha256: str
    package: str
    licence: str
    counts: tuple[int, int, int]  # clips of each target, neighbour, other program
    sections: dict[int, list[tuple[int, int]]] | None = None  # instead: program -> presets (bank, program)


SF2 = "/usr/share/sounds/sf2/"
SOURCES = {
    "fluid": Source(
        SF2 + "FluidR3_GM.sf2", "74594e8f4250680adf590507a306655a299935343583256f3b722c48a1bc1cb0",
        "fluid-soundfont-gm 3.1-5.3", "MIT", (520, 130, 26)),
    "musescore": Source(
        SF2 + "MuseScore_General_Full.sf2", "59287cbb0f424ec76d1bc269eee40dfe0b02252588d72eb016b5d2382e710a8f",
        "musescore-general-soundfont-lossless 0.2.1-1", "MIT (parts CC0, public domain)", (520, 130, 26)),
    "freepats": Source(
        "/usr/share/midi/freepats", "",
        "freepats 20060219-4", "GPL-2+ with an exception for what is made with the patches", (520, 130, 26)),
    # MuseScore's string sections (VSCO 2 Community Edition, CC0): other players, other
    # instruments and another hall than its solo strings, taken as more of the same.
    "sections": Source(
        SF2 + "MuseScore_General_Full.sf2", "59287cbb0f424ec76d1bc269eee40dfe0b02252588d72eb016b5d2382e710a8f",
        "musescore-general-soundfont-lossless 0.2.1-1", "CC0", (420, 0, 0),
        {
            40: [(20, 48), (20, 49), (25, 48), (25, 49)],
            41: [(30, 48), (30, 49)],
            42: [(40, 48), (40, 49)],
            43: [(50, 48), (50, 49)],
        }),
    "timgm": Source(
        SF2 + "TimGM6mb.sf2", "c5378b62028c920cb11e4803327983fee2f2cdff5dc89c708e39da417e51c854",
        "timgm6mb-soundfont 1.3-5", "GPL-2", (60, 14, 5)),
}  # fmt: skip


def seed(*parts: object) -> np.random.Generator:
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "little"))


def plan(rng: np.random.Generator, instrument: Instrument) -> tuple[list[Event], float, tuple, float]:
    """One clip: events, seconds to render, meta, semitones to transpose afterwards."""
    target = instrument.program in TARGET_PROGRAMS
    dynamic = int(rng.integers(3))
    velocity = int(rng.integers(*VELOCITIES[dynamic]))
    events: list[Event] = []

    if instrument.program == DRUMS:
        t = 0.0
        while t < 3.5:
            for n in rng.choice([35, 36, 38, 40, 42, 44, 46, 49, 51, 45, 47, 50, 39, 54, 56, 60, 64, 70], rng.integers(1, 3)):
                events.append(Event(t, "on", int(n), int(np.clip(velocity + rng.integers(-15, 15), 20, 127))))
            t += rng.uniform(0.12, 0.5)
        return events, 3.5, (DRUMS, 0, dynamic, 1, PHRASE), 0.0

    low, high = instrument.low, instrument.high
    sounding = int(rng.integers(low, high + 1))
    transpose = float(np.clip(rng.normal(0, 1.3), -4, 4)) if rng.random() < 0.6 else 0.0
    note = int(np.clip(round(sounding - transpose), 12, 115))
    register = min(2, 3 * (sounding - low) // (high - low + 1))
    events.append(Event(0, "bend", int(np.clip(rng.normal(0, 500), -4000, 4000))))
    if rng.random() < 0.35:
        events.append(Event(0, "cc", 1, int(rng.integers(0, 80))))
    u = rng.random()
    if u < (0.84 if target else 0.7):
        kind, held = SUSTAINED, float(rng.uniform(0.5, 5.0))
        events.append(Event(0.05, "on", note, velocity))
        events.append(Event(0.05 + held, "off", note))
        if rng.random() < 0.15:  # swell or fade
            a, b = rng.integers(50, 128, 2)
            events += [Event(0.04 + held * i / 10, "cc", 11, int(a + (b - a) * i / 9)) for i in range(10)]
        seconds = held + 1.2
    elif u < (0.91 if target else 0.8):
        kind, held = SHORT, float(rng.uniform(0.08, 0.35))
        events += [Event(0.05, "on", note, velocity), Event(0.05 + held, "off", note)]
        seconds = 1.8
    elif instrument.chords and u < 0.9 or instrument.program == 21:
        kind, held = CHORD, float(rng.uniform(0.5, 3.5))
        shapes = [(0, 4, 7), (0, 3, 7), (0, 12), (0, 5, 9), (0, 4, 7, 11), (0, 7)]
        for step in shapes[rng.integers(len(shapes))]:
            n = min(high, note + step)
            events += [Event(0.05, "on", n, velocity), Event(0.05 + held, "off", n)]
        seconds = held + 1.2
    else:
        kind, t, n = PHRASE, 0.05, note
        while t < 3.2:
            held = float(rng.uniform(0.12, 0.7))
            loud = int(np.clip(velocity + rng.integers(-12, 12), 20, 127))
            events += [Event(t, "on", n, loud), Event(t + held, "off", n)]
            t += held + (float(rng.uniform(0.05, 0.2)) if rng.random() < 0.15 else 0)
            n = int(np.clip(n + rng.integers(-5, 6), low, high))
        seconds = 3.6
    return events, seconds, (instrument.program, sounding, dynamic, register, kind), transpose


def plain_note(rng: np.random.Generator, instrument: Instrument) -> tuple[list[Event], float, tuple, float]:
    """One long note as an orchestral sample set has it; nothing else."""
    dynamic = int(rng.integers(3))
    note = int(rng.integers(instrument.low, instrument.high + 1))
    held = float(rng.uniform(1.5, 4.5))
    events = [Event(0.05, "on", note, (42, 78, 118)[dynamic]), Event(0.05 + held, "off", note)]
    register = min(2, 3 * (note - instrument.low) // (instrument.high - instrument.low + 1))
    return events, held + 1.2, (instrument.program, note, dynamic, register, SUSTAINED), 0.0


def jobs(name: str, has) -> list[tuple[int, int]]:
    """(program, index) for each clip of a source, in program order."""
    many, some, few = SOURCES[name].counts
    out = []
    for program in INSTRUMENTS:
        if has(program):
            count = many if program in TARGET_PROGRAMS else some if program in NEIGHBOURS else few
            out += [(program, i) for i in range(count * (3 if program == DRUMS else 1))]
    return out


def render(name: str, work: Path, plain: bool = False) -> None:
    """`plain`: 60 unchanged long notes of each target, for measuring only."""
    folder = work / "clips"
    folder.mkdir(parents=True, exist_ok=True)
    fluid = name != "freepats"
    sections = SOURCES[name].sections
    player = FluidSynth(Path(SOURCES[name].path)) if fluid else Timidity(Path(SOURCES[name].path))
    if plain:
        todo = [(p, i) for p in TARGET_PROGRAMS if player.banks(p) for i in range(60)]
    else:
        has = player.banks if sections is None else sections.get
        todo = jobs(name, has)
    clips, meta, dropped = [], [], 0
    group = 1 if fluid else 40
    for at in range(0, len(todo), group):
        batch = []
        for program, index in todo[at : at + group]:
            rng = seed(name, program, index, plain)
            if sections is not None:
                preset = sections[program][rng.integers(len(sections[program]))]
            else:
                preset = (0 if plain else int(rng.choice(player.banks(program))), program)
            batch.append((rng, *preset, *(plain_note if plain else plan)(rng, INSTRUMENTS[program])))
        if fluid:
            sounds = [player.play(bank, program, events, seconds) for _, bank, program, events, seconds, *_ in batch]
        else:
            sounds = player.play_many([(program, events) for _, _, program, events, *_ in batch])
            sounds = [x[: int(b[4] * 32_000)] for x, b in zip(sounds, batch)]
        for x, (rng, _, _, _, _, facts, transpose) in zip(sounds, batch):
            if np.abs(x).max() < 1e-3:
                dropped += 1
                continue
            clips.append(untouched(x) if plain else finish(rng, x, facts[4] == SUSTAINED, facts[2], transpose))
            meta.append(facts)
        if at // group % max(1, 1000 // group) == 0:
            print(f"{name}: {at}/{len(todo)}, {dropped} silent", flush=True)
    suffix = "-plain" if plain else ""
    np.save(folder / f"{name}{suffix}.npy", np.array(clips).reshape(-1, WINDOW))
    np.save(folder / f"{name}{suffix}.meta.npy", np.array(meta, META))
    print(f"{name}: {len(clips)} clips, {dropped} silent ones left out")
