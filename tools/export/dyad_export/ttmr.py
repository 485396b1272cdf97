"""TTMR++ checkpoints: CLIP's ResNet over 128 mel bands at 22.05 kHz, RoBERTa, and two projections.

    audio_encoder.…, audio_projector.{0,1}     waveform, 10 s → 768 → layer norm, linear → 128
    text_encoder.…, text_projector.{0,1}       ids → first token's state 768 → layer norm, linear → 128

Two of its steps look at everything that is heard together, and are taken for each window here: the floor 8 below the loudest
place of the spectrogram (upstream: of the batch), and the scale that puts the least and the greatest sample at −1 and 1
(upstream: of the whole file, before it is cut). For a file of one window both are upstream's. Upstream drops what is left
after the last whole window and fails below one; here the last window is aligned to the end, and short clips get zeros.
Source: Doh et al. 2024; github.com/seungheondoh/music-text-representation-pp (names, sizes, its loader's steps).
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from . import tokens
from .bert import Bert
from .frontend import Spectrogram, mel_filters
from .refusal import Refused, Weights, read
from .resnet import ResNet
from .system import Audio, System, Text

UNUSED = ("logit_scale", "num_batches_tracked", "position_ids", "token_type_ids", "pooler.")


@dataclass(frozen=True)
class Profile:
    """What a checkpoint does not hold of its configuration (`hparams.yaml`)."""

    sample_rate: int = 22_050
    samples: int = 220_500
    n_fft: int = 1024
    hop: int = 220
    mels: int = 128
    audio_heads: int = 8
    text_heads: int | None = None
    max_tokens: int = 128


class Frontend(nn.Module):
    def __init__(self, p: Profile):
        super().__init__()
        filters = mel_filters(p.sample_rate, p.n_fft, p.mels, 0.0, p.sample_rate / 2, htk=False, slaney_norm=True)
        self.spectrogram = Spectrogram(p.n_fft, p.hop, 0, p.n_fft // 2 + 1)
        self.register_buffer("filters", torch.tensor(filters))

    def forward(self, waveform):
        low, high = waveform.amin(1, keepdim=True), waveform.amax(1, keepdim=True)
        # Silence has no scale: it stays where it is.
        wide = torch.clamp(high - low, min=1e-9)
        scaled = (waveform - low) / wide * 2.0 - 1.0
        x = torch.where(high > low, scaled, waveform) * 32767.0
        x = torch.sign(x) * torch.floor(torch.abs(x)) / 32767.0
        mel = self.spectrogram(x)[:, :-1] @ self.filters
        db = torch.log(torch.clamp(mel, min=1e-10)) * 0.4342944819032518
        return (torch.maximum(db, db.amax(dim=(1, 2), keepdim=True) - 8.0) + 4.0) / 4.0


class Projector(nn.Module):
    def __init__(self, weights: Weights, prefix: str):
        super().__init__()
        out, size = weights.get(f"{prefix}1.weight").shape
        self.norm, self.linear = nn.LayerNorm(size), nn.Linear(size, out, bias=False)
        weights.fill(self, {"norm.weight": f"{prefix}0.weight", "norm.bias": f"{prefix}0.bias", "linear.weight": f"{prefix}1.weight"})

    def forward(self, x):
        return self.linear(self.norm(x))


class AudioTower(nn.Module):
    def __init__(self, frontend, encoder, projector):
        super().__init__()
        self.frontend, self.encoder, self.projector = frontend, encoder, projector

    def forward(self, waveform):
        pre_joint = self.encoder(self.frontend(waveform).transpose(1, 2).unsqueeze(1))
        return pre_joint, self.projector(pre_joint)


class TextTower(nn.Module):
    def __init__(self, encoder, projector):
        super().__init__()
        self.encoder, self.projector = encoder, projector

    def forward(self, ids, mask):
        pre_joint = self.encoder(ids, mask)[:, 0]
        return pre_joint, self.projector(pre_joint)


def load(checkpoint: Path, tokenizer: str = "roberta-base", profile: Profile = Profile()) -> System:
    weights, p = read(checkpoint), profile
    if "audio_projector.1.weight" not in weights or "audio_encoder.conv1.weight" not in weights:
        some = ", ".join(sorted(weights.tensors)[:4])
        raise Refused(f"`{checkpoint.name}` is no TTMR++ checkpoint: expected `audio_projector.1.weight`, found {some}")
    encoder = ResNet(weights, "audio_encoder.", p.audio_heads, pool="attn_pool")
    audio = AudioTower(Frontend(p), encoder, Projector(weights, "audio_projector."))
    reader = Bert(weights, "text_encoder.", 1e-5, 1, p.text_heads)
    text = TextTower(reader, Projector(weights, "text_projector."))
    left = weights.left_over(UNUSED)
    if left:
        raise Refused(f"`{checkpoint.name}` has {len(left)} tensors that this architecture has no place for, as `{left[0]}`")
    tok = tokens.load(tokenizer)
    return System(
        audio=Audio(audio.eval(), p.sample_rate, p.samples, short="zero", long="chunks"),
        text=Text(text.eval(), tok, p.max_tokens, tokens.id_of(tok, "<pad>")),
        source=checkpoint,
        licence="CC-BY-NC-4.0 (TTMR++, by its README; the weights' card says nothing): not for commercial use",
        notice="Weights: TTMR++, Doh, Lee, Jeong, Nam 2024. Text encoder from roberta-base (MIT).",
        found=[str(encoder), f"RoBERTa: {reader}"],
    )
