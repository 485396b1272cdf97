"""LAION-CLAP checkpoints (.pt, without fusion): HTS-AT, RoBERTa, and two projections of two layers.

    audio_branch.…, audio_projection.{0,2}     waveform → 768 or 1024 → relu → 512, unit length
    text_branch.…, text_projection.{0,2}       ids → pooler 768 → relu → 512, unit length

`music_audioset_epoch_15_esc_90.14.pt` is the paper's Music CLAP, `music_speech_audioset_epoch_15_esc_89.98.pt` its
Music/Speech CLAP; both are HTSAT-base.

The paper's released code takes pre-joint audio on another way than joint audio: whole repeats of a short clip *without*
zeros behind them, so that a shorter spectrogram is stretched to the image, and the mean of the first and the last window of
a long one. `paper` does so, `consistent` takes both from one forward pass.
Source: Wu et al. 2023; github.com/LAION-AI/CLAP (names, sizes, its loader's steps).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn

from . import golden, tokens
from .bert import Bert, Pooler
from .frontend import LogMel, mel_filters
from .htsat import HTSAT, Shape
from .refusal import Refused, Weights, read
from .system import Audio, System, Text

KNOWN = {
    "music_audioset_epoch_15_esc_90.14.pt": "Music CLAP of the paper",
    "music_speech_audioset_epoch_15_esc_89.98.pt": "Music/Speech CLAP of the paper",
    "music_speech_epoch_15_esc_89.25.pt": "trained on music and speech, without AudioSet",
    "630k-audioset-best.pt": "LAION-Audio-630k and AudioSet",
    "630k-best.pt": "LAION-Audio-630k",
}
# What the loss and the classifier of the pretraining left behind.
UNUSED = ("logit_scale", "_transform.", "tscam_conv", ".head.", "spectrogram_extractor", "position_ids", "attn_mask",
          "relative_position_index", "token_type_embeddings", "num_batches_tracked")


@dataclass(frozen=True)
class Profile:
    """What a checkpoint does not hold of its front end."""

    sample_rate: int = 48_000
    samples: int = 480_000
    n_fft: int = 1024
    hop: int = 480
    fmin: float = 50.0
    fmax: float = 14_000.0
    max_tokens: int = 77
    heads: int | None = None
    eps: float = 1e-5
    htk: bool = False
    quantize: str = "int16-trunc"


class Projection(nn.Module):
    def __init__(self, weights: Weights, names: tuple[str, str]):
        super().__init__()
        first, second = (weights.get(f"{name}.weight").shape for name in names)
        self.first, self.second = nn.Linear(first[1], first[0]), nn.Linear(second[1], second[0])
        pairs = zip(("first", "second"), names)
        weights.fill(self, {f"{own}.{n}": f"{name}.{n}" for own, name in pairs for n in ("weight", "bias")})

    def forward(self, x):
        return nn.functional.normalize(self.second(torch.relu(self.first(x))), dim=-1)


class AudioTower(nn.Module):
    def __init__(self, frontend, encoder, projection):
        super().__init__()
        self.frontend, self.encoder, self.projection = frontend, encoder, projection

    def forward(self, waveform):
        pre_joint = self.encoder(self.frontend(waveform))
        return pre_joint, self.projection(pre_joint)


class PaperAudioTower(AudioTower):
    """Takes windows of any length: joint from the window filled with zeros, pre-joint from the stretched spectrogram."""

    def __init__(self, frontend, encoder, projection, samples: int, target: int):
        super().__init__(frontend, encoder, projection)
        self.samples, self.target = samples, target
        self.register_buffer("places", torch.arange(target, dtype=torch.float32), persistent=False)

    def stretched(self, mel):
        """A bicubic stretch whose places depend on how many frames came, which is known only when the graph runs."""
        ones = torch.ones_like(mel[0, :, 0])
        last = ones.sum() - 1.0
        place = self.places * (last / (self.target - 1))
        base = torch.floor(place)
        t = place - base
        a = -0.75

        def near(x):
            return ((a + 2) * x - (a + 3)) * x * x + 1

        def far(x):
            return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a

        taps = ((base - 1, far(t + 1)), (base, near(t)), (base + 1, near(1 - t)), (base + 2, far(2 - t)))
        return sum(
            mel.index_select(1, torch.minimum(torch.relu(at), last).long()) * weight[None, :, None] for at, weight in taps
        )

    def forward(self, waveform):
        filled = nn.functional.pad(waveform, (0, self.samples))[:, : self.samples]
        _, joint = super().forward(filled)
        # The norm is a scale and a shift, and the stretch's weights sum to one: their order does not matter.
        normed = self.encoder.norm0(self.stretched(self.frontend(waveform)).transpose(1, 2)).transpose(1, 2)
        return self.encoder.after_stretch(normed), joint


class TextTower(nn.Module):
    def __init__(self, encoder, pooler, projection):
        super().__init__()
        self.encoder, self.pooler, self.projection = encoder, pooler, projection

    def forward(self, ids, mask):
        pre_joint = self.pooler(self.encoder(ids, mask))
        return pre_joint, self.projection(pre_joint)


def load(checkpoint: Path, tokenizer: str = "roberta-base", pre_joint: str = "consistent", profile: Profile = Profile()) -> System:
    weights = read(checkpoint)
    if not any(k.startswith("audio_branch.") for k in weights.tensors):
        some = ", ".join(sorted(weights.tensors)[:4])
        raise Refused(f"`{checkpoint.name}` is no LAION-CLAP checkpoint: expected tensors `audio_branch.…`, found {some}")
    if any("mel_conv2d" in k or "fusion_model" in k for k in weights.tensors):
        raise Refused(f"`{checkpoint.name}` is a fusion checkpoint, whose vectors of long clips are random: expected one without")
    if "text_branch.embeddings.word_embeddings.weight" not in weights:
        raise Refused(f"`{checkpoint.name}` has another text encoder than RoBERTa: expected `text_branch.embeddings.…`")
    shape = Shape(weights, "audio_branch.")
    reference = partial(transformers_model, weights, shape, profile)
    system = build(weights, shape, profile, tokens.load(tokenizer), reference, pre_joint)
    system.source = checkpoint
    system.found.insert(0, KNOWN.get(checkpoint.name, "a checkpoint of another name"))
    left = weights.left_over(UNUSED)
    if left:
        raise Refused(f"`{checkpoint.name}` has {len(left)} tensors that this architecture has no place for, as `{left[0]}`")
    return system


def build(weights: Weights, shape: Shape, p: Profile, tok, reference: Callable, pre_joint: str) -> System:
    """The system of weights under LAION's names; `reference` gives the model and the extractor that it is held to."""
    found = [str(shape)]
    filters = mel_filters(p.sample_rate, p.n_fft, shape.mels, p.fmin, p.fmax, htk=p.htk, slaney_norm=not p.htk)
    if "audio_branch.logmel_extractor.melW" in weights:
        own = weights.get("audio_branch.logmel_extractor.melW").numpy()
        if own.shape != filters.shape:
            raise Refused(f"its mel filters have shape {list(own.shape)}: expected {list(filters.shape)}")
        found.append(f"mel filters from the checkpoint, {np.abs(own - filters).max():.1e} from those computed here")
        filters = own
    frontend = LogMel(filters, p.n_fft, p.hop).eval()
    encoder = HTSAT(shape, p.samples // p.hop + 1)
    encoder.load(weights, "audio_branch.")
    projection = Projection(weights, ("audio_projection.0", "audio_projection.2"))
    paper = pre_joint == "paper"
    if paper:
        audio = PaperAudioTower(frontend, encoder, projection, p.samples, shape.mels * shape.fold * shape.fold)
    else:
        audio = AudioTower(frontend, encoder, projection)
    text_encoder = Bert(weights, "text_branch.", p.eps, 1, p.heads)
    if tok.get_vocab_size() > text_encoder.words.num_embeddings:
        raise Refused(f"the tokenizer has {tok.get_vocab_size()} tokens, the checkpoint {text_encoder.words.num_embeddings}")
    text = TextTower(
        text_encoder,
        Pooler(weights, "text_branch."),
        Projection(weights, ("text_projection.0", "text_projection.2")),
    )
    found.append(f"RoBERTa: {text_encoder}")
    model, extractor = reference()
    found.append(f"front end at most {front_end_error(frontend, extractor, p):.1e} dB from `transformers`' extractor")

    def heard(waveform):
        pooled = model.audio_model(
            input_features=frontend(waveform)[:, None], is_longer=torch.zeros(len(waveform), 1, dtype=torch.bool)
        ).pooler_output
        return pooled, nn.functional.normalize(model.audio_projection(pooled), dim=-1)

    def heard_stretched(waveform):
        filled = nn.functional.pad(waveform, (0, p.samples - waveform.shape[1]))
        pooled = model.audio_model(
            input_features=frontend(waveform)[:, None], is_longer=torch.zeros(len(waveform), 1, dtype=torch.bool)
        ).pooler_output
        return pooled, heard(filled)[1]

    def read_text(ids, mask):
        pooled = model.text_model(input_ids=ids, attention_mask=mask).pooler_output
        return pooled, nn.functional.normalize(model.text_projection(pooled), dim=-1)

    return System(
        audio=Audio(
            audio.eval(),
            p.sample_rate,
            p.samples,
            quantize=p.quantize,
            short="repeat-floor" if paper else "repeat-floor-zero",
            long="first-last" if paper else "chunks",
            norms=("none", "l2"),
            reference=heard_stretched if paper else heard,
            other_length=p.samples * 2 // 3 if paper else None,
        ),
        text=Text(text.eval(), tok, p.max_tokens, tokens.id_of(tok, "<pad>"), norms=("none", "l2"), reference=read_text),
        source=Path(),
        licence="CC0-1.0 (LAION-CLAP: the released checkpoints' card and the code's LICENSE file)",
        notice="Weights: LAION-CLAP, Wu, Chen, Zhang, Hui, Berg-Kirkpatrick, Dubnov 2023. Text encoder from roberta-base (MIT).",
        found=found,
    )


def front_end_error(frontend: LogMel, extractor, p: Profile) -> float:
    """Largest difference in dB from an extractor in f64, where the spectrogram is at most 60 dB below its loudest place."""
    worst = 0.0
    for rows in golden.signals(p.samples, p.sample_rate).values():
        rows = rows.astype(np.float64)
        made = extractor(list(rows), sampling_rate=p.sample_rate, max_length=p.samples, return_tensors="np")
        theirs = np.asarray(made["input_features"])[:, 0]
        with torch.no_grad():
            ours = frontend(torch.tensor(rows, dtype=torch.float32)).numpy()
        if ours.shape != theirs.shape:
            raise Refused(f"the front end gives {list(ours.shape)}, `transformers` {list(theirs.shape)}")
        loud = theirs > theirs.max(axis=(1, 2), keepdims=True) - 60.0
        worst = max(worst, float(np.abs(ours - theirs)[loud].max()))
    if worst > 0.05:
        raise Refused(f"the front end differs by {worst:.2f} dB from `transformers`' extractor: expected at most 0.05")
    return worst


# LAION's names and those of `transformers`' ClapModel; the order matters.
AUDIO_NAMES = [
    ("audio_branch.", "audio_model.audio_encoder."),
    ("attn.proj", "attention.output.dense"),
    ("attn.", "attention.self."),
    ("mlp.fc1", "intermediate.dense"),
    (".mlp.fc2", ".output.dense"),
    (".norm1.", ".layernorm_before."),
    (".norm2.", ".layernorm_after."),
    ("bn0", "batch_norm"),
]
OTHER_NAMES = [
    ("text_branch.", "text_model."),
    ("_projection.0", "_projection.linear1"),
    ("_projection.2", "_projection.linear2"),
]


def renamed(weights: Weights) -> dict[str, torch.Tensor]:
    """The checkpoint under the names of `transformers`' ClapModel."""
    out = {}
    for key, tensor in weights.tensors.items():
        if key.endswith("relative_position_index"):
            continue
        name = key
        for old, new in AUDIO_NAMES if key.startswith("audio_branch.") else OTHER_NAMES:
            name = name.replace(old, new)
        if ".qkv." in name:
            for part, piece in zip(("query", "key", "value"), tensor.float().chunk(3)):
                out[name.replace("qkv", part)] = piece
        else:
            out[name] = tensor.float()
    return out


def transformers_model(weights: Weights, shape: Shape, p: Profile):
    """The same checkpoint as `transformers`' ClapModel, and its feature extractor (numpy, f64)."""
    from transformers import ClapConfig, ClapFeatureExtractor, ClapModel

    words = weights.get("text_branch.embeddings.word_embeddings.weight")
    config = ClapConfig(
        text_config={
            "vocab_size": words.shape[0],
            "hidden_size": words.shape[1],
            "num_hidden_layers": weights.count("text_branch.encoder.layer.{}."),
            "num_attention_heads": p.heads or words.shape[1] // 64,
            "intermediate_size": weights.get("text_branch.encoder.layer.0.intermediate.dense.weight").shape[0],
            "max_position_embeddings": weights.get("text_branch.embeddings.position_embeddings.weight").shape[0],
            "layer_norm_eps": p.eps,
        },
        audio_config={
            "window_size": shape.window,
            "num_mel_bins": shape.mels,
            "spec_size": shape.image,
            "patch_size": shape.patch,
            "patch_stride": [shape.patch, shape.patch],
            "hidden_size": shape.out,
            "depths": shape.depths,
            "num_attention_heads": shape.heads,
            "patch_embeds_hidden_size": shape.embed,
            "num_hidden_layers": len(shape.depths),
        },
        projection_dim=weights.get("audio_projection.2.weight").shape[0],
    )
    model = ClapModel(config).eval()
    absent = model.load_state_dict(renamed(weights), strict=False).missing_keys
    absent = [k for k in absent if not k.endswith(("position_ids", "token_type_ids", "relative_position_index"))]
    if absent:
        raise Refused(f"`{weights.name}` has nothing for `{absent[0]}` of `transformers`' ClapModel")
    extractor = ClapFeatureExtractor(
        feature_size=shape.mels,
        sampling_rate=p.sample_rate,
        hop_length=p.hop,
        fft_window_size=p.n_fft,
        max_length_s=p.samples / p.sample_rate,
        frequency_min=p.fmin,
        frequency_max=p.fmax,
        truncation="rand_trunc",
    )
    return model, extractor
