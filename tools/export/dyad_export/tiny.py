"""Checkpoints of the right names and architectures with few random weights, and tokenizers of a few hundred tokens.

`python -m dyad_export.tiny TO` writes one model folder of each family; `tests/models` was made so. What CI runs in Rust
against these folders is what the same code makes of the real checkpoints.
"""

import io
import json
import sys
import tempfile
from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from . import clap, laion, msclap, muq, muscall, ttmr
from .folder import write
from .golden import AWKWARD, TEXTS
from .htsat import Shape
from .refusal import read

CORPUS = [t for batch in TEXTS.values() for t in batch] + [t for t in AWKWARD if "<" not in t and len(t) < 120] + [
    "a recording of a bassoon", "a bright trumpet", "the sound of a clarinet", "violin viola cello double bass", "an oboe solo",
    "music speech guitar piano organ drums snare cymbal saxophone alto tenor trombone", "This is a track with french horn",
]


def noise(shape, scale=0.2):
    """Vectors are small; matrices keep the size of what goes through them, so that inputs stay apart."""
    if len(shape) > 1:
        scale = 1.5 / float(torch.tensor(shape[1:]).prod()) ** 0.5
    return torch.randn(*shape) * scale


def randomise(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Norms near one, variances positive, everything else small and random."""
    out = {}
    for key, tensor in tensors.items():
        if not tensor.is_floating_point():
            out[key] = tensor
        elif key.endswith("running_var"):
            out[key] = torch.rand_like(tensor) * 50 + 100
        elif key.endswith("running_mean"):
            out[key] = noise(tensor.shape) - 40
        elif tensor.dim() == 1 and key.endswith("weight"):
            out[key] = 1 + noise(tensor.shape)
        else:
            out[key] = noise(tensor.shape)
    return out


def roberta_tokenizer() -> Tokenizer:
    """Byte-level BPE with RoBERTa's frame."""
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tok.decoder = decoders.ByteLevel()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tok.train_from_iterator(CORPUS, trainers.BpeTrainer(
        vocab_size=420, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    tok.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=False)
    return tok


def small_roberta() -> dict[str, torch.Tensor]:
    from transformers import RobertaConfig, RobertaModel

    config = RobertaConfig(
        vocab_size=420, hidden_size=24, num_hidden_layers=2, num_attention_heads=2, intermediate_size=48,
        max_position_embeddings=80, type_vocab_size=1, layer_norm_eps=1e-5)
    return randomise(RobertaModel(config).state_dict())


def laion_checkpoint() -> dict[str, torch.Tensor]:
    """Upstream's names, from `transformers`' modules of the same shapes."""
    torch.manual_seed(1)
    out = {f"text_branch.{k}": v for k, v in small_roberta().items()}
    out.update({f"audio_branch.{k}": v for k, v in htsat_tensors(mels=16, image=32, embed=8, depths=(2, 2), heads=(2, 4)).items()})
    for name, size in (("audio_projection", 16), ("text_projection", 24)):
        out[f"{name}.0.weight"], out[f"{name}.0.bias"] = noise((12, size)), noise((12,))
        last = noise((12, 12))
        # What comes out of a relu is positive: without its mean the vectors point in different ways.
        out[f"{name}.2.weight"], out[f"{name}.2.bias"] = last - last.mean(1, keepdim=True), noise((12,), 0.01)
        out[f"{name.replace('projection', 'transform')}.sequential.0.weight"] = noise((12, 12))
    out["logit_scale_a"] = out["logit_scale_t"] = torch.tensor(2.6)
    return {f"module.{k}": v for k, v in out.items()}


def htsat_tensors(mels: int, image: int, embed: int, depths, heads, patch: int = 4, window: int = 4) -> dict[str, torch.Tensor]:
    """An HTS-AT state dict as upstream writes it."""
    side = image // patch
    out = {"patch_embed.proj.weight": noise((embed, 1, patch, patch)), "patch_embed.proj.bias": noise((embed,))}

    def norm(name, size):
        out[f"{name}.weight"], out[f"{name}.bias"] = 1 + noise((size,)), noise((size,))

    def linear(name, to, of, bias=True):
        out[f"{name}.weight"] = noise((to, of))
        if bias:
            out[f"{name}.bias"] = noise((to,))

    norm("bn0", mels)
    out["bn0.running_mean"], out["bn0.running_var"] = noise((mels,), 4.0) - 40, torch.rand(mels) * 100 + 200
    out["bn0.num_batches_tracked"] = torch.tensor(7)
    norm("patch_embed.norm", embed)
    for i, depth in enumerate(depths):
        dim, here = embed << i, side >> i
        size = min(window, here)
        for j in range(depth):
            name = f"layers.{i}.blocks.{j}"
            norm(f"{name}.norm1", dim)
            norm(f"{name}.norm2", dim)
            out[f"{name}.attn.relative_position_bias_table"] = noise(((2 * size - 1) ** 2, heads[i]))
            out[f"{name}.attn.relative_position_index"] = torch.zeros(size * size, size * size, dtype=torch.long)
            linear(f"{name}.attn.qkv", 3 * dim, dim)
            linear(f"{name}.attn.proj", dim, dim)
            linear(f"{name}.mlp.fc1", 4 * dim, dim)
            linear(f"{name}.mlp.fc2", dim, 4 * dim)
            if j % 2 and here > window:
                out[f"{name}.attn_mask"] = torch.zeros((here // window) ** 2, window**2, window**2)
        if i + 1 < len(depths):
            norm(f"layers.{i}.downsample.norm", 4 * dim)
            linear(f"layers.{i}.downsample.reduction", 2 * dim, 4 * dim, bias=False)
    norm("norm", embed << (len(depths) - 1))
    out["tscam_conv.weight"], out["head.weight"] = noise((5, 2)), noise((5, 5))
    return out


LAION = laion.Profile(sample_rate=8000, samples=4000, n_fft=256, hop=64, fmin=50.0, fmax=3500.0, heads=2)


def clap_folder(work: Path, checkpoint: Path) -> Path:
    """The same weights as `transformers` saves them."""
    weights = read(checkpoint)
    model, extractor = laion.transformers_model(weights, Shape(weights, "audio_branch."), LAION)
    model.config.text_config.layer_norm_eps = 1e-12
    folder = work / "tiny-clap"
    model.save_pretrained(folder)
    extractor.save_pretrained(folder)
    return folder


def clip_tokenizer() -> Tokenizer:
    """Lower-case BPE with marked word ends, CLIP's frame, the end of text as the largest id."""
    tok = Tokenizer(models.BPE(end_of_word_suffix="</w>", continuing_subword_prefix="", unk_token="<|endoftext|>"))
    tok.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    words = Regex(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+")
    tok.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(words, "removed", invert=True), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tok.train_from_iterator(
        CORPUS,
        trainers.BpeTrainer(
            vocab_size=640, initial_alphabet=["!", *alphabet], end_of_word_suffix="</w>", continuing_subword_prefix="", show_progress=False
        ),
    )
    # Every sign needs its form at a word's end, and the first id is the exclamation mark.
    state = json.loads(tok.to_str())
    vocabulary = ["!", *[c for c in alphabet if c != "!"], *[f"{c}</w>" for c in alphabet]]
    vocabulary += [t for t in state["model"]["vocab"] if t not in set(vocabulary)]
    state["model"]["vocab"] = {t: i for i, t in enumerate(vocabulary)}
    tok = Tokenizer.from_str(json.dumps(state))
    tok.add_special_tokens(["<|startoftext|>", "<|endoftext|>"])
    start, end = (tok.token_to_id(t) for t in ("<|startoftext|>", "<|endoftext|>"))
    tok.post_processor = processors.RobertaProcessing(("<|endoftext|>", end), ("<|startoftext|>", start), False, False)
    return tok


MUSCALL = muscall.Profile(
    samples=6400, n_fft=128, mels=64, audio_heads=2, text_heads=2, max_tokens=24
)


class Parts:
    """A state dict made part by part."""

    def __init__(self):
        self.out: dict[str, torch.Tensor] = {}

    def conv(self, name, to, of, size):
        self.out[f"{name}.weight"] = noise((to, of, size, size))

    def norm(self, name, size, batch=False):
        self.out[f"{name}.weight"], self.out[f"{name}.bias"] = 1 + noise((size,)), noise((size,))
        if batch:
            self.out[f"{name}.running_mean"], self.out[f"{name}.running_var"] = noise((size,)), torch.rand(size) + 1
            self.out[f"{name}.num_batches_tracked"] = torch.tensor(3)

    def linear(self, name, to, of, bias=True):
        self.out[f"{name}.weight"] = noise((to, of))
        if bias:
            self.out[f"{name}.bias"] = noise((to,))


def resnet_tensors(parts: Parts, back: str, pool: str, width: int, dim: int, places: int, level: tuple[float, float]) -> None:
    """CLIP's ResNet with 2, 1, 1, 1 blocks; `level` is the mean of its input and the factor of its first norm's variance."""
    out = parts.out
    for i, (to, of) in enumerate(((width // 2, 1), (width // 2, width // 2), (width, width // 2)), 1):
        parts.conv(f"{back}conv{i}", to, of, 3)
        parts.norm(f"{back}bn{i}", to, batch=True)
    out[f"{back}bn1.running_var"] *= level[1]
    out[f"{back}bn1.running_mean"] = level[0] * out[f"{back}conv1.weight"].sum((1, 2, 3))
    inner = width
    for i, depth in enumerate((2, 1, 1, 1)):
        planes = width << i
        for j in range(depth):
            name = f"{back}layer{i + 1}.{j}"
            for k, (to, of, size) in enumerate(((planes, inner, 1), (planes, planes, 3), (planes * 4, planes, 1)), 1):
                parts.conv(f"{name}.conv{k}", to, of, size)
                parts.norm(f"{name}.bn{k}", to, batch=True)
            if j == 0:
                parts.conv(f"{name}.downsample.0", planes * 4, inner, 1)
                parts.norm(f"{name}.downsample.1", planes * 4, batch=True)
            inner = planes * 4
    out[f"{back}{pool}.positional_embedding"] = torch.randn(places, inner) * 0.2
    for part in ("q", "k", "v"):
        parts.linear(f"{back}{pool}.{part}_proj", inner, inner)
    parts.linear(f"{back}{pool}.c_proj", dim, inner)
    # What comes out of a relu is positive: without its mean the vectors point in different ways.
    out[f"{back}{pool}.v_proj.weight"] -= out[f"{back}{pool}.v_proj.weight"].mean(1, keepdim=True)
    out[f"{back}{pool}.c_proj.bias"] *= 0.1


def muscall_checkpoint(vocabulary: int) -> dict[str, torch.Tensor]:
    """Upstream's names."""
    torch.manual_seed(5)
    parts, dim, back = Parts(), 16, "audio_backbone."
    out = parts.out
    places = (MUSCALL.mels // 32) * ((MUSCALL.samples // (MUSCALL.n_fft // 2) + 1) // 32) + 1
    resnet_tensors(parts, back, "attnpool", 4, dim, places, (-40.0, 300.0))
    head = "textual_head."
    out[f"{head}token_embedding.weight"] = torch.randn(vocabulary, 16)
    out[f"{head}position_embedding.weight"] = torch.randn(24, 16) * 0.3
    for i in range(2):
        name = f"{head}transformer.layers.{i}"
        parts.norm(f"{name}.0.norm", 16)
        parts.linear(f"{name}.0.fn.to_qkv", 48, 16, bias=False)
        parts.linear(f"{name}.0.fn.out_projection", 16, 16)
        parts.norm(f"{name}.1.norm", 16)
        parts.linear(f"{name}.1.fn.mlp.0", 64, 16)
        parts.linear(f"{name}.1.fn.mlp.3", 16, 64)
    parts.norm(f"{head}transformer.norm_out", 16)
    parts.norm(f"{head}ln_final", 16)
    out["audio_projection.weight"], out["text_projection.weight"] = noise((12, dim)), noise((12, 16))
    out["logit_scale"] = torch.tensor(2.6)
    out[f"{back}spec.spectrogram.window"] = torch.hann_window(MUSCALL.n_fft)
    return out


TTMR = ttmr.Profile(8000, 5200, n_fft=128, hop=80, mels=64, audio_heads=2, text_heads=2, max_tokens=40)


def ttmr_checkpoint() -> dict[str, torch.Tensor]:
    """Upstream's names."""
    torch.manual_seed(3)
    parts = Parts()
    resnet_tensors(parts, "audio_encoder.", "attn_pool", 4, 16, 1, (0.0, 1.0))
    out = parts.out
    out.update({f"text_encoder.{k}": v for k, v in small_roberta().items() if "pooler" not in k})
    for tower, size in (("audio", 16), ("text", 24)):
        parts.norm(f"{tower}_projector.0", size)
        parts.linear(f"{tower}_projector.1", 12, size, bias=False)
    out["logit_scale"] = torch.tensor([2.6])
    return out


def gpt2_tokenizer() -> Tokenizer:
    """Byte-level BPE without a frame; the first token is the exclamation mark."""
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tok.train_from_iterator(CORPUS, trainers.BpeTrainer(
        vocab_size=420, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    tok.add_special_tokens(["<|endoftext|>"])
    return tok


def bert_tokenizer() -> Tokenizer:
    """Lower-case word pieces in BERT's frame."""
    tok = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tok.normalizer, tok.pre_tokenizer = normalizers.BertNormalizer(lowercase=True), pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tok.train_from_iterator(CORPUS, trainers.WordPieceTrainer(vocab_size=300, special_tokens=special, show_progress=False))
    tok.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return tok


MS_2022 = msclap.Profile(0.5, "", 30, 8000, 8000, n_fft=256, hop=64, mels=64, fmax=3500.0, heads=2)
MS_2023 = msclap.Profile(0.5, "", 24, 6000, 8000, n_fft=256, hop=64, mels=16, fmax=3000.0, heads=2)


def msclap_checkpoint(year: int, vocabulary: int) -> dict[str, torch.Tensor]:
    from transformers import BertConfig, BertModel, GPT2Config, GPT2Model

    torch.manual_seed(year)
    if year == 2023:
        base = htsat_tensors(mels=16, image=32, embed=8, depths=(2, 2), heads=(2, 4))
        out = {f"audio_encoder.base.htsat.{k}": v for k, v in base.items()}
        text = GPT2Model(GPT2Config(vocab_size=vocabulary, n_positions=24, n_embd=16, n_layer=2, n_head=2))
        sizes = {"audio_encoder": 16, "caption_encoder": 16}
    else:
        out, inner, pre = {}, 1, "audio_encoder.base."
        out.update({f"{pre}bn0.weight": 1 + noise((64,)), f"{pre}bn0.bias": noise((64,))})
        out.update({f"{pre}bn0.running_mean": noise((64,), 4.0) - 40, f"{pre}bn0.running_var": torch.rand(64) * 100 + 200})
        for i in range(1, 7):
            width = 3 + i
            for j, of in ((1, inner), (2, width)):
                out[f"{pre}conv_block{i}.conv{j}.weight"] = noise((width, of, 3, 3))
                for key, value in (("weight", 1 + noise((width,))), ("bias", noise((width,))), ("running_mean", noise((width,))),
                                   ("running_var", torch.rand(width) + 0.5)):
                    out[f"{pre}conv_block{i}.bn{j}.{key}"] = value
            inner = width
        out[f"{pre}fc1.weight"], out[f"{pre}fc1.bias"] = noise((16, inner)), noise((16,))
        out[f"{pre}fc_audioset.weight"] = noise((5, 16))
        text = BertModel(BertConfig(vocab_size=vocabulary, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
                                    intermediate_size=32, max_position_embeddings=40))
        sizes = {"audio_encoder": 16, "caption_encoder": 16}
    out.update({f"caption_encoder.base.{k}": v for k, v in randomise(text.state_dict()).items()})
    for tower, size in sizes.items():
        first = noise((12, size))
        out[f"{tower}.projection.linear1.weight"] = first - first.mean(1, keepdim=True)
        out[f"{tower}.projection.linear2.weight"] = noise((12, 12))
        out[f"{tower}.projection.layer_norm.weight"] = 1 + noise((12,))
        out[f"{tower}.projection.layer_norm.bias"] = noise((12,), 0.05)
    return out


MUQ = muq.Profile(8000, 2000, n_fft=64, hop=40, text_heads=2, max_tokens=40)
# What a few signs become before the text is cut: lines and tabs a space, width and ligatures plain, accents one sign, some nothing.
RULES = {"\t": " ", "\n": " ", "\u00a0": " ", "\u3000": " ", "\uff56": "v", "\ufb01": "fi", "\u2026": "...", "e\u0301": "\u00e9",
         "u\u0308": "\u00fc", "A\u030a": "\u00c5", "\u0001": "", "\u001b": "", "\u200b": " ", "\ufeff": ""}


def sentencepiece_model(folder: Path) -> bytes:
    """SentencePiece's own unigram model of the corpus, with a table of what becomes of single signs."""
    import sentencepiece

    def numbers(text):
        return " ".join(f"{ord(sign):X}" for sign in text)

    rules = folder / "rules.tsv"
    rules.write_text("".join(f"{numbers(a)}\t{numbers(b)}\n" for a, b in RULES.items()), encoding="utf-8")
    made = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS), model_writer=made, vocab_size=240, model_type="unigram", character_coverage=1.0,
        normalization_rule_tsv=str(rules), hard_vocab_limit=False, num_threads=1, minloglevel=2)
    return made.getvalue()


def xlm_roberta_tokenizer(folder: Path) -> Tokenizer:
    """The SentencePiece model as `transformers` makes a tokenizer of XLM-RoBERTa's."""
    from sentencepiece import sentencepiece_model_pb2
    from transformers import XLMRobertaTokenizer

    model = sentencepiece_model_pb2.ModelProto.FromString(sentencepiece_model(folder))
    special = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    pieces = [*special, *((piece.piece, piece.score) for piece in model.pieces[3:]), ("<mask>", 0.0)]
    table = model.normalizer_spec.precompiled_charsmap
    return XLMRobertaTokenizer(vocab=pieces, _spm_precompiled_charsmap=table).backend_tokenizer


def muq_checkpoint(vocabulary: int) -> dict[str, torch.Tensor]:
    """Upstream's names, those of modules that it builds but never asks among them."""
    from transformers import Wav2Vec2ConformerConfig, XLMRobertaConfig, XLMRobertaModel
    from transformers.models.wav2vec2_conformer.modeling_wav2vec2_conformer import Wav2Vec2ConformerEncoder

    torch.manual_seed(8)
    parts, width, wide = Parts(), 16, 6
    out = parts.out
    inside = "mulan.audio.model.model."
    for i, inner in enumerate((1, wide)):
        for j, of in ((1, inner), (2, wide), (3, inner)):
            parts.conv(f"{inside}conv.conv.{i}.conv{j}", wide, of, 3)
            out[f"{inside}conv.conv.{i}.conv{j}.bias"] = noise((wide,))
            parts.norm(f"{inside}conv.conv.{i}.bn{j}", wide, batch=True)
    parts.linear(f"{inside}conv.linear", width, wide * 4)
    conformer = Wav2Vec2ConformerEncoder(Wav2Vec2ConformerConfig(
        hidden_size=width, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, conv_depthwise_kernel_size=7,
        position_embeddings_type="rotary", num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=4))
    table = conformer.state_dict()["embed_positions.inv_freq"]
    made = randomise(conformer.state_dict())
    made.update({k: torch.rand_like(v) + 0.5 for k, v in made.items() if k.endswith("running_var")})
    made.update({k: noise(v.shape) for k, v in made.items() if k.endswith("running_mean")})
    out.update({f"{inside}conformer.{k}": v for k, v in made.items()})
    out[f"{inside}conformer.embed_positions.inv_freq"] = table
    parts.linear(f"{inside}linear", 64, width)
    out[f"{inside}cls_token"] = noise((width,))
    out[f"{inside}rvq.quantizers.0.codebook.weight"] = noise((4, 4))
    out["mulan.audio.aggregator.weight"] = noise((1, 25, 1))
    parts.linear("mulan.audio.proj", 24, width)
    text = XLMRobertaModel(XLMRobertaConfig(
        vocab_size=vocabulary, hidden_size=24, num_hidden_layers=2, num_attention_heads=2, intermediate_size=48,
        max_position_embeddings=42, type_vocab_size=1, layer_norm_eps=1e-5))
    out.update({f"mulan.text.model.{k}": v for k, v in randomise(text.state_dict()).items()})
    for i in range(2):
        name = f"mulan.text.transformer.layers.{i}"
        for place in ("0.norm", "1.0"):
            out[f"{name}.{place}.learned_gamma"] = 1 + noise((24,))
        for part, to, of in (("0.to_q", 16, 24), ("0.to_kv", 32, 24), ("0.to_out.0", 24, 16), ("1.1", 48, 24), ("1.4", 24, 24)):
            parts.linear(f"{name}.{part}", to, of, bias=False)
        for part in ("q_scale", "k_scale"):
            out[f"{name}.0.{part}"] = 1 + noise((8,))
    for tower in ("audio", "text"):
        parts.linear(f"mulan.{tower}_to_latents", 12, 24)
    out["mulan.contrast.temperatures"] = torch.ones(1, 1, 1)
    return out


def saved(folder: Path, name: str, tensors) -> Path:
    path = folder / name
    torch.save({"epoch": 1, "state_dict": tensors}, path)
    return path


def tokenizer_file(folder: Path, name: str, tokenizer: Tokenizer) -> str:
    path = folder / f"{name}.json"
    tokenizer.save(str(path))
    return str(path)


def systems(work: Path):
    """Each family's name with its tiny system."""
    roberta = tokenizer_file(work, "roberta", roberta_tokenizer())
    laions = saved(work, "tiny-laion.pt", laion_checkpoint())
    yield "tiny-laion", laion.load(laions, roberta, profile=LAION)
    yield "tiny-laion-paper", laion.load(laions, roberta, "paper", profile=LAION)
    clip = clip_tokenizer()
    checkpoint = saved(work, "tiny-muscall.pt", muscall_checkpoint(clip.get_vocab_size()))
    yield "tiny-muscall", muscall.load(checkpoint, tokenizer_file(work, "clip", clip), MUSCALL)
    for year, made in ((2022, bert_tokenizer()), (2023, gpt2_tokenizer())):
        checkpoint = saved(work, f"tiny-ms-clap-{year}.pt", msclap_checkpoint(year, made.get_vocab_size()))
        profile = MS_2022 if year == 2022 else MS_2023
        yield f"tiny-ms-clap-{year}", msclap.load(checkpoint, tokenizer_file(work, f"ms-{year}", made), profile)
    checkpoint = saved(work, "tiny-ttmr.pth", ttmr_checkpoint())
    yield "tiny-ttmr", ttmr.load(checkpoint, roberta, TTMR)
    xlm = xlm_roberta_tokenizer(work)
    checkpoint = saved(work, "tiny-muq-mulan.bin", muq_checkpoint(xlm.get_vocab_size()))
    yield "tiny-muq-mulan", muq.load(checkpoint, tokenizer_file(work, "xlm", xlm), MUQ)
    yield "tiny-clap", clap.load(clap_folder(work, laions), roberta)


def main(to: Path) -> None:
    with tempfile.TemporaryDirectory() as work:
        for name, system in systems(Path(work)):
            print(f"== {name}")
            write(system, to / name)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
