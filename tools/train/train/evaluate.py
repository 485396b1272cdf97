"""The figures that count, on clips of the fourteen targets.

Text: the class of the prompt most similar to a clip (top-1/2/3, ties count against),
macro ROC-AUC. Prototypes: the mean of a class's unit vectors without the clip itself.
Chance is 1/14 = .07 (top-1), .5 (AUC).
"""

from dataclasses import dataclass, field

import numpy as np

from .definitions import HELD_OUT
from .instruments import TARGET_SYNONYMS, TARGETS

CLASSES = list(TARGETS)


def _an(prompt: str, name: str) -> str:
    return prompt.format(name)


PROMPTS = {
    "track": "A {} track",
    "label": "{}",
    "recording": "This is a recording of a {}",
    "solo": "Solo musical instrument sound of a {}",
}


def prompt_texts() -> dict[str, list[str]]:
    """Prompt set -> one text for each class."""
    names = [c.replace("_", " ") for c in CLASSES]
    sets = {key: [wording.format(n) for n in names] for key, wording in PROMPTS.items()}
    sets["other names"] = [f"A {TARGET_SYNONYMS.get(c, [c.replace('_', ' ')])[0]} track" for c in CLASSES]
    sets["definition"] = [HELD_OUT[c] for c in CLASSES]
    return sets


def unit(x: np.ndarray) -> np.ndarray:
    return x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), 1e-12)


@dataclass
class Result:
    n: int
    top: tuple[float, float, float]
    auc: float
    recall: dict[str, float] = field(default_factory=dict)
    chosen: dict[str, float] = field(default_factory=dict)  # share of clips given to a class: hubs


def text_result(audio: np.ndarray, texts: np.ndarray, labels: np.ndarray) -> Result:
    """audio [n, d], texts [14, d], labels as class indices."""
    similarity = unit(audio) @ unit(texts).T
    own = similarity[np.arange(len(labels)), labels]
    above = (similarity >= own[:, None]).sum(1)
    present = np.unique(labels)
    aucs = []
    for k in present:
        positive, negative = similarity[labels == k, k], similarity[labels != k, k]
        wins = (positive[:, None] > negative[None]).mean() + 0.5 * (positive[:, None] == negative[None]).mean()
        aucs.append(wins)
    guess = similarity.argmax(1)
    return Result(
        len(labels),
        tuple(float(np.mean([(above[labels == k] <= t).mean() for k in present])) for t in (1, 2, 3)),
        float(np.mean(aucs)),
        {CLASSES[k]: float((guess[labels == k] == k).mean()) for k in present},
        {CLASSES[k]: float((guess == k).mean()) for k in range(len(CLASSES))},
    )


def prototype_accuracy(vectors: np.ndarray, labels: np.ndarray) -> float:
    """Leave-one-out class means, mean recall over the classes."""
    v = unit(vectors)
    present = np.unique(labels)
    sums = np.stack([v[labels == k].sum(0) for k in present])
    index = np.searchsorted(present, labels)
    similarity = v @ unit(sums).T
    own = unit(sums[index] - v)
    similarity[np.arange(len(v)), index] = (v * own).sum(1)
    guess = similarity.argmax(1)
    return float(np.mean([(guess[index == k] == k).mean() for k in range(len(present))]))


def labels_of(meta: np.ndarray) -> np.ndarray:
    """Class index of each clip by program, -1 for other instruments."""
    table = {program: i for i, program in enumerate(TARGETS.values())}
    return np.array([table.get(int(p), -1) for p in meta["program"]])
