"""The loop of ingest.rs in Python with the same graph, on the same clips: soundfile, soxr and ONNX Runtime, one thread.

    python3 -m venv v && v/bin/pip install onnxruntime==1.24.4 soundfile==0.14.0 soxr==1.1.0 numpy==2.4.6
    v/bin/python benches/ingest.py [clips] [folder]        # 60 of the bundled clips

Reads, mixes, resamples (quality VHQ), cuts windows as the bundled model's manifest says, runs them one by one and takes the mean.
"""
import io
import os
import sys
import time
from hashlib import blake2b
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
import numpy as np
import onnxruntime
import soundfile
import soxr

ROOT = Path(__file__).parent.parent
RATE, WINDOW = 16_000, 48_000
wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 60
folder = Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT / "data/audio"
every = sorted(p for p in folder.rglob("*") if p.suffix in (".wav", ".flac", ".mp3", ".ogg"))
n = min(len(every), wanted)
paths = [every[i * len(every) // n] for i in range(n)]

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(ROOT / "data/models/musicnn-minilm/audio.onnx", options, providers=["CPUExecutionProvider"])
name = session.get_inputs()[0].name


def windows(clip):
    if len(clip) < WINDOW:
        return [np.resize(clip, WINDOW)]
    cut = [clip[at : at + WINDOW] for at in range(0, len(clip) - WINDOW + 1, WINDOW)]
    return cut + ([clip[-WINDOW:]] if len(clip) % WINDOW else [])


session.run(None, {name: np.zeros((1, WINDOW), "f4")})
stages = dict.fromkeys(["read and hash", "decode", "resample", "model"], 0.0)
start = time.process_time()
last = start


def lap(stage):
    global last
    now = time.process_time()
    stages[stage] += now - last
    last = now


for path in paths:
    contents = path.read_bytes()
    blake2b(contents).hexdigest()
    lap("read and hash")
    samples, rate = soundfile.read(io.BytesIO(contents), dtype="float32", always_2d=True)
    samples = samples.mean(axis=1)
    lap("decode")
    clip = samples if rate == RATE else soxr.resample(samples, rate, RATE, quality="VHQ")
    lap("resample")
    rows = [session.run(None, {name: window[None].astype("f4")}) for window in windows(clip)]
    joint = np.mean([row[-1][0] for row in rows], axis=0)
    joint /= np.linalg.norm(joint)
    lap("model")

total = sum(stages.values())
print(f"{n} clips, onnxruntime {onnxruntime.__version__}, soxr {soxr.__version__}, {1e3 * total / n:.2f} ms of processor a clip")
for stage, seconds in stages.items():
    print(f"  {stage:<24} {1e3 * seconds / n:7.2f} ms a clip  {100 * seconds / total:5.1f} %")
