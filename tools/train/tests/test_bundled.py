"""The bundled model agrees with its golden file, alone and in batches.

    cd tools/train && python -m pytest
"""

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file

from train import captions, evaluate
from train.bundle import encode, session, signals, tokenizer
from train.frontend import mel_filterbank
from train.instruments import INSTRUMENTS, TARGETS

MODEL = Path(__file__).resolve().parents[3] / "data" / "models" / "musicnn-minilm"
MANIFEST = tomllib.loads((MODEL / "model.toml").read_text())
ATOL = MANIFEST["check"]["atol"]


@pytest.fixture(scope="module")
def golden():
    path = MODEL / "golden.safetensors"
    with safe_open(path, "numpy") as f:
        return load_file(path), f.metadata()


@pytest.mark.parametrize("size", [1, 2, 3])
def test_audio_agrees_with_golden_file_alone_and_in_batch(golden, size):
    tensors, _ = golden
    run = session(MODEL / "audio.onnx")
    x = tensors[f"audio.b{size}.waveform"]
    for batch in ([slice(None)], [slice(i, i + 1) for i in range(size)]):
        for name in ("pre_joint", "joint"):
            got = np.concatenate([run.run([name], {"waveform": x[b]})[0] for b in batch])
            np.testing.assert_allclose(got, tensors[f"audio.b{size}.{name}"], atol=ATOL)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_text_agrees_with_golden_file(golden, size):
    tensors, meta = golden
    feed = encode(tokenizer(MODEL / "tokenizer.json"), json.loads(meta[f"text.b{size}.texts"]))
    run = session(MODEL / "text.onnx")
    for name, value in feed.items():
        np.testing.assert_array_equal(value, tensors[f"text.b{size}.{name}"])
    for name in ("pre_joint", "joint"):
        np.testing.assert_allclose(run.run([name], feed)[0], tensors[f"text.b{size}.{name}"], atol=ATOL)


def test_gain_does_not_matter():
    run = session(MODEL / "audio.onnx")
    x = signals()[:1]
    a, b = (run.run(["joint"], {"waveform": g * x})[0] for g in (1.0, 0.01))
    np.testing.assert_allclose(a, b, atol=1e-2)


def test_silence_gives_finite_vectors():
    run = session(MODEL / "audio.onnx")
    for value in run.run(None, {"waveform": np.zeros((1, 48_000), np.float32)}):
        assert np.isfinite(value).all()


def test_a_silent_window_hardly_counts_in_a_mean():
    run = session(MODEL / "audio.onnx")
    x = np.concatenate([signals()[:1], 1e-6 * signals()[4:5]])
    joint = run.run(["joint"], {"waveform": x})[0]
    mean = joint.mean(0) / np.linalg.norm(joint.mean(0))
    assert mean @ joint[0] > 0.999


def test_dimensions_in_the_manifest():
    run = session(MODEL / "audio.onnx")
    for space in ("pre_joint", "joint"):
        value = run.run([space], {"waveform": signals()[:1]})[0]
        assert value.shape[1] == MANIFEST["spaces"][f"audio_{space}"]["dim"]


def test_filterbank_matches_slaney_norm():
    bank = mel_filterbank(512, 96, 0, 8000)
    assert bank.shape == (96, 257)
    assert abs(bank.max() - 0.0299) < 0.01  # 2 / (width in Hz) of the narrowest band


def test_captions_hold_for_what_they_name():
    c = captions.build()
    at = c.texts.index("A violin track")
    assert c.programs[at, TARGETS["violin"]] and not c.programs[at, TARGETS["viola"]]
    for target, rows in c.prompts.items():
        assert rows and all(c.programs[r, TARGETS[target]] for r in rows)


def test_held_out_definitions_are_not_captions():
    texts = {t.lower().strip(" .") for t in captions.build().texts}
    assert not texts & {t.lower().strip(" .") for t in evaluate.prompt_texts()["definition"]}


def test_ranges():
    assert all(i.low < i.high for i in INSTRUMENTS.values())
