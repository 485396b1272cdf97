"""Writes a model folder, and holds its graphs to a reference before it is called one.

    System ─ graphs ─ parity at batch 1, 2, 3, the awkward texts alone ─ golden ─ model.toml ─ moved into place

The folder is made beside its place and moved there as a whole.
"""

import json
import re
import shutil
import tempfile
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file

from . import golden, graph
from .refusal import Refused, sha256
from .system import Audio, System, Text
from .tokens import encode

# What the manifest allows, and what no export may exceed: near-silent bands are where f32 front ends differ, and a network
# may lift that above the first.
ATOL, LIMIT = 1e-4, 1e-3


def write(system: System, to: Path, small: str | None = None, say=print) -> None:
    """`small`: none, "fp16" or "int8"."""
    if to.exists():
        raise Refused(f"`{to}` is there already: expected a new folder")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", to.name):
        raise Refused(f"`{to.name}` can't be a model's id: expected letters, digits, `.`, `_` or `-`")
    for line in system.found:
        say(f"found     {line}")
    to.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=to.parent, prefix=".export-") as made:
        folder = Path(made) / to.name
        folder.mkdir()
        tensors, texts = {}, {}
        dims, atol = {}, ATOL
        system.text.tokenizer.save(str(folder / "tokenizer.json"))
        for tower, batches in (("audio", audio_batches(system.audio)), ("text", text_batches(system.text))):
            dims[tower], loose = one_tower(getattr(system, tower), tower, batches, folder / f"{tower}.onnx", small, tensors, say)
            atol = max(atol, loose)
        for n, batch in golden.texts().items():
            texts[f"text.b{n}.texts"] = json.dumps(batch)
        save_file(tensors, folder / "golden.safetensors", metadata={"format": "dyad-golden-1", **texts})
        (folder / "golden.safetensors").chmod(0o644)
        (folder / "model.toml").write_text(manifest(to.name, system, dims, atol), encoding="utf-8")
        (folder / "NOTICE").write_text(f"{system.notice}\n\nLicence: {system.licence}\n", encoding="utf-8")
        size = sum(f.stat().st_size for f in folder.iterdir()) / 1e6
        shutil.move(str(folder), str(to))
    say(f"wrote     {to} ({size:.1f} MB): `dyad models add {to}` checks it and takes it in")


def audio_batches(audio: Audio) -> dict[int, dict[str, np.ndarray]]:
    lengths = {1: audio.samples, 2: audio.other_length or audio.samples, 3: audio.samples}
    made = {n: golden.signals(length, audio.sample_rate)[n] for n, length in lengths.items()}
    if audio.quantize == "int16-trunc":
        made = {n: (np.trunc(rows * 32767.0) / 32767.0).astype(np.float32) for n, rows in made.items()}
    return {n: {"waveform": rows} for n, rows in made.items()}


def text_batches(text: Text) -> dict[int, dict[str, np.ndarray]]:
    batches = {}
    for n, texts in golden.texts().items():
        rows = encode(text.tokenizer, texts, text.template, text.max_tokens)
        longest = max(map(len, rows))
        ids = np.array([row + [text.pad_id] * (longest - len(row)) for row in rows], dtype=np.int64)
        mask = np.array([[1] * len(row) + [0] * (longest - len(row)) for row in rows], dtype=np.int64)
        batches[n] = {"input_ids": ids, "attention_mask": mask}
    return batches


def one_tower(tower, name: str, batches: dict, path: Path, small: str | None, tensors: dict, say) -> tuple[list[int], float]:
    """Exports, compares, and adds to the golden tensors; gives the two dims and the tolerance that the small form needs."""
    masked = name == "audio" or tower.has_mask
    fed = {n: batch if masked else {"input_ids": batch["input_ids"]} for n, batch in batches.items()}
    example = {key: torch.tensor(rows) for key, rows in fed[2].items()}
    graph.export(tower.module, example, name == "text" or tower.other_length is not None, path)
    full = graph.session(path)
    worst, outputs = 0.0, {}
    for n, batch in fed.items():
        with torch.no_grad():
            inputs = [torch.tensor(rows) for rows in batch.values()]
            own = normed([out.numpy() for out in tower.module(*inputs)], tower.norms)
            expected = normed([out.numpy() for out in tower.reference(*inputs)], tower.norms) if tower.reference else own
        worst = max(worst, *(float(np.abs(a - b).max()) for a, b in zip(own, expected)))
        if not worst <= LIMIT:
            raise Refused(
                f"the {name} tower differs from its reference by {worst:.1e} at batch {n}: expected at most {LIMIT:.0e}; "
                "the checkpoint is of another architecture than its names say"
            )
        for row in range(n):
            alone = normed(graph.run(full, {key: rows[row : row + 1] for key, rows in batch.items()}), tower.norms)
            worst = max(worst, *(float(np.abs(a - b[row : row + 1]).max()) for a, b in zip(alone, expected)))
        limit = tower.max_batch
        if limit is None or n <= limit:
            together = normed(graph.run(full, batch), tower.norms)
            worst = max(worst, *(float(np.abs(a - b).max()) for a, b in zip(together, expected)))
        if not worst <= LIMIT:
            raise Refused(f"the {name} graph differs from its reference by {worst:.1e} at batch {n}: expected {LIMIT:.0e}")
        outputs[n] = expected
    say(f"{name:9} largest difference from {'the reference' if tower.reference else 'torch'} {worst:.1e}")
    loose = 2.0 * worst
    if small:
        (graph.quantise if small == "int8" else graph.halve)(path)
        lesser = graph.session(path)
        cosines, far = [1.0, 1.0], 0.0
        for n, batch in fed.items():
            for row in range(n):
                one = {key: rows[row : row + 1] for key, rows in batch.items()}
                for stage, (a, b) in enumerate(zip(normed(graph.run(lesser, one), tower.norms), outputs[n])):
                    cosines[stage] = min(cosines[stage], graph.cosine(a, b[row : row + 1]))
                    far = max(far, float(np.abs(a - b[row : row + 1]).max()))
        say(f"{name:9} {small}: smallest cosine to fp32, pre-joint {cosines[0]:.6f}, joint {cosines[1]:.6f}")
        loose = max(loose, 2.0 * far)
    for n, batch in batches.items():
        for key, rows in batch.items():
            tensors[f"{name}.b{n}.{key}"] = rows
        for key, rows in zip(("pre_joint", "joint"), outputs[n]):
            tensors[f"{name}.b{n}.{key}"] = np.ascontiguousarray(rows, dtype=np.float32)
    return [outputs[1][0].shape[1], outputs[1][1].shape[1]], loose


def normed(outputs: list[np.ndarray], norms: tuple[str, str]) -> list[np.ndarray]:
    """What dyad makes of a graph's outputs: unit length where the manifest says `l2`."""
    unit = [rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-30) for rows in outputs]
    return [one if norm == "l2" else rows for rows, one, norm in zip(outputs, unit, norms)]


def manifest(name: str, system: System, dims: dict[str, list[int]], atol: float) -> str:
    audio, text = system.audio, system.text
    out = [
        "schema = 1",
        f"id = {quoted(name)}",
        f"licence = {quoted(system.licence)}",
        "",
        "[source]",
        f"file = {quoted(system.source.name)}",
    ]
    if system.source.is_file():
        out.append(f"sha256 = {quoted(sha256(system.source))}")
    out += ["", "[audio]", 'graph = "audio.onnx"', 'input = "waveform"', f"sample_rate = {audio.sample_rate}", 'channels = "mean"']
    out += [f"quantize = {quoted(audio.quantize)}", f"samples = {audio.samples}", f"short = {quoted(audio.short)}"]
    out += [f"long = {quoted(audio.long)}", f"hop = {audio.hop or audio.samples}", f"tail = {quoted(audio.tail)}"]
    out += ['aggregate = "mean"', f"max_batch = {audio.max_batch}", ""]
    out += ["[text]", 'graph = "text.onnx"', 'tokenizer = "tokenizer.json"', f"max_tokens = {text.max_tokens}", 'pad = "longest"']
    out += [f"pad_id = {text.pad_id}", f"template = {quoted(text.template)}"]
    out.append('inputs = { ids = "input_ids"' + (', mask = "attention_mask" }' if text.has_mask else " }"))
    if text.max_batch is not None:
        out.append(f"max_batch = {text.max_batch}")
    for tower, norms in (("audio", audio.norms), ("text", text.norms)):
        for stage, dim, norm in zip(("pre_joint", "joint"), dims[tower], norms):
            out += ["", f"[spaces.{tower}_{stage}]", f'tower = "{tower}"', f'output = "{stage}"', f"dim = {dim}", f'norm = "{norm}"']
    out += ["", "[check]", 'golden = "golden.safetensors"', f"atol = {atol:.1e}"]
    return "\n".join(out) + "\n"


def quoted(text: str) -> str:
    """TOML's basic string; JSON's is one."""
    return json.dumps(text, ensure_ascii=False)
