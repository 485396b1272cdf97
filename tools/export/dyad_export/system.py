"""What a family makes of a checkpoint: two towers as torch modules, and everything that the manifest says of them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from tokenizers import Tokenizer


@dataclass
class Audio:
    """`module`: waveform f32 [batch, samples] → (pre-joint, joint). The keys are those of `[audio]` in model.toml."""

    module: torch.nn.Module
    sample_rate: int
    samples: int
    quantize: str = "none"
    short: str = "zero"
    long: str = "chunks"
    tail: str = "last-aligned"
    hop: int | None = None
    max_batch: int = 8
    norms: tuple[str, str] = ("none", "none")
    # Another implementation of the network behind the same front end; waveform → (pre-joint, joint).
    reference: Callable | None = None
    # A second length that the graph must hold at, where it takes windows shorter than `samples`.
    other_length: int | None = None


@dataclass
class Text:
    """`module`: ids (and mask) i64 [batch, tokens] → (pre-joint, joint). The keys are those of `[text]`."""

    module: torch.nn.Module
    tokenizer: Tokenizer
    max_tokens: int
    pad_id: int
    template: str = "{}"
    has_mask: bool = True
    max_batch: int | None = None
    norms: tuple[str, str] = ("none", "none")
    reference: Callable | None = None


@dataclass
class System:
    audio: Audio
    text: Text
    source: Path
    licence: str
    # Sentences for NOTICE: whose weights these are, and under which terms.
    notice: str
    # What was found in the checkpoint, printed line by line.
    found: list[str] = field(default_factory=list)
