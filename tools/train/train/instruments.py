"""General MIDI programs: names, families and usual ranges (instruments.tsv).

Program 128 stands for the drum channel. Ranges are sounding MIDI notes.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = 129
DRUMS = 128

# The fourteen classes of TinySOL, in the order of its ground truth.
TARGETS = {
    "tuba": 58,
    "french_horn": 60,
    "trombone": 57,
    "trumpet": 56,
    "accordion": 21,
    "contrabass": 43,
    "violin": 40,
    "viola": 41,
    "violoncello": 42,
    "bassoon": 70,
    "clarinet": 71,
    "flute": 73,
    "oboe": 68,
    "saxophone": 65,
}
TARGET_PROGRAMS = list(TARGETS.values())

# Instruments that a listener may take for one of the fourteen: rendered more often.
NEIGHBOURS = [20, 22, 23, 44, 48, 49, 59, 61, 64, 66, 67, 69, 72, 74, 109, 110, 111]

# Programs that count as a target as well: the same instrument, or its near twin.
ALIKE = {23: "accordion", 64: "saxophone", 66: "saxophone", 67: "saxophone", 110: "violin"}

# Names of a target class other than its label.
TARGET_SYNONYMS = {
    "tuba": ["bass tuba"],
    "french_horn": ["horn"],
    "trumpet": ["trumpet in c"],
    "contrabass": ["double bass", "upright bass"],
    "violoncello": ["cello"],
    "clarinet": ["clarinet in b-flat"],
    "saxophone": ["alto saxophone", "sax"],
}


@dataclass(frozen=True)
class Instrument:
    program: int
    label: str
    synonyms: tuple[str, ...]
    families: tuple[str, ...]
    low: int
    high: int
    chords: bool


def _load() -> dict[int, Instrument]:
    with (Path(__file__).parent / "instruments.tsv").open(newline="") as f:
        return {
            int(r["program"]): Instrument(
                int(r["program"]),
                r["label"],
                tuple(s for s in r["synonyms"].split("; ") if s),
                tuple(r["families"].split("; ")),
                int(r["low"]),
                int(r["high"]),
                r["chords"] == "yes",
            )
            for r in csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE)
        }


INSTRUMENTS = _load()
