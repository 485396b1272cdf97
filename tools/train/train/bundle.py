"""Write a model folder as dyad reads it: graphs, tokenizer, model.toml, golden file.

The folder is built beside its destination and moved into place file by file at
the end, the manifest last, so that a reader never meets half a model for long.
"""

import hashlib
import json
import os
import shutil
from pathlib import Path

import numpy as np
import onnxruntime
from safetensors.numpy import save_file
from tokenizers import Tokenizer

SAMPLE_RATE = 16_000
WINDOW = 48_000
ATOL = 1e-4

TEXTS = {
    1: ["A violin track"],
    2: ["This is a recording of a bassoon", "tuba"],
    3: [
        "The french horn is a brass instrument with a long coiled tube.",
        "Solo musical instrument sound of an accordion",
        "Café – naïve flûte à bec?",
    ],
}


def session(path: Path, threads: int = 1) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def tokenizer(path: Path) -> Tokenizer:
    """The file asks for a fixed length of 128; we pad to the longest of a batch."""
    tok = Tokenizer.from_file(str(path))
    tok.no_truncation()
    tok.enable_padding(pad_id=0, pad_token="[PAD]")
    tok.enable_truncation(max_length=128)
    return tok


def encode(tok: Tokenizer, texts: list[str]) -> dict[str, np.ndarray]:
    rows = tok.encode_batch(texts)
    return {
        "input_ids": np.array([r.ids for r in rows], np.int64),
        "attention_mask": np.array([r.attention_mask for r in rows], np.int64),
        "token_type_ids": np.array([r.type_ids for r in rows], np.int64),
    }


def signals() -> np.ndarray:
    """Six test signals, made here: tones, a chirp, noise; loud, quiet, cut short."""
    t = np.arange(WINDOW) / SAMPLE_RATE
    rng = np.random.default_rng(20241122)

    def tone(f0: float, partials: int, slope: float) -> np.ndarray:
        return sum(np.sin(2 * np.pi * f0 * k * t + k) / k**slope for k in range(1, partials + 1) if f0 * k < 7800)

    ramp = np.minimum(1, t / 0.05)
    out = [
        0.3 * tone(440.0, 12, 1.0) * ramp,
        0.2 * tone(110.0, 40, 0.8) * ramp * np.exp(-t),
        0.01 * tone(660.0, 9, 1.5) * ramp,
        0.5 * np.sin(2 * np.pi * (100 * t + 900 * t**2)) * ramp,
        0.1 * rng.standard_normal(WINDOW),
        0.4 * tone(261.63, 20, 1.2) * (t < 1.0) * ramp,  # silence after one second
    ]
    return np.clip(np.stack(out), -1, 1).astype(np.float32)


def golden(folder: Path) -> dict[str, float]:
    """Write golden.safetensors from the graphs; return the largest differences seen
    between an item alone and the same item in a batch."""
    audio, text = session(folder / "audio.onnx"), session(folder / "text.onnx")
    tok = tokenizer(folder / "tokenizer.json")
    tensors: dict[str, np.ndarray] = {}
    meta = {"format": "dyad-golden-1", "runtime": f"onnxruntime {onnxruntime.__version__}, CPU, 1 thread"}
    worst = {"audio": 0.0, "text": 0.0}
    waves = signals()
    for size, first in ((1, 0), (2, 1), (3, 3)):
        feed = {"waveform": waves[first : first + size]}
        joint, pre = audio.run(["joint", "pre_joint"], feed)
        for i in range(size):
            alone = audio.run(["joint", "pre_joint"], {"waveform": feed["waveform"][i : i + 1]})
            worst["audio"] = max(worst["audio"], np.abs(alone[0] - joint[i]).max(), np.abs(alone[1] - pre[i]).max())
        tensors |= {
            f"audio.b{size}.waveform": feed["waveform"],
            f"audio.b{size}.pre_joint": pre,
            f"audio.b{size}.joint": joint,
        }
        feed = encode(tok, TEXTS[size])
        joint, pre = text.run(["joint", "pre_joint"], feed)
        for i, one in enumerate(TEXTS[size]):
            alone = text.run(["joint", "pre_joint"], encode(tok, [one]))
            worst["text"] = max(worst["text"], np.abs(alone[0] - joint[i]).max(), np.abs(alone[1] - pre[i]).max())
        tensors |= {f"text.b{size}.{name}": value for name, value in feed.items()}
        tensors |= {f"text.b{size}.pre_joint": pre, f"text.b{size}.joint": joint}
        meta[f"text.b{size}.texts"] = json.dumps(TEXTS[size], ensure_ascii=False)
    if max(worst.values()) > ATOL / 2:
        raise SystemExit(f"an item's result depends on its batch: {worst}")
    save_file(tensors, folder / "golden.safetensors", metadata=meta)
    return {k: float(v) for k, v in worst.items()}


MANIFEST = """\
schema = 1
id = "musicnn-minilm"
licence = "MIT OR Apache-2.0 (trained layers); ISC (musicnn); Apache-2.0 (all-MiniLM-L6-v2); see NOTICE"

[source]
file = "{source}"
sha256 = "{sha256}"

[audio]
graph = "audio.onnx"
input = "waveform"
sample_rate = 16000
channels = "mean"
quantize = "none"
samples = 48000
short = "{short}"
long = "{long}"
hop = {hop}
tail = "{tail}"
aggregate = "mean"
max_batch = 8

[text]
graph = "text.onnx"
tokenizer = "tokenizer.json"
max_tokens = 128
pad = "longest"
pad_id = 0
template = "{{}}"
inputs = {{ ids = "input_ids", mask = "attention_mask", types = "token_type_ids" }}

[spaces.audio_pre_joint]
tower = "audio"
output = "pre_joint"
dim = {pre}
norm = "none"

[spaces.audio_joint]
tower = "audio"
output = "joint"
dim = {joint}
norm = "l2"

[spaces.text_pre_joint]
tower = "text"
output = "pre_joint"
dim = 384
norm = "none"

[spaces.text_joint]
tower = "text"
output = "joint"
dim = {joint}
norm = "l2"

[check]
golden = "golden.safetensors"
atol = {atol}
"""


def install(
    graphs: Path,
    target: Path,
    source: str,
    short: str = "zero",
    long: str = "chunks",
    hop: int = WINDOW,
    tail: str = "last-aligned",
    documents: list[Path] = (),
) -> dict[str, float]:
    """Make the model folder `target` from graphs/{audio,text}.onnx and tokenizer.json."""
    staging = target.parent / f".{target.name}.new"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    for name in ("audio.onnx", "text.onnx", "tokenizer.json"):
        shutil.copy(graphs / name, staging / name)
    for path in documents:
        shutil.copy(path, staging / path.name)
    shapes = {o.name: o.shape for o in session(staging / "audio.onnx").get_outputs()}
    pre, joint = shapes["pre_joint"][1], shapes["joint"][1]
    worst = golden(staging)
    (staging / "model.toml").write_text(
        MANIFEST.format(
            source=source, sha256=hashlib.sha256((graphs / "audio.onnx").read_bytes()).hexdigest(),
            short=short, long=long, hop=hop, tail=tail, pre=pre, joint=joint, atol=f"{ATOL:.0e}".replace("e-0", "e-"),
        )
    )  # fmt: skip
    target.mkdir(exist_ok=True)
    for path in staging.iterdir():
        path.chmod(0o644)
    names = sorted(p.name for p in staging.iterdir())
    names.sort(key=lambda n: n == "model.toml")
    for name in names:
        os.replace(staging / name, target / name)
    staging.rmdir()
    return worst
