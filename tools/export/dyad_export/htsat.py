"""HTS-AT, the audio encoder of LAION-CLAP and MS-CLAP 2023: a Swin transformer over a log-mel image.

    [batch, frames, mels] ─ batch norm ─ stretch to mels·r² frames ─ fold to a square ─ patches ─ stages ─ mean
      LAION: 1001 × 64        → 1024 × 64                            → 256 × 256      → 64²    → 8² × 768 or 1024

Every reshape has −1 for the batch and fixed numbers elsewhere, so that the graph holds at any batch size.
Sources: Chen et al. 2022 (HTS-AT); the names and shapes of the released checkpoints.
"""

import torch
from torch import nn

from .frontend import cubic_taps
from .refusal import Refused, Weights


class Shape:
    """The sizes of one HTS-AT, read from its weights."""

    def __init__(self, weights: Weights, prefix: str, image: int | None = None):
        self.embed = weights.get(f"{prefix}patch_embed.proj.weight").shape[0]
        self.patch = weights.get(f"{prefix}patch_embed.proj.weight").shape[-1]
        self.mels = weights.get(f"{prefix}bn0.weight").shape[0]
        stages = weights.count(prefix + "layers.{}.blocks.")
        self.depths = [weights.count(f"{prefix}layers.{i}.blocks." + "{}.") for i in range(stages)]
        tables = [
            weights.get(f"{prefix}layers.{i}.blocks.0.attn.relative_position_bias_table").shape for i in range(stages)
        ]
        self.heads = [shape[1] for shape in tables]
        self.window = (int(tables[0][0] ** 0.5) + 1) // 2
        shifted = f"{prefix}layers.0.blocks.1.attn_mask"
        if image is None:
            if shifted not in weights:
                raise Refused(f"`{weights.name}` has no tensor `{shifted}`, which tells the size of the spectrogram's image")
            image = int(weights.get(shifted).shape[0] ** 0.5 + 0.5) * self.window * self.patch
        self.image, self.side = image, image // self.patch
        if self.image % self.mels:
            raise Refused(f"an image of {self.image} is no multiple of {self.mels} mel bands")
        self.fold = self.image // self.mels
        self.out = self.embed * 2 ** (stages - 1)

    def __str__(self):
        known = {(96, (2, 2, 6, 2)): "HTSAT-tiny", (128, (2, 2, 12, 2)): "HTSAT-base", (256, (2, 2, 12, 2)): "HTSAT-large"}
        name = known.get((self.embed, tuple(self.depths)), "HTSAT of its own size")
        return f"{name}: width {self.embed}, depths {self.depths}, heads {self.heads}, {self.mels} mel bands → {self.out}"


def windows(x, side: int, size: int):
    """[batch, side², c] → [batch · (side / size)², size², c]"""
    n, c = side // size, x.shape[-1]
    return x.reshape(-1, n, size, n, size, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, size * size, c)


def unwindow(x, side: int, size: int):
    n, c = side // size, x.shape[-1]
    return x.reshape(-1, n, n, size, size, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, side, side, c)


class Block(nn.Module):
    def __init__(self, dim: int, heads: int, side: int, window: int, shift: int):
        super().__init__()
        if side <= window:
            window, shift = side, 0
        self.dim, self.heads, self.side, self.window, self.shift = dim, heads, side, window, shift
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.fc1, self.fc2 = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)
        self.register_buffer("table", torch.zeros((2 * window - 1) ** 2, heads))

    def bias(self):
        """What is added to the scores, [1 or windows, heads, n, n]: relative position, and −100 across a cut."""
        w = self.window
        at = torch.stack(torch.meshgrid(torch.arange(w), torch.arange(w), indexing="ij")).reshape(2, -1)
        apart = at[:, :, None] - at[:, None, :] + w - 1
        bias = self.table[apart[0] * (2 * w - 1) + apart[1]].permute(2, 0, 1)[None]
        if self.shift:
            line = torch.arange(self.side)
            part = (line >= self.side - w).long() + (line >= self.side - self.shift).long()
            region = windows((part[:, None] * 3 + part[None, :]).reshape(1, -1, 1), self.side, w)[..., 0]
            bias = bias + -100.0 * (region[:, None, :, None] != region[:, None, None, :]).float()
        return bias

    def forward(self, x, bias):
        side, w, h = self.side, self.window, self.heads
        y = self.norm1(x)
        if self.shift:
            y = y.reshape(-1, side, side, self.dim).roll((-self.shift, -self.shift), (1, 2)).reshape(-1, side * side, self.dim)
        y = windows(y, side, w)
        q, k, v = self.qkv(y).reshape(-1, w * w, 3, h, self.dim // h).permute(2, 0, 3, 1, 4).unbind(0)
        scores = (q * (self.dim // h) ** -0.5) @ k.transpose(-1, -2)
        if bias.shape[0] > 1:
            scores = (scores.reshape(-1, bias.shape[0], h, w * w, w * w) + bias).reshape(-1, h, w * w, w * w)
        else:
            scores = scores + bias
        y = (scores.softmax(-1) @ v).transpose(1, 2).reshape(-1, w * w, self.dim)
        y = unwindow(self.proj(y), side, w)
        if self.shift:
            y = y.roll((self.shift, self.shift), (1, 2))
        x = x + y.reshape(-1, side * side, self.dim)
        return x + self.fc2(nn.functional.gelu(self.fc1(self.norm2(x))))


class Merge(nn.Module):
    """Four neighbours become one token of twice the width."""

    def __init__(self, dim: int, side: int):
        super().__init__()
        self.dim, self.side = dim, side
        self.norm, self.reduction = nn.LayerNorm(4 * dim), nn.Linear(4 * dim, 2 * dim, bias=False)

    def forward(self, x):
        half = self.side // 2
        # The order of the four: down first, then right.
        x = x.reshape(-1, half, 2, half, 2, self.dim).permute(0, 1, 3, 4, 2, 5).reshape(-1, half * half, 4 * self.dim)
        return self.reduction(self.norm(x))


class HTSAT(nn.Module):
    """[batch, frames, mels] in dB → [batch, width · 2^(stages − 1)]."""

    def __init__(self, shape: Shape, frames: int):
        super().__init__()
        self.shape = shape
        target = shape.mels * shape.fold * shape.fold
        if frames > target:
            raise Refused(f"a window has {frames} frames: expected at most {target}")
        index, taps = cubic_taps(frames, target) if frames < target else (None, None)
        self.register_buffer("index", index, persistent=False)
        self.register_buffer("taps", taps, persistent=False)
        self.norm0 = nn.BatchNorm1d(shape.mels)
        self.patches = nn.Conv2d(1, shape.embed, shape.patch, stride=shape.patch)
        self.norm1 = nn.LayerNorm(shape.embed)
        self.blocks, self.merges = nn.ModuleList(), nn.ModuleList()
        for i, (depth, heads) in enumerate(zip(shape.depths, shape.heads)):
            side, dim = shape.side >> i, shape.embed << i
            shifts = [0 if j % 2 == 0 else shape.window // 2 for j in range(depth)]
            self.blocks.append(nn.ModuleList(Block(dim, heads, side, shape.window, shift) for shift in shifts))
            if i + 1 < len(shape.depths):
                self.merges.append(Merge(dim, side))
        self.norm = nn.LayerNorm(shape.out)

    def load(self, weights: Weights, prefix: str) -> None:
        names = {"norm1.weight": "patch_embed.norm.weight", "norm1.bias": "patch_embed.norm.bias"}
        inner = {"qkv": "attn.qkv", "proj": "attn.proj", "fc1": "mlp.fc1", "fc2": "mlp.fc2"}
        for key in self.state_dict():
            parts = key.split(".")
            if parts[0] == "norm0":
                names[key] = "bn0." + parts[1]
            elif parts[0] == "patches":
                names[key] = "patch_embed.proj." + parts[1]
            elif parts[0] == "blocks":
                rest = "attn.relative_position_bias_table" if parts[3] == "table" else inner.get(parts[3], parts[3])
                names[key] = ".".join([f"layers.{parts[1]}.blocks.{parts[2]}", rest, *parts[4:]])
            elif parts[0] == "merges":
                names[key] = ".".join([f"layers.{parts[1]}.downsample", *parts[2:]])
        weights.fill(self, {key: prefix + names.get(key, key) for key in self.state_dict()})
        for block in (block for stage in self.blocks for block in stage):
            block.fixed = block.bias()

    def forward(self, mel):
        x = self.norm0(mel.transpose(1, 2)).transpose(1, 2)
        if self.index is not None:
            x = sum(x[:, self.index[k]] * self.taps[k][None, :, None] for k in range(4))
        return self.after_stretch(x)

    def after_stretch(self, x):
        """From the normed spectrogram, as many frames as the image takes."""
        s = self.shape
        # Strips of the spectrogram, one below the other.
        x = x.reshape(-1, s.fold, s.image, s.mels).permute(0, 1, 3, 2).reshape(-1, 1, s.image, s.image)
        x = self.norm1(self.patches(x).flatten(2).transpose(1, 2))
        for i, stage in enumerate(self.blocks):
            for block in stage:
                x = block(x, block.fixed)
            if i < len(self.merges):
                x = self.merges[i](x)
        return self.norm(x).mean(1)
