"""MuQ-MuLan: MuQ's conformer over 128 mel bands at 24 kHz, XLM-RoBERTa with a transformer behind it, and two projections.

    mulan.audio.model.model.…, mulan.audio.proj, mulan.audio_to_latents             waveform, 10 s → mean 768 → 512, unit length
    mulan.text.model.…, mulan.text.transformer.layers.…, mulan.text_to_latents      ids → mean 768 → 512, unit length

Upstream cuts a clip into windows of 10 s, fills the last one from the clip's beginning, and takes the mean of the windows' unit
vectors; dyad brings that mean to unit length again, which changes no cosine. Below 5 s upstream hears the clip twice and no more,
in a shorter window; here it is repeated until the window is full.
Upstream's transformer behind XLM-RoBERTa, and its mean over the tokens, also take in padding, so that a text's vector depends on
the longest text beside it. Here padding is left out: each text has the vector that upstream gives it alone.
Source: Zhu et al. 2025; PyPI `muq` 0.1.0 (names, sizes, steps); the config.json of OpenMuQ/MuQ-MuLan-large.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from . import tokens
from .bert import Bert
from .conformer import Conformer, Subsampling
from .frontend import LogMel, mel_filters
from .refusal import Refused, Weights, read
from .system import Audio, System, Text

# What the pretraining left behind, and modules that upstream builds but never asks.
UNUSED = (".rvq.", ".quantizer_", "audio.model.model.linear.", "cls_token", "recon_proj", "mask_emb", "pos_conv_embed", "inv_freq",
          "preprocessor_", "mulan.contrast.", "multi_layer_contrastive", "audio.aggregator.", ".pooler.", "position_ids",
          "token_type_ids", "num_batches_tracked")
FILES = ("model.safetensors", "pytorch_model.bin")


@dataclass(frozen=True)
class Profile:
    """What the checkpoint does not hold: the front end, and the mean and the deviation of its decibels (MuQ's config.json)."""

    sample_rate: int = 24_000
    samples: int = 240_000
    n_fft: int = 2048
    hop: int = 240
    mean: float = 6.768444971712967
    deviation: float = 18.417922652295623
    audio_heads: int | None = None
    text_heads: int | None = None
    max_tokens: int = 512


class Scale(nn.Module):
    """Layer norm without a shift."""

    def __init__(self, width: int):
        super().__init__()
        self.learned_gamma = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return nn.functional.layer_norm(x, self.learned_gamma.shape, self.learned_gamma)


class Attention(nn.Module):
    """Queries and keys of unit length, each number scaled; the scores times 8."""

    def __init__(self, width: int, heads: int, size: int):
        super().__init__()
        self.heads, self.size = heads, size
        self.norm = Scale(width)
        self.to_q, self.to_kv = nn.Linear(width, heads * size, bias=False), nn.Linear(width, 2 * heads * size, bias=False)
        self.q_scale, self.k_scale = nn.Parameter(torch.ones(size)), nn.Parameter(torch.ones(size))
        self.to_out = nn.Sequential(nn.Linear(heads * size, width, bias=False))

    def forward(self, x, hidden):
        def split(y):
            return y.reshape(y.shape[0], -1, self.heads, self.size).transpose(1, 2)

        x = self.norm(x)
        k, v = self.to_kv(x).chunk(2, -1)
        q = nn.functional.normalize(split(self.to_q(x)), dim=-1) * self.q_scale
        k = nn.functional.normalize(split(k), dim=-1) * self.k_scale
        scores = (q @ k.transpose(-1, -2) * 8.0 + hidden).softmax(-1)
        return self.to_out((scores @ split(v)).transpose(1, 2).reshape(x.shape[0], -1, self.heads * self.size))


class Gated(nn.Module):
    def forward(self, x):
        x, gate = x.chunk(2, -1)
        return nn.functional.gelu(gate) * x


class Transformer(nn.Module):
    """Upstream's own blocks; `hidden` is added to the scores."""

    def __init__(self, weights: Weights, prefix: str):
        super().__init__()
        self.layers = nn.ModuleList()
        for i in range(weights.count(prefix + "layers.{}.")):
            inner, width = weights.get(f"{prefix}layers.{i}.0.to_q.weight").shape
            size = len(weights.get(f"{prefix}layers.{i}.0.q_scale"))
            out = weights.get(f"{prefix}layers.{i}.1.4.weight").shape[1]
            # The third place is upstream's dropout.
            feed = nn.Sequential(
                Scale(width), nn.Linear(width, 2 * out, bias=False), Gated(), nn.Identity(), nn.Linear(out, width, bias=False)
            )
            self.layers.append(nn.ModuleList([Attention(width, inner // size, size), feed]))
        weights.fill(self, {key: prefix + key for key in self.state_dict()})

    def forward(self, x, hidden):
        for attention, feed in self.layers:
            x = attention(x, hidden) + x
            x = feed(x) + x
        return x


class Projection(nn.Module):
    def __init__(self, weights: Weights, prefix: str):
        super().__init__()
        self.linear = nn.Linear(*reversed(weights.get(f"{prefix}weight").shape))
        weights.fill(self, {f"linear.{n}": f"{prefix}{n}" for n in ("weight", "bias")})

    def forward(self, x):
        return self.linear(x)


class Frontend(nn.Module):
    """Decibels without the last frame, brought to the mean and deviation of the pretraining."""

    def __init__(self, p: Profile, mels: int):
        super().__init__()
        filters = mel_filters(p.sample_rate, p.n_fft, mels, 0.0, p.sample_rate / 2, htk=True, slaney_norm=False)
        self.mel, self.mean, self.deviation = LogMel(filters, p.n_fft, p.hop), p.mean, p.deviation

    def forward(self, waveform):
        return (self.mel(waveform)[:, :-1] - self.mean) / self.deviation


class AudioTower(nn.Module):
    def __init__(self, weights: Weights, p: Profile):
        super().__init__()
        inside = "mulan.audio.model.model."
        self.conv = Subsampling(weights, f"{inside}conv.")
        self.frontend = Frontend(p, self.conv.mels)
        steps = p.samples // p.hop
        for _ in range(2):
            steps = (steps + 1) // 2
        self.conformer = Conformer(weights, f"{inside}conformer.", steps, p.audio_heads)
        self.proj, self.latents = Projection(weights, "mulan.audio.proj."), Projection(weights, "mulan.audio_to_latents.")
        self.transformer = Transformer(weights, "mulan.audio.transformer.")

    def after(self, x):
        pre_joint = self.transformer(self.proj(x), 0.0).mean(1)
        return pre_joint, nn.functional.normalize(self.latents(pre_joint), dim=-1)

    def forward(self, waveform):
        return self.after(self.conformer(self.conv(self.frontend(waveform))))


class TextTower(nn.Module):
    def __init__(self, weights: Weights, p: Profile):
        super().__init__()
        self.encoder = Bert(weights, "mulan.text.model.", 1e-5, 1, p.text_heads)
        self.proj = Projection(weights, "mulan.text.proj.") if "mulan.text.proj.weight" in weights else nn.Identity()
        self.transformer = Transformer(weights, "mulan.text.transformer.")
        self.latents = Projection(weights, "mulan.text_to_latents.")

    def after(self, states, mask):
        real = mask.float()
        x = self.transformer(self.proj(states), (1.0 - real)[:, None, None, :] * -10_000.0)
        pre_joint = (x * real.unsqueeze(-1)).sum(1) / real.sum(1, keepdim=True)
        return pre_joint, nn.functional.normalize(self.latents(pre_joint), dim=-1)

    def forward(self, ids, mask):
        return self.after(self.encoder(ids, mask), mask)


def load(checkpoint: Path, tokenizer: str = "xlm-roberta-base", profile: Profile = Profile()) -> System:
    """`checkpoint` is the weights' file, or the folder that holds it and config.json."""
    p, said = profile, []
    if checkpoint.is_dir():
        p, said = configured(checkpoint / "config.json", p)
        found = [checkpoint / name for name in FILES if (checkpoint / name).is_file()]
        if not found:
            raise Refused(f"`{checkpoint}` holds no weights: expected `{FILES[0]}` or `{FILES[1]}`")
        checkpoint = found[0]
    weights = read(checkpoint)
    if "mulan.audio_to_latents.weight" not in weights:
        some = ", ".join(sorted(weights.tensors)[:4])
        raise Refused(f"`{checkpoint.name}` is no MuQ-MuLan checkpoint: expected `mulan.audio_to_latents.weight`, found {some}")
    if "mulan.text.model.embeddings.word_embeddings.weight" not in weights:
        raise Refused(f"`{checkpoint.name}` has another text encoder than XLM-RoBERTa: expected `mulan.text.model.embeddings.…`")
    audio, text = AudioTower(weights, p).eval(), TextTower(weights, p).eval()
    left = weights.left_over(UNUSED)
    if left:
        raise Refused(f"`{checkpoint.name}` has {len(left)} tensors that this architecture has no place for, as `{left[0]}`")
    tok = tokens.load(tokenizer)
    words = text.encoder.words.num_embeddings
    if tok.get_vocab_size() > words:
        raise Refused(f"the tokenizer has {tok.get_vocab_size()} tokens, the checkpoint {words}")
    theirs, reader = conformer_of_transformers(weights, audio.conformer), roberta_of_transformers(weights, text.encoder)

    def heard(waveform):
        return audio.after(theirs(audio.conv(audio.frontend(waveform))).last_hidden_state)

    def read_text(ids, mask):
        # Each text alone and without padding, as upstream is right about it.
        rows = [(one[keep.bool()][None], keep[keep.bool()][None]) for one, keep in zip(ids, mask)]
        both = [text.after(reader(input_ids=one, attention_mask=keep).last_hidden_state, keep) for one, keep in rows]
        return tuple(torch.cat(stage) for stage in zip(*both))

    layers = f"{len(text.transformer.layers)} layers behind it"
    return System(
        audio=Audio(audio, p.sample_rate, p.samples, short="wrap", long="chunks", tail="wrap", norms=("none", "l2"), reference=heard),
        text=Text(text, tok, min(p.max_tokens, text.encoder.longest), tokens.id_of(tok, "<pad>"), norms=("none", "l2"),
                  reference=read_text),
        source=checkpoint,
        licence="CC-BY-NC-4.0 (MuQ-MuLan weights, by their LICENSE_weights; code MIT): not for commercial use",
        notice="Weights: MuQ-MuLan, Zhu, Zhou, Chen, Yu, Ma, Gu, Luo, Tan, Chen 2025. Text encoder from xlm-roberta-base (MIT).",
        found=[*said, f"MuQ: {audio.conformer}", f"XLM-RoBERTa: {text.encoder}, {layers}"],
    )


def configured(path: Path, p: Profile) -> tuple[Profile, list[str]]:
    """The profile as config.json has it; what it says otherwise than this architecture is refused."""
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        mulan, heard, read_by = config["mulan"], config["audio_model"], config["text_model"]
        rate, seconds = int(mulan["sr"]), float(mulan["clip_secs"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Refused(f"`{path}` is no MuQ-MuLan configuration ({type(error).__name__}: {error})") from error
    if "xlm-roberta" not in str(read_by.get("name")):
        raise Refused(f"`{path}` names the text encoder `{read_by.get('name')}`: expected `xlm-roberta-base`")
    if "muq" not in str(heard.get("name")).lower() or heard.get("use_layer_idx", -1) != -1:
        raise Refused(f"`{path}` takes layer {heard.get('use_layer_idx')} of `{heard.get('name')}`: expected layer -1 of a MuQ")
    if rate != p.sample_rate:
        raise Refused(f"`{path}` has `sr` {rate}: expected {p.sample_rate}, which MuQ's spectrogram is made for")
    return replace(p, samples=int(rate * seconds)), [f"config.json: {rate} Hz, windows of {seconds:g} s, text by {read_by['name']}"]


def conformer_of_transformers(weights: Weights, own: Conformer) -> nn.Module:
    """The same weights in `transformers`' Wav2Vec2-Conformer."""
    from transformers import Wav2Vec2ConformerConfig
    from transformers.models.wav2vec2_conformer.modeling_wav2vec2_conformer import Wav2Vec2ConformerEncoder

    config = Wav2Vec2ConformerConfig(
        hidden_size=own.width, num_hidden_layers=len(own.layers), num_attention_heads=own.heads, hidden_act="swish",
        intermediate_size=own.layers[0].ffn1.intermediate_dense.out_features, conv_depthwise_kernel_size=own.taps,
        position_embeddings_type="rotary", num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=own.width)
    config._attn_implementation = "eager"
    prefix = "mulan.audio.model.model.conformer."
    return filled(Wav2Vec2ConformerEncoder(config), weights, prefix, ("pos_conv_embed", "inv_freq"))


def roberta_of_transformers(weights: Weights, own: Bert) -> nn.Module:
    """The same weights in `transformers`' XLM-RoBERTa."""
    from transformers import XLMRobertaConfig, XLMRobertaModel

    config = XLMRobertaConfig(
        vocab_size=own.words.num_embeddings, hidden_size=own.width, num_hidden_layers=own.layers, num_attention_heads=own.heads,
        intermediate_size=own.blocks[0].up.out_features, max_position_embeddings=own.places.num_embeddings, type_vocab_size=1,
        layer_norm_eps=1e-5)
    reader = XLMRobertaModel(config, add_pooling_layer=False)
    return filled(reader, weights, "mulan.text.model.", ("position_ids", "token_type_ids"))


def filled(module: nn.Module, weights: Weights, prefix: str, spared: tuple[str, ...]) -> nn.Module:
    needed = [k for k in weights.tensors if k.startswith(prefix) and not any(part in k for part in spared)]
    absent = module.load_state_dict({k.removeprefix(prefix): weights.get(k) for k in needed}, strict=False).missing_keys
    absent = [k for k in absent if not any(part in k for part in spared)]
    if absent:
        raise Refused(f"`{weights.name}` has nothing for `{prefix}{absent[0]}`")
    return module.eval()
