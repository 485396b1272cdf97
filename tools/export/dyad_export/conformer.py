"""MuQ's listener: two residual convolutions over the spectrogram, then a conformer with rotary positions.

    [batch, frames, mels] ─ conv ÷2 ─ conv ÷2 ─ linear ─ [batch, frames / 4, width] ─ conformer blocks ─ norm
      MuQ: 1000 × 128                                     250 × 1024                  12

The names of the modules are the checkpoint's, so that its tensors go in as they are.
Sources: Zhu et al. 2025 (MuQ), whose conformer is Wav2Vec2-Conformer's (Gulati et al. 2020; rotary positions, Su et al. 2021).
"""

import torch
from torch import nn

from .refusal import Refused, Weights


class Residual(nn.Module):
    """Halves both sides of an image."""

    def __init__(self, inner: int, outer: int):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inner, outer, 3, padding=1, stride=2), nn.BatchNorm2d(outer)
        self.conv2, self.bn2 = nn.Conv2d(outer, outer, 3, padding=1), nn.BatchNorm2d(outer)
        self.conv3, self.bn3 = nn.Conv2d(inner, outer, 3, padding=1, stride=2), nn.BatchNorm2d(outer)

    def forward(self, x):
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(self.bn3(self.conv3(x)) + y)


class Subsampling(nn.Module):
    """[batch, frames, mels] → [batch, frames / 4, width]"""

    def __init__(self, weights: Weights, prefix: str):
        super().__init__()
        wide = weights.get(f"{prefix}conv.0.conv1.weight").shape[0]
        self.width, flat = weights.get(f"{prefix}linear.weight").shape
        self.flat, self.mels = flat, flat // wide * 4
        self.conv = nn.Sequential(Residual(1, wide), Residual(wide, wide))
        self.linear = nn.Linear(flat, self.width)
        weights.fill(self, {key: prefix + key for key in self.state_dict()})

    def forward(self, mel):
        x = self.conv(mel.transpose(1, 2).unsqueeze(1))
        return self.linear(x.permute(0, 3, 1, 2).flatten(2))


class FeedForward(nn.Module):
    def __init__(self, width: int, inner: int):
        super().__init__()
        self.intermediate_dense, self.output_dense = nn.Linear(width, inner), nn.Linear(inner, width)

    def forward(self, x):
        return self.output_dense(nn.functional.silu(self.intermediate_dense(x)))


class Convolution(nn.Module):
    def __init__(self, width: int, taps: int):
        super().__init__()
        self.layer_norm, self.batch_norm = nn.LayerNorm(width), nn.BatchNorm1d(width)
        self.pointwise_conv1 = nn.Conv1d(width, 2 * width, 1, bias=False)
        self.depthwise_conv = nn.Conv1d(width, width, taps, padding=taps // 2, groups=width, bias=False)
        self.pointwise_conv2 = nn.Conv1d(width, width, 1, bias=False)

    def forward(self, x):
        y, gate = self.pointwise_conv1(self.layer_norm(x).transpose(1, 2)).chunk(2, 1)
        y = self.batch_norm(self.depthwise_conv(y * torch.sigmoid(gate)))
        return self.pointwise_conv2(nn.functional.silu(y)).transpose(1, 2)


class Attention(nn.Module):
    """Turns what the queries and keys are made of by its place; what the values are made of stays."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.width, self.heads, self.size = width, heads, width // heads
        self.linear_q, self.linear_k, self.linear_v = (nn.Linear(width, width) for _ in range(3))
        self.linear_out = nn.Linear(width, width)

    def forward(self, x, cos, sin):
        steps, half = cos.shape[0], self.size // 2
        y = x.reshape(-1, steps, self.heads, self.size)
        turned = torch.cat((-y[..., half:], y[..., :half]), -1)
        turned = (y * cos[:, None] + turned * sin[:, None]).reshape(-1, steps, self.width)

        def split(z):
            return z.reshape(-1, steps, self.heads, self.size).transpose(1, 2)

        q, k, v = split(self.linear_q(turned)), split(self.linear_k(turned)), split(self.linear_v(x))
        scores = (q @ k.transpose(-1, -2) * self.size**-0.5).softmax(-1)
        return self.linear_out((scores @ v).transpose(1, 2).reshape(-1, steps, self.width))


class Block(nn.Module):
    def __init__(self, width: int, heads: int, inner: int, taps: int):
        super().__init__()
        self.ffn1_layer_norm, self.ffn1 = nn.LayerNorm(width), FeedForward(width, inner)
        self.self_attn_layer_norm, self.self_attn = nn.LayerNorm(width), Attention(width, heads)
        self.conv_module = Convolution(width, taps)
        self.ffn2_layer_norm, self.ffn2 = nn.LayerNorm(width), FeedForward(width, inner)
        self.final_layer_norm = nn.LayerNorm(width)

    def forward(self, x, cos, sin):
        x = x + 0.5 * self.ffn1(self.ffn1_layer_norm(x))
        x = x + self.self_attn(self.self_attn_layer_norm(x), cos, sin)
        x = x + self.conv_module(x)
        return self.final_layer_norm(x + 0.5 * self.ffn2(self.ffn2_layer_norm(x)))


class Conformer(nn.Module):
    """[batch, steps, width] → the same; `heads` is read from the rotary table where the checkpoint has it."""

    def __init__(self, weights: Weights, prefix: str, steps: int, heads: int | None):
        super().__init__()
        first = f"{prefix}layers.0."
        if f"{first}self_attn.linear_pos.weight" in weights:
            raise Refused(f"`{weights.name}` has relative positions in its conformer: expected rotary ones")
        inner, self.width = weights.get(f"{first}ffn1.intermediate_dense.weight").shape
        self.taps = weights.get(f"{first}conv_module.depthwise_conv.weight").shape[-1]
        table = f"{prefix}embed_positions.inv_freq"
        if table in weights:
            heads = self.width // (2 * len(weights.get(table)))
        self.heads = heads or self.width // 64
        depth = weights.count(prefix + "layers.{}.")
        self.layers = nn.ModuleList(Block(self.width, self.heads, inner, self.taps) for _ in range(depth))
        self.layer_norm = nn.LayerNorm(self.width)
        weights.fill(self, {key: prefix + key for key in self.state_dict()})
        size = self.width // self.heads
        speeds = 1.0 / (10_000.0 ** (torch.arange(0, size, 2).float() / size))
        angles = torch.arange(steps).float()[:, None] * speeds[None, :]
        angles = torch.cat((angles, angles), -1)
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)

    def __str__(self):
        inner = self.layers[0].ffn1.intermediate_dense.out_features
        return f"{len(self.layers)} blocks of width {self.width}, {self.heads} heads, {inner} inside, {self.taps} taps"

    def forward(self, x):
        for block in self.layers:
            x = block(x, self.cos, self.sin)
        return self.layer_norm(x)
