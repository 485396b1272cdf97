"""Each family from its tiny checkpoint to a folder; what does not fit is refused with a reason."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
import torch

from dyad_export import clap, graph, laion, msclap, muq, muscall, tiny, tokens
from dyad_export.__main__ import main
from dyad_export.folder import text_batches, write
from dyad_export.golden import AWKWARD, TEXTS
from dyad_export.refusal import Refused


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return dict(tiny.systems(tmp_path_factory.mktemp("checkpoints")))


def test_every_family_is_written_and_held_to_its_reference(made, tmp_path):
    lines = []
    for name, system in made.items():
        write(system, tmp_path / name, say=lines.append)
        files = {f.name for f in (tmp_path / name).iterdir()}
        assert files == {"audio.onnx", "text.onnx", "tokenizer.json", "model.toml", "golden.safetensors", "NOTICE"}
    assert sum("largest difference" in line for line in lines) == 2 * len(made)
    assert not [f for f in tmp_path.iterdir() if f.name.startswith(".")], "nothing half made is left"
    with pytest.raises(Refused, match="is there already"):
        write(made["tiny-clap"], tmp_path / "tiny-clap")
    with pytest.raises(Refused, match="can't be a model's id"):
        write(made["tiny-clap"], tmp_path / "tiny clap")


@pytest.mark.parametrize(("small", "least"), [("fp16", 0.99999), ("int8", 0.98)])
def test_smaller_forms_stay_close(made, tmp_path, monkeypatch, small, least):
    monkeypatch.setattr(graph, "SMALL", 64)
    lines = []
    write(made["tiny-laion"], tmp_path / "m", small, lines.append)
    cosines = [float(word.strip(",")) for line in lines if small in line for word in line.split() if word[:2] in ("0.", "1.")]
    assert len(cosines) == 4 and min(cosines) > least, lines
    write(made["tiny-laion"], tmp_path / "full", None, lines.append)
    sizes = [(tmp_path / name / "text.onnx").stat().st_size for name in ("m", "full")]
    assert sizes[0] < sizes[1]


def test_the_last_token_is_found_as_upstream_finds_it(made):
    """GPT-2's `!` is token 0, which upstream does not count: with two of them the vector is taken two places earlier."""
    text = made["tiny-ms-clap-2023"].text
    ids = torch.tensor([[5, 0, 7, 0, 420]])
    mask = torch.ones_like(ids)
    states = text.module.encoder(ids, mask)
    assert torch.allclose(text.module(ids, mask)[0], states[:, 2], atol=1e-6)
    nothing = torch.zeros(1, 4, dtype=torch.long)
    assert torch.allclose(text.module(nothing, torch.ones_like(nothing))[0], text.module.encoder(nothing, torch.ones_like(nothing))[:, 3])


def test_muscall_pools_at_the_end_of_the_text(made):
    text = made["tiny-muscall"].text
    rows = text_batches(text)[3]["input_ids"]
    end = text.tokenizer.token_to_id("<|endoftext|>")
    assert (rows.max(1) == end).all()
    # What follows the end changes nothing.
    more = np.concatenate([rows, np.zeros((3, 2), dtype=np.int64)], 1)
    with torch.no_grad():
        a, b = text.module(torch.tensor(rows))[1], text.module(torch.tensor(more))[1]
    assert torch.allclose(a, b, atol=1e-6)


def test_the_papers_way_differs_only_before_the_projection(made):
    plain, paper = made["tiny-laion"].audio, made["tiny-laion-paper"].audio
    whole = torch.randn(1, plain.samples) * 0.1
    short = whole[:, : plain.samples // 2]
    with torch.no_grad():
        for a, b in zip(plain.module(whole), paper.module(whole)):
            assert torch.allclose(a, b, atol=1e-4), "a full window is the same on both ways"
        filled = torch.nn.functional.pad(short, (0, plain.samples - short.shape[1]))
        a, b = plain.module(filled), paper.module(short)
    assert torch.allclose(a[1], b[1], atol=1e-4) and (a[0] - b[0]).abs().max() > 0.01


def damaged(tmp_path, change):
    tensors = tiny.laion_checkpoint()
    change(tensors)
    return tiny.saved(tmp_path, "a.pt", tensors)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda t: t.pop("module.audio_branch.layers.0.blocks.1.mlp.fc1.weight"), "mlp.fc1"),
        (lambda t: t.update({"module.audio_projection.2.weight": torch.zeros(3, 3)}), "shape"),
        (lambda t: t.update({"module.audio_branch.patch_embed.fusion_model.x": torch.zeros(1)}), "fusion"),
        (lambda t: t.update({"module.text_branch.encoder.extra": torch.zeros(1)}), "no place for"),
        (lambda t: t.update({"module.audio_branch.logmel_extractor.melW": torch.zeros(5, 5)}), "mel filters"),
        (lambda t: [t.pop(k) for k in list(t) if "text_branch.embeddings" in k], "another text encoder"),
        (lambda t: [t.pop(k) for k in list(t) if "audio_branch" in k], "no LAION-CLAP checkpoint"),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_refused(tmp_path, change, reason):
    tokenizer = tiny.tokenizer_file(tmp_path, "roberta", tiny.roberta_tokenizer())
    with pytest.raises(Refused, match=reason):
        laion.load(damaged(tmp_path, change), tokenizer, profile=tiny.LAION)


def test_one_familys_checkpoint_is_not_anothers(tmp_path):
    tokenizer = tiny.tokenizer_file(tmp_path, "roberta", tiny.roberta_tokenizer())
    checkpoint = tiny.saved(tmp_path, "a.pt", tiny.laion_checkpoint())
    for load, name in ((muscall.load, "MusCALL"), (msclap.load, "MS-CLAP"), (muq.load, "MuQ-MuLan")):
        with pytest.raises(Refused, match=f"is no {name} checkpoint"):
            load(checkpoint, tokenizer)
    # CLIP's ids end with the end of the text; RoBERTa's do not.
    clip = tiny.clip_tokenizer()
    other = tiny.saved(tmp_path, "b.pt", tiny.muscall_checkpoint(clip.get_vocab_size()))
    with pytest.raises(Refused, match="expected CLIP's tokenizer|was trained with"):
        muscall.load(other, tokenizer, tiny.MUSCALL)


def test_files_that_are_no_checkpoint(tmp_path, capsys):
    (tmp_path / "text.pt").write_text("hello")
    torch.save({"epoch": 3}, tmp_path / "empty.pt")
    for name, reason in (("text.pt", "cannot be read"), ("empty.pt", "no state dict"), ("none.pt", "is no file")):
        assert main(["laion-clap", str(tmp_path / name), "--to", str(tmp_path / "out")]) == 1
        assert reason in capsys.readouterr().err
    assert main(["clap", str(tmp_path), "--to", str(tmp_path / "out")]) == 1
    assert "config.json" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_command_line_writes_a_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(laion.load, "__defaults__", ("roberta-base", "consistent", tiny.LAION))
    tokenizer = tiny.tokenizer_file(tmp_path, "roberta", tiny.roberta_tokenizer())
    checkpoint = tiny.saved(tmp_path, "a.pt", tiny.laion_checkpoint())
    argv = ["laion-clap", str(checkpoint), "--to", str(tmp_path / "mine"), "--tokenizer", tokenizer, "--pre-joint", "paper"]
    assert main([*argv, "--licence", "my own"]) == 0
    text = (tmp_path / "mine" / "model.toml").read_text()
    assert 'licence = "my own"' in text and 'short = "repeat-floor"' in text and 'long = "first-last"' in text
    assert "wrote" in capsys.readouterr().out
    shutil.rmtree(tmp_path / "mine")


def test_a_window_of_another_length_is_refused(made, tmp_path):
    """MusCALL's places belong to windows of one length."""
    clip = tiny.clip_tokenizer()
    checkpoint = tiny.saved(tmp_path, "a.pt", tiny.muscall_checkpoint(clip.get_vocab_size()))
    other = dataclasses.replace(tiny.MUSCALL, samples=2 * tiny.MUSCALL.samples)
    system = muscall.load(checkpoint, tiny.tokenizer_file(tmp_path, "clip", clip), other)
    with pytest.raises(Refused, match="places"):
        write(system, tmp_path / "m", say=lambda _: None)


def test_ttmr_scales_each_window_and_leaves_silence(made):
    frontend = made["tiny-ttmr"].audio.module.frontend
    x = torch.randn(1, made["tiny-ttmr"].audio.samples)
    with torch.no_grad():
        assert torch.allclose(frontend(x), frontend(0.01 * x), atol=1e-3)
        assert torch.isfinite(frontend(torch.zeros_like(x))).all()


def test_muq_leaves_padding_out(made):
    """Upstream's transformer behind XLM-RoBERTa hears padding; here each text has the vector that it has alone."""
    text = made["tiny-muq-mulan"].text
    batch = text_batches(text)[3]
    ids, mask = torch.tensor(batch["input_ids"]), torch.tensor(batch["attention_mask"])
    assert (mask == 0).any()
    with torch.no_grad():
        together = text.module(ids, mask)
        for row in range(3):
            keep = mask[row].bool()
            alone = text.module(ids[row][keep][None], mask[row][keep][None])
            for a, b in zip(alone, together):
                assert torch.allclose(a[0], b[row], atol=1e-5)


def test_xlm_robertas_ids_are_sentencepieces(tmp_path):
    """`transformers` counts one special token more than SentencePiece; ordinary ids are shifted by it, the unknown is 3."""
    import sentencepiece

    theirs = sentencepiece.SentencePieceProcessor(model_proto=tiny.sentencepiece_model(tmp_path))
    ours = tiny.xlm_roberta_tokenizer(tmp_path)
    special = [text for text in AWKWARD if "<" in text]
    for text in [t for batch in TEXTS.values() for t in batch] + [t for t in AWKWARD if t not in special]:
        expected = [3 if id == theirs.unk_id() else id + 1 for id in theirs.encode(text)]
        assert tokens.encode(ours, [text], "{}", 512)[0] == [0, *expected, 2], text
    assert ours.token_to_id("<mask>") == ours.get_vocab_size() - 1


def test_muqs_folder_is_read_with_its_configuration(tmp_path, monkeypatch):
    xlm = tiny.xlm_roberta_tokenizer(tmp_path)
    tokenizer = tiny.tokenizer_file(tmp_path, "xlm", xlm)
    folder = tmp_path / "snapshot"
    folder.mkdir()
    config = {
        "mulan": {"sr": 8000, "clip_secs": 0.25},
        "audio_model": {"name": "OpenMuQ/MuQ-large-msd-iter", "use_layer_idx": -1},
        "text_model": {"name": "xlm-roberta-base"},
    }

    def load(**changes):
        (folder / "config.json").write_text(json.dumps({**config, **changes}))
        return muq.load(folder, tokenizer, tiny.MUQ)

    with pytest.raises(Refused, match="holds no weights"):
        load()
    shutil.copy(tiny.saved(tmp_path, "a.bin", tiny.muq_checkpoint(xlm.get_vocab_size())), folder / "pytorch_model.bin")
    assert load().audio.samples == 2000 and load().source.name == "pytorch_model.bin"
    for changes, reason in (
        ({"text_model": {"name": "Qwen/Qwen2"}}, "text encoder `Qwen/Qwen2`"),
        ({"audio_model": {"name": "m-a-p/MERT-v1-330M", "use_layer_idx": -1}}, "expected layer -1 of a MuQ"),
        ({"mulan": {"sr": 16000, "clip_secs": 10}}, "has `sr` 16000"),
        ({"mulan": {}}, "is no MuQ-MuLan configuration"),
    ):
        with pytest.raises(Refused, match=reason):
            load(**changes)


def test_a_clap_folders_licence_is_its_cards(tmp_path):
    assert clap.licence_of(tmp_path).startswith("not stated")
    (tmp_path / "README.md").write_text("---\ntags: x\nlicense: apache-2.0\n---\nlicense: mine\n")
    assert clap.licence_of(tmp_path) == "apache-2.0 (by the model card)"
