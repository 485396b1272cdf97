"""Stage `export`: both towers to ONNX, checked against PyTorch at batch 1, 2 and 3."""

from pathlib import Path

import numpy as np
import onnx
import torch

from . import musicnn, text
from .bundle import session, signals
from .instruments import PROGRAMS
from .model import TwoTowers, whole


def load(path: Path, musicnn_folder: Path) -> TwoTowers:
    saved = torch.load(path, weights_only=False)
    model = TwoTowers(musicnn.checkpoint(musicnn_folder), PROGRAMS, saved["settings"]["branch"])
    model.load_state_dict(saved["state"])
    return model.eval()


def audio(models: list[TwoTowers], musicnn_folder: Path, target: Path) -> float:
    """Write the audio graph; return the largest difference to PyTorch."""
    module = whole(musicnn_folder, [m.audio for m in models])
    torch.onnx.export(
        module, (torch.from_numpy(signals()[:2]),), str(target), dynamo=False, opset_version=17,
        input_names=["waveform"], output_names=["pre_joint", "joint"],
        dynamic_axes={"waveform": {0: "batch"}, "pre_joint": {0: "batch"}, "joint": {0: "batch"}},
    )  # fmt: skip
    graph = onnx.load(target)
    onnx.checker.check_model(graph)
    run, worst = session(target), 0.0
    for first, size in ((0, 1), (1, 2), (3, 3)):
        x = signals()[first : first + size]
        with torch.no_grad():
            expected = module(torch.from_numpy(x))
        for name, value in zip(("pre_joint", "joint"), expected):
            got = run.run([name], {"waveform": x})[0]
            worst = max(worst, float(np.abs(got - value.numpy()).max()))
    if worst > 1e-4:
        raise SystemExit(f"the exported audio graph differs by {worst}")
    return worst


def export(checkpoints: list[Path], musicnn_folder: Path, minilm: Path, tokenizer: Path, target: Path) -> None:
    models = [load(path, musicnn_folder) for path in checkpoints]
    target.mkdir(parents=True, exist_ok=True)
    worst = audio(models, musicnn_folder, target / "audio.onnx")
    heads = [(m.text.weight.detach().numpy(), m.text.bias.detach().numpy()) for m in models]
    text.export(minilm, heads, target / "text.onnx")
    (target / "tokenizer.json").write_bytes(tokenizer.read_bytes())
    print(f"{len(models)} members exported, largest difference to PyTorch {worst:.1e}")
