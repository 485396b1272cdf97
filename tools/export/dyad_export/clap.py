"""Any ClapModel folder of `transformers` (config.json, weights, preprocessor_config.json, tokenizer).

The architecture is LAION-CLAP's; the sizes, the front end and the layer norms' epsilon are read from the folder.
A fusion model is taken as it treats clips of up to one window: longer ones are heard in chunks, never fused at random places.
"""

import re
from pathlib import Path

import torch

from . import tokens
from .htsat import Shape
from .laion import AUDIO_NAMES, OTHER_NAMES, Profile, build
from .refusal import Refused, Weights
from .system import System


def load(folder: Path, tokenizer: str | None = None) -> System:
    from transformers import ClapFeatureExtractor, ClapModel

    if not (folder / "config.json").is_file():
        raise Refused(f"`{folder}` holds no config.json: expected a folder that `save_pretrained` wrote")
    try:
        model = ClapModel.from_pretrained(folder).eval()
        extractor = ClapFeatureExtractor.from_pretrained(folder)
    except (OSError, ValueError, RuntimeError) as error:
        raise Refused(f"`{folder}` is no ClapModel that `transformers` reads: {str(error).splitlines()[0]}") from error
    audio, text = model.config.audio_config, model.config.text_config
    if audio.projection_hidden_act != "relu" or text.projection_hidden_act != "relu":
        raise Refused(f"projections with `{audio.projection_hidden_act}` are not known: expected `relu`")
    weights = Weights(original_names(model.state_dict()), folder.name)
    shape = Shape(weights, "audio_branch.", image=audio.spec_size)
    if extractor.truncation != "fusion":
        extractor.truncation = "rand_trunc"
    profile = Profile(
        sample_rate=extractor.sampling_rate,
        samples=int(extractor.nb_max_samples),
        n_fft=extractor.fft_window_size,
        hop=extractor.hop_length,
        fmin=float(extractor.frequency_min),
        fmax=float(extractor.frequency_max),
        heads=text.num_attention_heads,
        eps=text.layer_norm_eps,
        htk=extractor.truncation == "fusion",
        quantize="none",
    )
    if extractor.padding != "repeatpad":
        raise Refused(f"its preprocessor pads by `{extractor.padding}`: expected `repeatpad`")
    system = build(weights, shape, profile, tokens.load(tokenizer or str(folder)), lambda: (model, extractor), "consistent")
    system.source = folder / "config.json"
    system.licence = licence_of(folder)
    system.notice = f"Weights: the ClapModel of the folder {folder.name}."
    fused = "with fusion; clips longer than a window are heard in chunks, not fused" if audio.enable_fusion else "without fusion"
    system.found.insert(0, f"ClapModel {fused}, {profile.sample_rate} Hz, {profile.samples / profile.sample_rate:g} s")
    return system


def licence_of(folder: Path) -> str:
    """What the model card (README.md) beside the weights says in its head."""
    card = folder / "README.md"
    head = card.read_text(encoding="utf-8", errors="replace").split("---")[1:2] if card.is_file() else []
    found = re.search(r"^license:\s*(\S+)", head[0], re.MULTILINE) if head else None
    return f"{found[1]} (by the model card)" if found else "not stated in the folder: see the model card of whoever published it"


def original_names(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """`transformers`' names back into LAION's."""
    out = {}
    for key, tensor in tensors.items():
        name = key
        # Backwards, since `attention.output.dense` holds `output.dense`.
        rules = AUDIO_NAMES if key.startswith("audio_model.") else OTHER_NAMES
        for old, new in sorted(rules, key=lambda rule: -len(rule[1])):
            name = name.replace(new, old)
        out[name] = tensor
    for key in [k for k in out if ".attn.query." in k]:
        parts = [out.pop(key.replace("query", part)) for part in ("query", "key", "value")]
        out[key.replace("query", "qkv")] = torch.cat(parts)
    return out
