"""Captions, each with the condition under which it is true of a clip.

A condition is four masks: over programs, dynamics, registers and kinds of playing.
So the matrix "caption fits clip" is exact and a batch has as many positives as it has.
"""

import re
from dataclasses import dataclass

import numpy as np

from .definitions import SHORT, definitions
from .instruments import ALIKE, DRUMS, INSTRUMENTS, NEIGHBOURS, PROGRAMS, TARGET_PROGRAMS, TARGET_SYNONYMS, TARGETS

DYNAMICS = [
    ["soft", "quiet", "pianissimo", "played softly"],
    ["moderate", "mezzo-forte", "medium loudness"],
    ["loud", "fortissimo", "forte", "played loudly"],
]
REGISTERS = [
    ["low register", "low-pitched", "deep"],
    ["middle register", "mid-range"],
    ["high register", "high-pitched"],
]
KINDS = [
    ["a sustained note", "a long note", "a single note", "a held tone"],
    ["a short note", "a staccato note", "a short stab"],
    ["a melody", "a phrase", "a short melodic line"],
    ["a chord", "harmony", "several notes together"],
]
# The wordings that matter most; every name of a target goes through all of them.
PROMPTS = [
    "{}",
    "{} ",
    "A {} track",
    "This is a recording of a {}",
    "This is a recording of {}",
    "Solo musical instrument sound of a {}",
    "Solo musical instrument sound of {}",
    "a {}",
    "the sound of a {}",
    "{} solo",
]
WORDINGS = PROMPTS + [
    "{} track", "a {} playing", "a solo {}", "music played on the {}", "audio of a {}", "{} sound", "a recording of a {} note",
    "an instrument sample: {}", "I can hear a {}", "the instrument is a {}", "{} music", "this is the sound of {}",
    "a clip featuring {}", "isolated {} recording", "a musical instrument called the {}", "{} performance",
    "a person plays the {}", "musician playing {}", "A {} note", "This is a {}.", "an audio recording of the {}",
]  # fmt: skip
FAMILY = [
    "{}", "a {}", "the sound of a {}", "This is a recording of a {}", "A {} track", "Solo musical instrument sound of a {}",
    "music played on a {}", "a {} playing", "instrument family: {}", "this sounds like a {}",
]  # fmt: skip
FILLER = [
    "lorem", "ipsum", "dolor", "sit", "amet", "consectetur", "adipiscing", "elit", "sed", "do", "eiusmod", "tempor",
    "incididunt", "ut", "labore", "et", "dolore", "magna", "aliqua", "enim", "ad", "minim", "veniam", "quis",
    "nostrud", "exercitation", "ullamco", "laboris", "nisi", "aliquip", "ex", "ea", "commodo", "consequat", "duis",
    "aute", "irure", "in", "reprehenderit", "voluptate", "velit", "esse", "cillum", "eu", "fugiat", "nulla",
    "pariatur", "excepteur", "sint", "occaecat", "cupidatat", "non", "proident", "sunt", "culpa", "qui", "officia",
    "deserunt", "mollit", "anim", "id", "est", "laborum",
]  # fmt: skip


@dataclass
class Captions:
    texts: list[str]
    programs: np.ndarray  # bool [n, 129]
    dynamics: np.ndarray  # bool [n, 3]
    registers: np.ndarray  # bool [n, 3]
    kinds: np.ndarray  # bool [n, 4]
    prompts: dict[str, list[int]]  # target -> captions that are a plain prompt with its label

    def fits(self, meta: np.ndarray, captions: np.ndarray) -> np.ndarray:
        """bool [clips, captions]"""
        return (
            self.programs[captions][:, meta["program"]].T
            & self.dynamics[captions][:, meta["dynamic"]].T
            & self.registers[captions][:, meta["register"]].T
            & self.kinds[captions][:, meta["kind"]].T
        )


def _names() -> dict[str, set[int]]:
    """Every name with the programs it is true of."""
    names: dict[str, set[int]] = {}
    for program, instrument in INSTRUMENTS.items():
        for name in (instrument.label, *instrument.synonyms):
            names.setdefault(name, set()).add(program)
    for target, program in TARGETS.items():
        for name in (target.replace("_", " "), *TARGET_SYNONYMS.get(target, [])):
            names.setdefault(name, set()).add(program)
    names["fiddle"].add(40)
    for alias, targets in ALIKE.items():
        for name in (targets.replace("_", " "), *TARGET_SYNONYMS.get(targets, [])):
            if name != "alto saxophone":
                names[name].add(alias)
    for name in ("saxophone", "sax"):
        names[name] = {64, 65, 66, 67}
    names["percussion"] = {p for p, i in INSTRUMENTS.items() if "percussion instrument" in i.families}
    return names


def _an(wording: str) -> str:
    return re.sub(r"\b([Aa]) \{\}", r"\1n {}", wording)


def build() -> Captions:
    rng = np.random.default_rng(0)
    names = _names()
    families: dict[str, set[int]] = {}
    for program, instrument in INSTRUMENTS.items():
        for family in instrument.families:
            families.setdefault(family, set()).add(program)
    families["acoustic instrument"] = {
        p for p, i in INSTRUMENTS.items() if not {"electronic instrument", "sound effect"} & set(i.families)
    }
    rows: dict[str, tuple] = {}

    def add(text: str, programs, dynamic=None, register=None, kind=None) -> None:
        if text in rows or not programs:
            return
        masks = [np.zeros(PROGRAMS, bool)]
        masks[0][list(programs)] = True
        for value, size in ((dynamic, 3), (register, 3), (kind, 4)):
            mask = np.ones(size, bool) if value is None else np.arange(size) == value
            masks.append(mask)
        rows[text] = tuple(masks)

    core = set(TARGET_PROGRAMS) | set(NEIGHBOURS)
    for name, programs in names.items():
        near = bool(programs & core)
        wordings = WORDINGS if near else WORDINGS[:3] + [WORDINGS[i] for i in rng.choice(np.arange(3, len(WORDINGS)), 7, False)]
        for wording in wordings:
            add(wording.format(name), programs)
            if name[0] in "aeio":
                add(_an(wording).format(name), programs)
            if near and rng.random() < 0.3:
                add(wording.format(name.title()), programs)
        for _ in range(24 if near else 5):
            d, r, k = int(rng.integers(3)), int(rng.integers(3)), int(rng.integers(4))
            dynamic, register, kind = rng.choice(DYNAMICS[d]), rng.choice(REGISTERS[r]), rng.choice(KINDS[k])
            form = rng.integers(4)
            if form == 0:
                add(f"{name}, {register}", programs, register=r)
            elif form == 1:
                add(f"{name}, {dynamic}", programs, dynamic=d)
            elif form == 2:
                add(f"{kind} on the {name}", programs, kind=k)
            else:
                add(f"{kind} played by a {name}, {register}, {dynamic}", programs, d, r, k)
        for _ in range(12 if near else 1):  # a name lost among other words
            filler = " ".join(rng.choice(FILLER, rng.integers(3, 14)))
            add(f"{name} {filler}", programs)
    for family, programs in families.items():
        for wording in FAMILY:
            add(wording.format(family), programs)
        for _ in range(6):
            r = int(rng.integers(3))
            add(f"{rng.choice(REGISTERS[r])} {family}", programs, register=r)
    for program, texts in SHORT.items():
        programs = {program, 110} if program == 40 else {program}
        for text in texts:
            for wording in ("{}", "{}.", "this is {}", "the sound of {}", "a recording of {}"):
                add(wording.format(text), programs)
    for target, texts in definitions().items():
        program = TARGETS[target]
        for text in texts:
            add(text, {40, 110} if program == 40 else {program})
    for d, words in enumerate(DYNAMICS):
        for word in words:
            add(word if " " in word else f"{word} dynamics", range(PROGRAMS), dynamic=d)
    assert DRUMS in names["drum kit"]

    texts = list(rows)
    index = {t: i for i, t in enumerate(texts)}
    prompts = {
        target: [
            index[w.format(n)]
            for n in (target.replace("_", " "), *TARGET_SYNONYMS.get(target, []))
            for w in dict.fromkeys([*PROMPTS, *(map(_an, PROMPTS) if n[0] in "aeio" else ())])
            if w.format(n) in index
        ]
        for target in TARGETS
    }
    stacked = [np.array([rows[t][i] for t in texts]) for i in range(4)]
    return Captions(texts, *stacked, prompts)
