"""MusCALL checkpoints: a ResNet over mel bands at 16 kHz, a causal text transformer over CLIP's tokens.

    audio_backbone.…, audio_projection.weight     waveform, 20 s → 256 → 512
    textual_head.…, text_projection.weight        ids → state at the largest id (the end of the text) 512 → 512

The mel bands reach to 11,025 Hz on audio of 16 kHz: those above 8 kHz are empty, and stay so. The decibels are cut 100 below
the loudest place of each clip; upstream takes the loudest of the batch, which is the same for one clip.
Source: Manco et al. 2022; github.com/ilaria-manco/muscall (names, sizes, its loader's steps); torchaudio's formulas.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from . import tokens
from .frontend import LogMel, mel_filters
from .refusal import Refused, Weights, read
from .resnet import ResNet
from .system import Audio, System, Text

UNUSED = ("logit_scale", "ln_final", "num_batches_tracked", "audio_ssl.", "spec.", "amplitude_to_db")


@dataclass(frozen=True)
class Profile:
    """What a checkpoint does not hold of its configuration."""

    sample_rate: int = 16_000
    samples: int = 320_000
    n_fft: int = 1024
    mels: int = 128
    fmin: float = 0.0
    fmax: float = 11_025.0
    audio_heads: int = 8
    text_heads: int = 8
    max_tokens: int = 77


class AudioTower(nn.Module):
    def __init__(self, frontend, encoder, projection):
        super().__init__()
        self.frontend, self.encoder = frontend, encoder
        self.register_buffer("projection", projection)

    def forward(self, waveform):
        pre_joint = self.encoder(self.frontend(waveform).transpose(1, 2).unsqueeze(1))
        return pre_joint, pre_joint @ self.projection


class TextTower(nn.Module):
    def __init__(self, weights: Weights, heads: int):
        super().__init__()
        head = "textual_head."
        words, places = weights.get(f"{head}token_embedding.weight"), weights.get(f"{head}position_embedding.weight")
        self.words, self.places = nn.Embedding(*words.shape), nn.Embedding(*places.shape)
        width, depth = words.shape[1], weights.count(f"{head}transformer.layers." + "{}.")
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        inside = {"norm1": "0.norm", "qkv": "0.fn.to_qkv", "out": "0.fn.out_projection", "norm2": "1.norm", "up": "1.fn.mlp.0",
                  "down": "1.fn.mlp.3"}
        names = {"words.weight": "token_embedding.weight", "places.weight": "position_embedding.weight"}
        for key in self.state_dict():
            parts = key.split(".")
            if parts[0] == "norm":
                names[key] = f"transformer.norm_out.{parts[1]}"
            elif parts[0] == "blocks":
                names[key] = f"transformer.layers.{parts[1]}.{inside[parts[2]]}.{parts[3]}"
        weights.fill(self, {key: head + name for key, name in names.items()})
        self.register_buffer("projection", weights.get("text_projection.weight").T.contiguous(), persistent=False)

    def forward(self, ids):
        count = torch.ones_like(ids[:1]).float().cumsum(1)
        x = self.words(ids) + self.places((count - 1.0).long())
        later = (count[:, None, :] > count[:, :, None]).float() * -10_000.0
        for block in self.blocks:
            x = block(x, later[:, None])
        # One where the largest id stands: a gather that every backend has.
        at = ids.argmax(1, keepdim=True).float() + 1.0
        here = (count == at).float()
        pre_joint = (self.norm(x) * here[:, :, None]).sum(1)
        return pre_joint, pre_joint @ self.projection


class Block(nn.Module):
    def __init__(self, width: int, heads: int):
        super().__init__()
        self.width, self.heads = width, heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x, later):
        def split(y):
            return y.reshape(y.shape[0], -1, self.heads, self.width // self.heads).transpose(1, 2)

        q, k, v = (split(part) for part in self.qkv(self.norm1(x)).chunk(3, dim=-1))
        scores = q @ k.transpose(-1, -2) * (self.width // self.heads) ** -0.5 + later
        y = (scores.softmax(-1) @ v).transpose(1, 2).reshape(x.shape[0], -1, self.width)
        x = x + self.out(y)
        return x + self.down(nn.functional.gelu(self.up(self.norm2(x))))


def load(checkpoint: Path, tokenizer: str = "openai/clip-vit-base-patch32", profile: Profile = Profile()) -> System:
    weights, p = read(checkpoint), profile
    if "audio_backbone.conv1.weight" not in weights:
        some = ", ".join(sorted(weights.tensors)[:4])
        raise Refused(f"`{checkpoint.name}` is no MusCALL checkpoint: expected `audio_backbone.conv1.weight`, found {some}")
    if "textual_head.token_embedding.weight" not in weights:
        raise Refused(f"`{checkpoint.name}` has another text head than `TextTransformer`: expected `textual_head.token_embedding`")
    n_fft = p.n_fft
    if "audio_backbone.spec.spectrogram.window" in weights:
        n_fft = weights.get("audio_backbone.spec.spectrogram.window").shape[0]
    filters = mel_filters(p.sample_rate, n_fft, p.mels, p.fmin, p.fmax, htk=True, slaney_norm=False)
    found = []
    if "audio_backbone.spec.mel_scale.fb" in weights:
        own = weights.get("audio_backbone.spec.mel_scale.fb").numpy()
        if own.shape != filters.shape:
            raise Refused(f"its mel filters have shape {list(own.shape)}: expected {list(filters.shape)}")
        found.append(f"mel filters from the checkpoint, {np.abs(own - filters).max():.1e} from those computed here")
        filters = own
    empty = int((~filters.any(axis=0)).sum())
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)
    frontend = LogMel(filters, n_fft, n_fft // 2, scale=float((hann**2).sum() ** -0.5), top_db=100.0)
    encoder = ResNet(weights, "audio_backbone.", p.audio_heads)
    audio = AudioTower(frontend, encoder, weights.get("audio_projection.weight").T.contiguous())
    text = TextTower(weights, p.text_heads)
    left = weights.left_over(UNUSED)
    if left:
        raise Refused(f"`{checkpoint.name}` has {len(left)} tensors that this architecture has no place for, as `{left[0]}`")
    tok = tokens.load(tokenizer)
    end = max(tok.get_vocab().values())
    if end != tokens.id_of(tok, "<|endoftext|>"):
        raise Refused("the tokenizer's largest id is not `<|endoftext|>`, where the text is pooled: expected CLIP's tokenizer")
    found += [f"{encoder}; {p.mels} mel bands, {empty} of them empty"]
    found += [f"text transformer: {len(text.blocks)} layers of width {text.words.embedding_dim}"]
    return System(
        audio=Audio(audio.eval(), p.sample_rate, p.samples, short="zero", long="center", norms=("none", "l2")),
        text=Text(text.eval(), tok, min(p.max_tokens, text.places.num_embeddings), 0, has_mask=False, norms=("none", "l2")),
        source=checkpoint,
        licence="set by whoever trained the checkpoint: none was released with MusCALL, whose code is GPL-3.0",
        notice="Weights: a MusCALL checkpoint, Manco, Benetos, Quinton, Fazekas 2022.",
        found=found,
    )
