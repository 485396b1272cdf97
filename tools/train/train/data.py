"""Clips as the trained part sees them: features of several sources, and a sampler."""

from pathlib import Path

import numpy as np
import torch

from .evaluate import labels_of
from .instruments import NEIGHBOURS, TARGET_PROGRAMS


class Features:
    """Features and meta of one source. Rows not computed yet are left out."""

    def __init__(self, name: str, work: Path):
        self.name = name
        folder = work / "features"
        self.front = np.load(folder / f"{name}.front.npy", mmap_mode="r")
        self.weight = np.load(folder / f"{name}.weight.npy", mmap_mode="r")
        self.log = np.load(folder / f"{name}.log.npy", mmap_mode="r")
        self.meta = np.load(work / "clips" / f"{name}.meta.npy")
        self.rows = np.flatnonzero(np.asarray(self.weight[:, 0]).max(1) > 0)
        self.labels = labels_of(self.meta)
        self.cache = folder / f"{name}.pooled.npy"
        self.pooled: np.ndarray | None = None

    def batch(self, rows: np.ndarray) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        return tuple(torch.from_numpy(np.asarray(a[rows], np.float32)) for a in (self.front, self.weight, self.log))

    def pool(self, middle) -> None:
        """What a frozen middle makes of the rows: kept instead of the front features."""
        if self.cache.exists():
            self.pooled = np.load(self.cache)
            return
        self.pooled = np.zeros((len(self.meta), 1706), np.float32)
        middle.eval()
        with torch.no_grad():
            for at in range(0, len(self.rows), 64):
                rows = self.rows[at : at + 64]
                front, weight, _ = self.batch(rows)
                self.pooled[rows] = torch.cat(middle(front, weight), 1).numpy()
        np.save(self.cache, self.pooled)


class Sampler:
    """Balanced batches: sources alike; targets, neighbours and the rest by fixed
    shares; programs of one kind alike."""

    SHARES = ((TARGET_PROGRAMS, 0.6), (NEIGHBOURS, 0.17), (None, 0.23))

    def __init__(self, sources: list[Features], seed: int):
        self.sources = sources
        self.rng = np.random.default_rng(seed)
        known = set(TARGET_PROGRAMS) | set(NEIGHBOURS)
        self.index: dict[int, list[tuple[int, np.ndarray]]] = {}
        for s, source in enumerate(sources):
            programs = source.meta["program"][source.rows]
            for p in np.unique(programs):
                self.index.setdefault(int(p), []).append((s, source.rows[programs == p]))
        self.groups = [
            ([p for p in (group or self.index) if p in self.index and (group or p not in known)], share)
            for group, share in self.SHARES
        ]

    def draw(self, size: int) -> list[tuple[int, int]]:
        """(source, row) of each clip."""
        out = []
        for group in self.rng.choice(len(self.groups), size, p=[g[1] for g in self.groups]):
            programs = self.groups[group][0]
            out.append(self.of_program(programs[self.rng.integers(len(programs))]))
        return out

    def of_program(self, program: int) -> tuple[int, int]:
        places = self.index[program]
        source, rows = places[self.rng.integers(len(places))]
        return source, int(rows[self.rng.integers(len(rows))])

    def gather(self, chosen: list[tuple[int, int]], pooled: bool):
        """Features of the chosen clips, in order, and their meta."""
        meta = np.array([self.sources[s].meta[r] for s, r in chosen])
        if pooled:
            parts = (torch.from_numpy(np.stack([self.sources[s].pooled[r] for s, r in chosen])),)
        else:
            parts = (
                torch.from_numpy(np.stack([self.sources[s].front[r] for s, r in chosen])).float(),
                torch.from_numpy(np.stack([self.sources[s].weight[r] for s, r in chosen])).float(),
            )
        log = torch.from_numpy(np.stack([self.sources[s].log[r] for s, r in chosen])).float()
        return parts, log, meta
