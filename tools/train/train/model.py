"""The trained part: musicnn's middle, the second branch, fusion and both projections."""

import itertools
import math
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from . import musicnn
from .musicnn import POOLED
from .spectral import BANDS, LogSpectrogram

PRE, JOINT = 384, 128


class Branch(nn.Module):
    """A small CNN on the log-frequency spectrogram -> 256 numbers.

    Frequency is pooled late and only in part: where a partial lies matters."""

    def __init__(self, width: int = 12):
        super().__init__()
        c = [1, width, 2 * width, 4 * width, 6 * width]
        self.convs = nn.ModuleList(
            nn.Sequential(nn.Conv2d(a, b, 3, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU())
            for a, b in itertools.pairwise(c)
        )
        rows = BANDS // 16
        self.out = nn.Sequential(nn.Linear(2 * c[-1] * rows, 256, bias=False), nn.BatchNorm1d(256), nn.ReLU())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x[:, None]
        for k, conv in enumerate(self.convs):
            y = conv(y)
            # bands 112 -> 56 -> 28 -> 14 -> 7; frames 94 -> 47 -> 23 -> 11 (-> 11)
            y = F.max_pool2d(y, (2, 2) if k < 3 else (2, 1))
        return self.out(torch.cat([y.mean(3), y.amax(3)], 1).flatten(1))


class AudioTower(nn.Module):
    """From the fixed layers' output to (pre_joint, joint)."""

    def __init__(self, weights: dict[str, np.ndarray], branch: bool, dropout: float = 0.2):
        super().__init__()
        self.middle = musicnn.Middle(weights)
        self.branch = Branch() if branch else None
        width = POOLED + 200 + (256 if branch else 0)
        self.dropout = nn.Dropout(dropout)
        self.fuse = nn.Linear(width, PRE, bias=False)
        self.norm = nn.BatchNorm1d(PRE)
        self.project = nn.Linear(PRE, JOINT)

    def forward(self, front: torch.Tensor, weight: torch.Tensor, log: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.join(self.middle(front, weight), log)

    def join(self, musicnn_parts, log: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        parts = list(musicnn_parts)
        if self.training:  # feature noise: no single number may be relied on
            parts = [p + 0.2 * torch.randn_like(p) for p in parts]
        if self.branch is not None:
            parts.append(self.branch(log))
        pre = F.relu(self.norm(self.fuse(self.dropout(torch.cat(parts, 1)))))
        return pre, self.project(pre)


class TwoTowers(nn.Module):
    def __init__(self, weights: dict[str, np.ndarray], programs: int, branch: bool, dropout: float = 0.2):
        super().__init__()
        self.audio = AudioTower(weights, branch, dropout)
        self.text = nn.Linear(384, JOINT)
        self.scale = nn.Parameter(torch.tensor(float(np.log(20))))
        self.classes = nn.Linear(PRE, programs)  # only for training

    def embed_text(self, vectors: torch.Tensor) -> torch.Tensor:
        return F.normalize(self.text(F.normalize(vectors, dim=1)), dim=1)


QUIET = 1e-3  # peak, -60 dBFS


class Whole(nn.Module):
    """What is exported: waveform -> pre_joint, joint.

    Several members (towers of the same kind, trained from different seeds) stand side by
    side on the same fixed layers: their vectors are concatenated, so that the cosine in
    the joint space is the mean of the members' cosines.

    Both outputs are scaled down, by at most 100, where a window's peak is under -60 dBFS:
    in the mean over a file's windows, a silent tail then weighs next to nothing.
    Directions do not change."""

    def __init__(self, front: nn.Module, log: nn.Module, members: list[AudioTower]):
        super().__init__()
        self.front, self.log, self.members = front, log, nn.ModuleList(members)
        self.share = all(_same(m.middle, members[0].middle) for m in members)

    def forward(self, waveform: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        front, weight = self.front(waveform)
        log = self.log(waveform) if self.members[0].branch is not None else None
        shared = self.members[0].middle(front, weight) if self.share else None
        pres, joints = [], []
        for member in self.members:
            pre, joint = member.join(shared or member.middle(front, weight), log)
            pres.append(pre)
            joints.append(joint / (torch.sqrt((joint * joint).sum(1, keepdim=True)) + 1e-12))
        loud = (waveform.abs().amax(1, keepdim=True) * (1 / QUIET)).clamp(0.01, 1)
        joint = torch.cat(joints, 1) * (1 / math.sqrt(len(joints)))
        return torch.cat(pres, 1) * loud, joint * loud


def _same(a: nn.Module, b: nn.Module) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values()))


def whole(musicnn_folder: Path, members: list[AudioTower]) -> Whole:
    return Whole(musicnn.Front(musicnn.checkpoint(musicnn_folder)), LogSpectrogram(), members).eval()
