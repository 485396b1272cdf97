"""Stage `features`: what the fixed layers make of every clip, computed once.

    python -m train features --work DIR --source NAME

For each source, DIR/features/<name>.front.npy (float16, musicnn's front layer
[clips, 561, 187]), .weight.npy (frame weights) and .log.npy (float16, the
log-frequency spectrogram of the second branch [clips, bands, frames]).
The layers run in ONNX Runtime, which is three times as fast as PyTorch here.
"""

from pathlib import Path

import numpy as np
import torch

from . import musicnn
from .bundle import session
from .spectral import LogSpectrogram


class Fixed(torch.nn.Module):
    """Both fixed parts: waveform -> front, weight, log spectrogram."""

    def __init__(self, musicnn_folder: Path):
        super().__init__()
        self.front = musicnn.Front(musicnn.checkpoint(musicnn_folder))
        self.log = LogSpectrogram()

    def forward(self, x):
        return (*self.front(x), self.log(x))


def export_fixed(musicnn_folder: Path, path: Path) -> None:
    model = Fixed(musicnn_folder).eval()
    names = ["front", "weight", "log"]
    torch.onnx.export(
        model, (torch.randn(2, 48_000),), str(path), dynamo=False, opset_version=17,
        input_names=["waveform"], output_names=names,
        dynamic_axes={n: {0: "batch"} for n in ["waveform", *names]},
    )  # fmt: skip


def compute(name: str, work: Path, musicnn_folder: Path) -> None:
    clips = np.load(work / "clips" / f"{name}.npy", mmap_mode="r")
    folder = work / "features"
    folder.mkdir(exist_ok=True)
    graph = folder / f"fixed.{name}.onnx"
    export_fixed(musicnn_folder, graph)
    run = session(graph)
    outputs: dict[str, np.memmap] = {}
    # In random order, so that a part that is done early is a fair sample.
    for done, at in enumerate(np.random.default_rng(0).permutation(range(0, len(clips), 8))):
        x = clips[at : at + 8].astype(np.float32) / 32768
        for key, value in zip(("front", "weight", "log"), run.run(["front", "weight", "log"], {"waveform": x})):
            if key not in outputs:
                outputs[key] = np.lib.format.open_memmap(
                    folder / f"{name}.{key}.npy", "w+", np.float16, (len(clips), *value.shape[1:])
                )
            outputs[key][at : at + 8] = value
        if done % 250 == 0:
            print(f"{name}: {done * 8}/{len(clips)}", flush=True)
    for value in outputs.values():
        value.flush()
    graph.unlink()
    print(f"{name}: done")
