"""HTSAT-base with RoBERTa-base at full size, random weights: dyad beside transformers and torch, one thread, the same clips.

    cargo bench --bench encoder --no-run          # prints the program's path
    OMP_NUM_THREADS=1 python bench/full_size.py --program target/release/deps/encoder-… --clips ../../data/audio/violin

A checkpoint is made under upstream's names, exported by the tool (fp32, int8), run by the program on each backend that is
asked for, and by transformers' ClapModel behind its own feature extractor. Times are seconds a clip of the file's length and
a text; the first of each is not counted. Cosines are between joint vectors of the same clip or text, the smallest of all.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from dyad_export import laion, tiny, tokens
from dyad_export.folder import write
from dyad_export.graph import cosine
from dyad_export.htsat import Shape
from dyad_export.refusal import read

TEXTS = [f"This is a recording of a {name}, played {how}" for name in ("violin", "bassoon", "french horn", "tuba", "oboe")
         for how in ("softly", "with force")]


def checkpoint(work: Path) -> Path:
    """Sizes of `music_audioset_epoch_15_esc_90.14.pt`."""
    from transformers import RobertaConfig, RobertaModel

    path = work / "random-htsat-base.pt"
    if path.exists():
        return path
    torch.manual_seed(0)
    text = RobertaModel(RobertaConfig(vocab_size=50265, max_position_embeddings=514, type_vocab_size=1, layer_norm_eps=1e-5))
    out = {f"text_branch.{k}": v for k, v in text.state_dict().items()}
    audio = tiny.htsat_tensors(mels=64, image=256, embed=128, depths=(2, 2, 12, 2), heads=(4, 8, 16, 32), window=8)
    out.update({f"audio_branch.{k}": v for k, v in audio.items()})
    for name, size in (("audio_projection", 1024), ("text_projection", 768)):
        out[f"{name}.0.weight"], out[f"{name}.0.bias"] = tiny.noise((512, size)), tiny.noise((512,))
        last = tiny.noise((512, 512))
        out[f"{name}.2.weight"], out[f"{name}.2.bias"] = last - last.mean(1, keepdim=True), tiny.noise((512,), 0.01)
    out["logit_scale_a"] = out["logit_scale_t"] = torch.tensor(2.6)
    torch.save({"state_dict": out}, path)
    return path


def python_side(path: Path, tokenizer: str, clips: list[Path]) -> dict:
    """As the upstream code does it: load, resample, quantise, repeat and pad, mel in numpy, model in torch, one at a time."""
    import soundfile
    from scipy.signal import resample_poly

    torch.set_num_threads(1)
    started = time.perf_counter()
    weights = read(path)
    model, extractor = laion.transformers_model(weights, Shape(weights, "audio_branch."), laion.Profile())
    loaded = time.perf_counter() - started
    del weights
    times = {"decode": [], "mel": [], "model": [], "text": []}
    audio, text = [], []
    with torch.no_grad():
        for clip in clips:
            begin = time.perf_counter()
            samples, rate = soundfile.read(clip, dtype="float32", always_2d=True)
            samples = samples.mean(1)
            if rate != 48_000:
                up, down = 48_000 // np.gcd(rate, 48_000), rate // np.gcd(rate, 48_000)
                samples = resample_poly(samples, up, down).astype(np.float32)
            samples = (np.clip(samples, -1, 1) * 32767.0).astype(np.int16) / np.float32(32767.0)
            times["decode"].append(time.perf_counter() - begin)
            begin = time.perf_counter()
            mel = extractor([samples.astype(np.float64)], sampling_rate=48_000, max_length=480_000, return_tensors="pt")["input_features"].float()
            times["mel"].append(time.perf_counter() - begin)
            begin = time.perf_counter()
            pooled = model.audio_model(input_features=mel, is_longer=torch.zeros(1, 1, dtype=torch.bool)).pooler_output
            joint = torch.nn.functional.normalize(model.audio_projection(pooled), dim=-1)
            times["model"].append(time.perf_counter() - begin)
            audio.append(joint[0].tolist())
        reader = tokens.load(tokenizer)
        for line in TEXTS:
            begin = time.perf_counter()
            # Upstream pads every text to 77 tokens.
            ids = tokens.encode(reader, [line], "{}", 77)[0]
            padded = torch.tensor([ids + [1] * (77 - len(ids))])
            mask = (torch.arange(77) < len(ids)).long()[None]
            pooled = model.text_model(input_ids=padded, attention_mask=mask).pooler_output
            joint = torch.nn.functional.normalize(model.text_projection(pooled), dim=-1)
            times["text"].append(time.perf_counter() - begin)
            text.append(joint[0].tolist())
    report = {key: float(np.mean(value[1:])) for key, value in times.items()}
    report |= {"load": loaded, "peak MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "tokens": len(ids)}
    return {"report": report, "audio": audio, "text": text}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", type=Path, required=True)
    parser.add_argument("--clips", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "dyad-full-size")
    parser.add_argument("--library", help="libonnxruntime.so; without it the first that is found")
    parser.add_argument("--only-python", action="store_true", help="the Python side alone, for a peak memory without the export")
    parser.add_argument("--tract", action="store_true", help="also on tract")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    path = checkpoint(args.work)
    tokenizer = tiny.tokenizer_file(args.work, "roberta", tiny.roberta_tokenizer())
    clips = sorted(p for p in args.clips.rglob("*") if p.suffix in (".flac", ".wav", ".ogg"))
    result = args.work / "python.json"
    if args.only_python:
        result.write_text(json.dumps(python_side(path, tokenizer, clips)))
        return
    for name, small in (("full", None), ("full-fp16", "fp16"), ("full-int8", "int8")):
        if not (args.work / name).exists():
            write(laion.load(path, tokenizer), args.work / name, small)
    again = [sys.executable, __file__, "--only-python", "--program", args.program, "--clips", args.clips, "--work", args.work]
    subprocess.run(list(map(str, again)), check=True)
    theirs = json.loads(result.read_text())
    print("python", json.dumps(theirs["report"], indent=1))
    lines = args.work / "texts.txt"
    lines.write_text("\n".join(TEXTS) + "\n")
    runs = [("onnxruntime", name) for name in ("full", "full-fp16", "full-int8")]
    runs += [("tract", name) for name in ("full", "full-int8")] if args.tract else []
    for backend, name in runs:
        out = args.work / f"{backend}-{name}.json"
        environment = {**os.environ, "DYAD_BACKEND": backend}
        if args.library:
            environment["ORT_DYLIB_PATH"] = args.library
        subprocess.run([args.program, args.work / name, args.clips, lines, out], check=True, env=environment, stdout=subprocess.DEVNULL)
        ours = json.loads(out.read_text())
        ours["report"]["cosine audio"] = cosine(np.array(ours["audio"]), np.array(theirs["audio"]))
        ours["report"]["cosine text"] = cosine(np.array(ours["text"]), np.array(theirs["text"]))
        print(backend, name, json.dumps(ours["report"], indent=1), flush=True)


if __name__ == "__main__":
    main()
