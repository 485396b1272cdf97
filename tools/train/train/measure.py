"""Stage `measure`: the installed graphs, as dyad runs them, on unheard sources."""

import csv
from pathlib import Path

import numpy as np
import soundfile
from scipy.signal import resample_poly

from . import evaluate
from .bundle import WINDOW, encode, session, tokenizer


def windows(x: np.ndarray) -> np.ndarray:
    """The manifest's policy: short clips repeated and cut, long ones in chunks, the
    last aligned with the end."""
    if len(x) <= WINDOW:
        return np.resize(x, (1, WINDOW))
    starts = list(range(0, len(x) - WINDOW + 1, WINDOW))
    if starts[-1] + WINDOW < len(x):
        starts.append(len(x) - WINDOW)
    return np.stack([x[s : s + WINDOW] for s in starts])


def demo(folder: Path) -> tuple[list[np.ndarray], np.ndarray]:
    clips, labels = [], []
    with (folder / "manifest.csv").open(newline="") as f:
        for row in csv.DictReader(f):
            x, rate = soundfile.read(folder / row["path"], dtype="float32")
            assert rate == 32_000
            clips.append(resample_poly(x, 1, 2).astype(np.float32))
            labels.append(evaluate.CLASSES.index(row["label"]))
    return clips, np.array(labels)


def held_out(name: str, work: Path) -> tuple[list[np.ndarray], np.ndarray]:
    clips = np.load(work / "clips" / f"{name}.npy")
    meta = np.load(work / "clips" / f"{name}.meta.npy")
    labels = evaluate.labels_of(meta)
    keep = np.flatnonzero((labels >= 0) & (meta["kind"] <= 1))
    return [clips[i].astype(np.float32) / 32768 for i in keep], labels[keep]


def figures(folder: Path, clips: list[np.ndarray], labels: np.ndarray) -> dict:
    audio, words = session(folder / "audio.onnx"), session(folder / "text.onnx")
    tok = tokenizer(folder / "tokenizer.json")
    pre, joint = [], []
    for x in clips:
        p, j = audio.run(["pre_joint", "joint"], {"waveform": windows(x)})
        pre.append(p.mean(0))
        joint.append(j.mean(0))
    pre, joint = np.array(pre), np.array(joint)
    text = {k: words.run(["joint"], encode(tok, v))[0] for k, v in evaluate.prompt_texts().items()}
    return {
        "text": {k: evaluate.text_result(joint, v, labels) for k, v in text.items()},
        "prototypes": (evaluate.prototype_accuracy(pre, labels), evaluate.prototype_accuracy(joint, labels)),
    }


def measure(folder: Path, work: Path, sets: tuple[str, ...] = ("timgm-plain", "timgm", "demo")) -> None:
    for name in sets:
        root = Path(__file__).resolve().parents[3]
        clips, labels = demo(root / "data" / "audio") if name == "demo" else held_out(name, work)
        f = figures(folder, clips, labels)
        print(f"\n{name}: n = {len(labels)}; class means pre-joint %.3f, joint %.3f" % f["prototypes"])
        for key, r in f["text"].items():
            print(f"  {key:12} top-1/2/3 {r.top[0]:.3f} {r.top[1]:.3f} {r.top[2]:.3f}  AUC {r.auc:.3f}")
        r = f["text"]["track"]
        for c in evaluate.CLASSES:
            print(f"    {c:12} recall {r.recall[c]:.2f}, share of all clips given to it {r.chosen[c]:.2f}")
