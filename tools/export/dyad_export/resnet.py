"""CLIP's modified ResNet over a spectrogram, as MusCALL and TTMR++ use it.

    [batch, 1, mels, frames] ─ stem of three ─ four stages of bottlenecks, average pooling before each stride ─ attention pool

Source: Radford et al. 2021 (CLIP); Manco et al. 2022 (MusCALL); the names of their checkpoints.
"""

import torch
from torch import nn

from .refusal import Refused, Weights


class Bottleneck(nn.Module):
    def __init__(self, inner: int, planes: int, stride: int):
        super().__init__()
        outer = planes * 4
        self.conv1, self.bn1 = nn.Conv2d(inner, planes, 1, bias=False), nn.BatchNorm2d(planes)
        self.conv2, self.bn2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False), nn.BatchNorm2d(planes)
        self.conv3, self.bn3 = nn.Conv2d(planes, outer, 1, bias=False), nn.BatchNorm2d(outer)
        self.pool = nn.AvgPool2d(stride) if stride > 1 else nn.Identity()
        if stride > 1 or inner != outer:
            self.down = nn.ModuleList([nn.Conv2d(inner, outer, 1, bias=False), nn.BatchNorm2d(outer)])
        else:
            self.down = None

    def forward(self, x):
        y = torch.relu(self.bn1(self.conv1(x)))
        y = self.pool(torch.relu(self.bn2(self.conv2(y))))
        y = self.bn3(self.conv3(y))
        if self.down is not None:
            x = self.down[1](self.down[0](self.pool(x)))
        return torch.relu(y + x)


class ResNet(nn.Module):
    """Reads its sizes from `weights`; the pooling is one question, the mean of all places, asked of all of them and itself."""

    def __init__(self, weights: Weights, prefix: str, heads: int, pool: str = "attnpool"):
        super().__init__()
        half = weights.get(f"{prefix}conv1.weight").shape[0]
        width = weights.get(f"{prefix}conv3.weight").shape[0]
        self.conv1, self.bn1 = nn.Conv2d(1, half, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(half)
        self.conv2, self.bn2 = nn.Conv2d(half, half, 3, padding=1, bias=False), nn.BatchNorm2d(half)
        self.conv3, self.bn3 = nn.Conv2d(half, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        self.blocks, inner, names = nn.ModuleList(), width, {}
        self.depths = [weights.count(f"{prefix}layer{i + 1}." + "{}.") for i in range(4)]
        for i, depth in enumerate(self.depths):
            for j in range(depth):
                self.blocks.append(Bottleneck(inner, width << i, 2 if i > 0 and j == 0 else 1))
                names[f"blocks.{len(self.blocks) - 1}."] = f"layer{i + 1}.{j}."
                inner = (width << i) * 4
        if f"{prefix}{pool}.positional_embedding" not in weights:
            raise Refused(f"`{weights.name}` has no attention pooling: expected `{prefix}{pool}.positional_embedding`")
        self.places = nn.Parameter(torch.zeros_like(weights.get(f"{prefix}{pool}.positional_embedding")))
        out = weights.get(f"{prefix}{pool}.c_proj.weight").shape[0]
        self.query, self.key, self.value = (nn.Linear(inner, inner) for _ in range(3))
        self.out, self.heads, self.width = nn.Linear(inner, out), heads, inner
        for own, theirs in (("query", "q"), ("key", "k"), ("value", "v"), ("out", "c")):
            names[f"{own}."] = f"{pool}.{theirs}_proj."
        full = {"places": f"{prefix}{pool}.positional_embedding"}
        for key in self.state_dict():
            for own, theirs in names.items():
                if key.startswith(own):
                    full[key] = prefix + key.replace(own, theirs).replace("down.0.", "downsample.0.").replace("down.1.", "downsample.1.")
            full.setdefault(key, prefix + key)
        weights.fill(self, full)

    def __str__(self):
        return f"ResNet of {self.depths} blocks, {self.width} channels → {self.out.out_features}"

    def forward(self, x):
        for conv, bn in ((self.conv1, self.bn1), (self.conv2, self.bn2), (self.conv3, self.bn3)):
            x = torch.relu(bn(conv(x)))
        x = nn.functional.avg_pool2d(x, 2)
        for block in self.blocks:
            x = block(x)
        x = x.flatten(2).transpose(1, 2)
        # Windows have one length, so the number of places is a constant of the graph.
        size, n = self.width // self.heads, int(x.shape[1]) + 1
        # TTMR++ has one row for all places, by a slip in its sizes.
        if self.places.shape[0] not in (1, n):
            raise Refused(f"a window gives {n - 1} places, the checkpoint has {self.places.shape[0] - 1}: expected its own length")
        x = torch.cat([x.mean(1, keepdim=True), x], 1) + self.places
        q = self.query(x[:, :1]).reshape(-1, 1, self.heads, size).transpose(1, 2)
        k = self.key(x).reshape(-1, n, self.heads, size).permute(0, 2, 3, 1)
        v = self.value(x).reshape(-1, n, self.heads, size).transpose(1, 2)
        y = ((q @ k) * size**-0.5).softmax(-1) @ v
        return self.out(y.reshape(-1, self.width))
