"""MS-CLAP checkpoints, 2022 (Cnn14 and BERT, 5 s) and 2023 (HTS-AT and GPT-2, 7 s); which one is seen from the names.

    audio_encoder.base.…        waveform 44.1 kHz → 2048 (2022) or 768 (2023)
    caption_encoder.base.…      ids → the first token's state (2022), or the last one's before the padding (2023)
    ….projection.…              a + linear2(gelu(a)) with a = linear1(x), layer norm → 1024

2023 counts the text's tokens by those that are not 0, and 0 is GPT-2's `!`: a text with exclamation marks is pooled that
many tokens too early. That is how its vectors were published, and it is kept. Its mel filters are those of 32 kHz on audio
of 44.1 kHz. A random window of a long clip, as upstream takes, is replaced by all windows; stereo is mixed, not strung together.
Sources: Elizalde et al. 2023 and 2024; github.com/microsoft/CLAP (names, sizes, its loader's steps).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from . import tokens
from .bert import Bert
from .frontend import LogMel, mel_filters
from .htsat import HTSAT, Shape
from .refusal import Refused, Weights, read
from .system import Audio, System, Text

UNUSED = ("logit_scale", "tscam_conv", ".head.", "spectrogram_extractor", "position_ids", "attn_mask", "relative_position_index",
          "num_batches_tracked", "fc_audioset", "pooler.", ".attn.bias", ".attn.masked_bias")


@dataclass(frozen=True)
class Profile:
    """What a checkpoint does not hold of its configuration."""

    seconds: float
    tokenizer: str
    max_tokens: int
    filters_rate: int
    sample_rate: int = 44_100
    n_fft: int = 1024
    hop: int = 320
    mels: int = 64
    fmin: float = 50.0
    fmax: float = 14_000.0
    heads: int | None = None


OF_2022 = Profile(5.0, "bert-base-uncased", 100, 44_100)
OF_2023 = Profile(7.0, "openai-community/gpt2", 77, 32_000)


class Projection(nn.Module):
    def __init__(self, weights: Weights, prefix: str):
        super().__init__()
        out, size = weights.get(f"{prefix}linear1.weight").shape
        self.linear1, self.linear2 = nn.Linear(size, out, bias=False), nn.Linear(out, out, bias=False)
        self.layer_norm = nn.LayerNorm(out)
        weights.fill(self, {key: prefix + key for key in self.state_dict()})

    def forward(self, x):
        x = self.linear1(x)
        return self.layer_norm(x + self.linear2(nn.functional.gelu(x)))


class Cnn14(nn.Module):
    """[batch, frames, mels] in dB → [batch, width]: six pairs of convolutions, mean over bands, max and mean over time."""

    def __init__(self, weights: Weights, prefix: str):
        super().__init__()
        self.bn0 = nn.BatchNorm1d(weights.get(f"{prefix}bn0.weight").shape[0])
        names, inner = {}, 1
        self.blocks = nn.ModuleList()
        for i in range(1, 7):
            out = weights.get(f"{prefix}conv_block{i}.conv1.weight").shape[0]
            convs = [nn.Conv2d(inner, out, 3, padding=1, bias=False), nn.Conv2d(out, out, 3, padding=1, bias=False)]
            self.blocks.append(nn.ModuleDict({"conv1": convs[0], "bn1": nn.BatchNorm2d(out), "conv2": convs[1], "bn2": nn.BatchNorm2d(out)}))
            inner = out
        self.fc1 = nn.Linear(*reversed(weights.get(f"{prefix}fc1.weight").shape))
        for key in self.state_dict():
            parts = key.split(".")
            names[key] = prefix + (f"conv_block{int(parts[1]) + 1}." + ".".join(parts[2:]) if parts[0] == "blocks" else key)
        weights.fill(self, names)

    def __str__(self):
        return f"Cnn14, {self.fc1.out_features} wide"

    def forward(self, mel):
        x = self.bn0(mel.transpose(1, 2)).transpose(1, 2).unsqueeze(1)
        for i, block in enumerate(self.blocks):
            x = torch.relu(block["bn1"](block["conv1"](x)))
            x = torch.relu(block["bn2"](block["conv2"](x)))
            if i < 5:
                x = nn.functional.avg_pool2d(x, 2)
        x = x.mean(3)
        return torch.relu(self.fc1(x.amax(2) + x.mean(2)))


class Gpt2(nn.Module):
    """ids, mask → hidden states; pre-norm blocks, causal."""

    def __init__(self, weights: Weights, prefix: str, heads: int | None):
        super().__init__()
        words, places = weights.get(f"{prefix}wte.weight"), weights.get(f"{prefix}wpe.weight")
        self.words, self.places, width = nn.Embedding(*words.shape), nn.Embedding(*places.shape), words.shape[1]
        self.heads = heads or width // 64
        self.blocks = nn.ModuleList()
        for i in range(weights.count(prefix + "h.{}.")):
            inner = weights.get(f"{prefix}h.{i}.mlp.c_fc.weight").shape[1]
            sizes = {"attn": (width, 3 * width), "out": (width, width), "up": (width, inner), "down": (inner, width)}
            self.blocks.append(nn.ModuleDict({
                "norm1": nn.LayerNorm(width), "norm2": nn.LayerNorm(width), **{k: nn.Linear(*size) for k, size in sizes.items()}}))
        self.norm = nn.LayerNorm(width)
        inside = {"norm1": "ln_1", "norm2": "ln_2", "attn": "attn.c_attn", "out": "attn.c_proj", "up": "mlp.c_fc", "down": "mlp.c_proj"}
        names, turned = {"words.weight": "wte.weight", "places.weight": "wpe.weight"}, {}
        for key in self.state_dict():
            parts = key.split(".")
            if parts[0] == "norm":
                names[key] = f"ln_f.{parts[1]}"
            elif parts[0] == "blocks":
                names[key] = f"h.{parts[1]}.{inside[parts[2]]}.{parts[3]}"
                if parts[3] == "weight" and not parts[2].startswith("norm"):
                    # Its linear layers are stored the other way round.
                    turned[prefix + names[key]] = weights.get(prefix + names[key]).T.contiguous()
        upright = Weights({**weights.tensors, **turned}, weights.name)
        upright.fill(self, {key: prefix + name for key, name in names.items()})
        weights.used |= upright.used

    def __str__(self):
        return f"GPT-2: {len(self.blocks)} layers of width {self.words.embedding_dim}, {self.heads} heads"

    def forward(self, ids, mask):
        count = torch.ones_like(ids[:1]).float().cumsum(1)
        x = self.words(ids) + self.places((count - 1.0).long())
        hidden = (count[:, None, :] > count[:, :, None]).float()[:, None] * -10_000.0
        hidden = hidden + (1.0 - mask.float())[:, None, None, :] * -10_000.0
        width = self.words.embedding_dim

        def split(y):
            return y.reshape(y.shape[0], -1, self.heads, width // self.heads).transpose(1, 2)

        for block in self.blocks:
            q, k, v = (split(part) for part in block["attn"](block["norm1"](x)).chunk(3, dim=-1))
            scores = q @ k.transpose(-1, -2) * (width // self.heads) ** -0.5 + hidden
            y = (scores.softmax(-1) @ v).transpose(1, 2).reshape(x.shape[0], -1, width)
            x = x + block["out"](y)
            x = x + block["down"](nn.functional.gelu(block["up"](block["norm2"](x)), approximate="tanh"))
        return self.norm(x)


class AudioTower(nn.Module):
    def __init__(self, frontend, encoder, projection):
        super().__init__()
        self.frontend, self.encoder, self.projection = frontend, encoder, projection

    def forward(self, waveform):
        pre_joint = self.encoder(self.frontend(waveform))
        return pre_joint, self.projection(pre_joint)


class FirstToken(nn.Module):
    def __init__(self, encoder, projection):
        super().__init__()
        self.encoder, self.projection = encoder, projection

    def forward(self, ids, mask):
        pre_joint = self.encoder(ids, mask)[:, 0]
        return pre_joint, self.projection(pre_joint)


class LastToken(FirstToken):
    def forward(self, ids, mask):
        states = self.encoder(ids, mask)
        place = torch.ones_like(ids).float().cumsum(1)
        real = (ids != 0).float().sum(1, keepdim=True)
        # No token but `!`: upstream's index −1 is the last place of the row.
        at = torch.where(real > 0.0, real, place[:, -1:])
        pre_joint = (states * (place == at).float()[:, :, None]).sum(1)
        return pre_joint, self.projection(pre_joint)


def load(checkpoint: Path, tokenizer: str | None = None, profile: Profile | None = None) -> System:
    weights = read(checkpoint)
    if "audio_encoder.projection.linear1.weight" not in weights:
        some = ", ".join(sorted(weights.tensors)[:4])
        raise Refused(f"`{checkpoint.name}` is no MS-CLAP checkpoint: expected `audio_encoder.projection.linear1.weight`, found {some}")
    year = 2023 if any(k.startswith("audio_encoder.base.htsat.") for k in weights.tensors) else 2022
    p = profile or (OF_2023 if year == 2023 else OF_2022)
    base = "audio_encoder.base.htsat." if year == 2023 else "audio_encoder.base."
    samples = round(p.seconds * p.sample_rate)
    filters = mel_filters(p.filters_rate, p.n_fft, p.mels, p.fmin, p.fmax, htk=False, slaney_norm=True)
    found = [f"MS-CLAP {year}"]
    if f"{base}logmel_extractor.melW" in weights:
        own = weights.get(f"{base}logmel_extractor.melW").numpy()
        if own.shape != filters.shape:
            raise Refused(f"its mel filters have shape {list(own.shape)}: expected {list(filters.shape)}")
        found.append(f"mel filters from the checkpoint, {np.abs(own - filters).max():.1e} from those computed here")
        filters = own
    frontend = LogMel(filters, p.n_fft, p.hop)
    if year == 2023:
        shape = Shape(weights, base)
        encoder = HTSAT(shape, samples // p.hop + 1)
        encoder.load(weights, base)
        found.append(str(shape))
    else:
        encoder = Cnn14(weights, base)
        found.append(str(encoder))
    audio = AudioTower(frontend, encoder, Projection(weights, "audio_encoder.projection."))
    projection = Projection(weights, "caption_encoder.projection.")
    tok = tokens.load(tokenizer or p.tokenizer)
    if year == 2023:
        reader = Gpt2(weights, "caption_encoder.base.", p.heads)
        text, template, pad = LastToken(reader, projection), "{} <|endoftext|>", 0
        if tok.id_to_token(0) != "!":
            raise Refused("the tokenizer's first token is not `!`: expected GPT-2's tokenizer")
        tokens.id_of(tok, "<|endoftext|>")
    else:
        reader = Bert(weights, "caption_encoder.base.", 1e-12, None, p.heads)
        text, template, pad = FirstToken(reader, projection), "{}", tokens.id_of(tok, "[PAD]")
    found.append(str(reader))
    left = weights.left_over(UNUSED)
    if left:
        raise Refused(f"`{checkpoint.name}` has {len(left)} tensors that this architecture has no place for, as `{left[0]}`")
    return System(
        audio=Audio(audio.eval(), p.sample_rate, samples, short="repeat-cut", long="chunks"),
        text=Text(text.eval(), tok, p.max_tokens, pad, template, reference=text_reference(weights, year, reader, text)),
        source=checkpoint,
        licence="MS-PL (MS-CLAP weights, by Microsoft's card); MIT (its code)",
        notice=f"Weights: MS-CLAP {year}, Elizalde, Deshmukh, Al Ismail, Wang.",
        found=found,
    )


def text_reference(weights: Weights, year: int, reader, text):
    """The text tower with `transformers`' encoder in the place of the one above."""
    from transformers import BertConfig, BertModel, GPT2Config, GPT2Model

    base = {k.removeprefix("caption_encoder.base."): v.float() for k, v in weights.tensors.items() if k.startswith("caption_encoder.base.")}
    words = reader.words.weight
    if year == 2023:
        config = GPT2Config(
            vocab_size=words.shape[0], n_positions=reader.places.num_embeddings, n_embd=words.shape[1], n_layer=len(reader.blocks),
            n_head=reader.heads)
        model = GPT2Model(config).eval()
    else:
        config = BertConfig(
            vocab_size=words.shape[0], hidden_size=words.shape[1], num_hidden_layers=len(reader.blocks), num_attention_heads=reader.heads,
            intermediate_size=reader.blocks[0].up.out_features, max_position_embeddings=reader.places.num_embeddings)
        model = BertModel(config, add_pooling_layer=False).eval()
    absent = [k for k in model.load_state_dict(base, strict=False).missing_keys if "position_ids" not in k]
    if absent:
        raise Refused(f"`{weights.name}` has nothing for `{absent[0]}` of the text encoder")

    def run(ids, mask):
        states = model(input_ids=ids, attention_mask=mask)[0]
        at = (ids != 0).sum(1) - 1 if year == 2023 else torch.zeros(len(ids), dtype=torch.long)
        pooled = states[torch.arange(len(ids)), at]
        return pooled, text.projection(pooled)

    return run
