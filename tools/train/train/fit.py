"""Stage `fit`: train the fusion, the branch, musicnn's middle and both projections.

Loss: symmetric InfoNCE with all true captions of a batch as positives; the fourteen
prompts against each other for clips of the fourteen targets; the program from the
pre-joint vector. The weights kept are a running mean over the last steps' weights.
"""

import copy
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from . import evaluate, musicnn
from .captions import Captions, build
from .data import Features, Sampler
from .instruments import ALIKE, PROGRAMS, TARGETS
from .model import TwoTowers


@dataclass
class Settings:
    name: str
    sources: tuple[str, ...]
    branch: bool = False
    tune_middle: bool = False
    steps: int = 3000
    batch: int = 96
    rate: float = 2e-3
    middle_rate: float = 1e-4
    decay: float = 0.02
    mix: float = 0.3  # share of clips blended with another clip of the same program
    extra_captions: int = 128
    dropout: float = 0.2
    seed: int = 0
    validation: tuple[str, ...] = ("timgm-plain", "timgm")


# What made the bundled weights.
FINAL = Settings(
    "v3", ("fluid", "musescore", "freepats", "sections"),
    branch=True, steps=1500, batch=64, mix=0.2, dropout=0.1, seed=1,
)  # fmt: skip


def soft_targets(logits: torch.Tensor, fits: torch.Tensor) -> torch.Tensor:
    """Cross-entropy with the mass spread evenly over what fits; rows without any are left out."""
    count = fits.sum(1)
    keep = count > 0
    loss = -(F.log_softmax(logits, 1) * fits).sum(1)[keep] / count[keep]
    return loss.mean()


def mask_log(rng: np.random.Generator, log: torch.Tensor) -> torch.Tensor:
    """Changes that the second branch must bear: bands or frames gone, another level."""
    log = log.clone()
    for i in range(len(log)):
        log[i] = (log[i] + float(rng.normal(0, 0.04))).clamp(0, 1)
        if rng.random() < 0.4:
            f = int(rng.integers(0, 100))
            log[i, f : f + int(rng.integers(2, 12))] = 0
        if rng.random() < 0.4:
            t = int(rng.integers(0, 80))
            log[i, :, t : t + int(rng.integers(2, 25))] = 0
        shift = int(rng.integers(-1, 2))
        if shift:
            log[i] = torch.roll(log[i], shift, 0)
    return log


class Trainer:
    def __init__(self, settings: Settings, work: Path, musicnn_folder: Path):
        self.s = settings
        torch.manual_seed(settings.seed)
        torch.set_num_threads(1)  # two would wait for each other on a busy machine
        self.work = work
        self.captions: Captions = build()
        self.texts = torch.from_numpy(np.load(work / "text.npy"))
        self.eval_texts = torch.from_numpy(np.load(work / "text_eval.npy"))
        self.model = TwoTowers(musicnn.checkpoint(musicnn_folder), PROGRAMS, settings.branch, settings.dropout)
        self.mean = None
        self.train = [Features(n, work) for n in settings.sources]
        self.held = [Features(n, work) for n in settings.validation]
        if not settings.tune_middle:
            for source in self.train + self.held:
                source.pool(self.model.audio.middle)
        self.sampler = Sampler(self.train, settings.seed)
        self.by_program = [np.flatnonzero(self.captions.programs[:, p]) for p in range(PROGRAMS)]
        # captions about one program weigh more than "played loudly" when one is drawn
        breadth = self.captions.programs.sum(1)
        self.weight = [1 / breadth[c] / (1 / breadth[c]).sum() for c in self.by_program]
        self.prompts = [np.array(self.captions.prompts[t]) for t in TARGETS]
        self.target_index = {p: i for i, p in enumerate(TARGETS.values())}
        self.target_index |= {p: list(TARGETS).index(t) for p, t in ALIKE.items()}

    def optimiser(self):
        audio = self.model.audio
        middle = list(audio.middle.parameters())
        ids = {id(p) for p in middle}
        rest = [p for p in self.model.parameters() if id(p) not in ids]
        for p in middle:
            p.requires_grad_(self.s.tune_middle)
        groups = [{"params": rest, "lr": self.s.rate, "weight_decay": self.s.decay}]
        if self.s.tune_middle:
            groups.append({"params": middle, "lr": self.s.middle_rate, "weight_decay": 0.0})
        return torch.optim.AdamW(groups, betas=(0.9, 0.98))

    def inputs(self):
        s, rng = self.s, self.sampler.rng
        chosen = self.sampler.draw(s.batch)
        parts, log, meta = self.sampler.gather(chosen, not s.tune_middle)
        if s.mix:  # a clip half way between two of one program, mostly of two sources
            some = np.flatnonzero(rng.random(s.batch) < s.mix)
            if len(some):
                others = [self.sampler.of_program(int(meta["program"][i])) for i in some]
                parts2, log2, _ = self.sampler.gather(others, not s.tune_middle)
                share = torch.from_numpy(rng.uniform(0.3, 1, len(some)).astype(np.float32))
                for a, b in zip((*parts, log), (*parts2, log2)):
                    w = share.view(-1, *[1] * (a.dim() - 1))
                    a[some] = w * a[some] + (1 - w) * b
        return parts, mask_log(rng, log) if s.branch else log, meta

    def pick_captions(self, meta: np.ndarray) -> np.ndarray:
        rng, out = self.sampler.rng, []
        for m in meta:
            target = self.target_index.get(int(m["program"]))
            if target is not None and rng.random() < 0.4:
                out.append(int(rng.choice(self.prompts[target])))
                continue
            while True:
                c = int(rng.choice(self.by_program[m["program"]], p=self.weight[m["program"]]))
                if self.captions.fits(np.array([m], meta.dtype), np.array([c]))[0, 0]:
                    out.append(c)
                    break
        extra = rng.integers(0, len(self.captions.texts), self.s.extra_captions)
        return np.unique(np.concatenate([out, extra]))

    def audio(self, model: TwoTowers, parts, log):
        if self.s.tune_middle:
            return model.audio(*parts, log)
        return model.audio.join((parts[0][:, :1506], parts[0][:, 1506:]), log)

    def step(self) -> torch.Tensor:
        parts, log, meta = self.inputs()
        chosen = self.pick_captions(meta)
        prompts = np.array([self.sampler.rng.choice(p) for p in self.prompts])
        pre, joint = self.audio(self.model, parts, log)
        joint = F.normalize(joint, dim=1)
        text = self.model.embed_text(self.texts[np.concatenate([chosen, prompts])])
        scale = self.model.scale.exp().clamp(max=60)
        logits = scale * joint @ text.T
        fits = torch.from_numpy(self.captions.fits(meta, chosen)).float()
        contrast = logits[:, : len(chosen)]
        loss = 0.5 * (soft_targets(contrast, fits) + soft_targets(contrast.T, fits.T))
        target = np.array([self.target_index.get(int(p), -1) for p in meta["program"]])
        of = torch.from_numpy(np.flatnonzero(target >= 0))
        loss = loss + 0.5 * F.cross_entropy(
            logits[of][:, len(chosen) :], torch.from_numpy(target[target >= 0]), label_smoothing=0.05
        )
        program = torch.from_numpy(meta["program"].astype(np.int64))
        return loss + 0.3 * F.cross_entropy(self.model.classes(pre), program, label_smoothing=0.1)

    def run(self) -> None:
        s = self.s
        optimiser = self.optimiser()
        rates = [g["lr"] for g in optimiser.param_groups]
        self.mean = copy.deepcopy(self.model).requires_grad_(False)
        started, total = time.time(), 0.0
        for step in range(s.steps):
            self.model.train()
            self.model.audio.middle.eval()
            progress = step / s.steps
            for group, rate in zip(optimiser.param_groups, rates):
                group["lr"] = rate * min(1, step / 100) * 0.5 * (1 + np.cos(np.pi * progress))
            loss = self.step()
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 5)
            optimiser.step()
            total += loss.item()
            keep = min(0.997, step / (step + 20))
            with torch.no_grad():
                for a, b in zip(self.mean.state_dict().values(), self.model.state_dict().values()):
                    if a.dtype.is_floating_point:
                        a.mul_(keep).add_(b, alpha=1 - keep)
                    else:
                        a.copy_(b)
            if (step + 1) % max(250, s.steps // 12) == 0 or step + 1 == s.steps:
                n = max(250, s.steps // 12)
                print(f"{s.name} step {step + 1} loss {total / n:.3f} {time.time() - started:.0f} s", flush=True)
                total = 0.0
                for line in self.report():
                    print("   " + line, flush=True)
                self.save()

    def save(self) -> None:
        folder = self.work / "models"
        folder.mkdir(exist_ok=True)
        torch.save({"settings": asdict(self.s), "state": self.mean.state_dict()}, folder / f"{self.s.name}.pt")

    def report(self) -> list[str]:
        lines = []
        self.mean.eval()
        sets = list(evaluate.prompt_texts())
        with torch.no_grad():
            texts = [self.mean.embed_text(t).numpy() for t in self.eval_texts]
            for source in self.held:
                rows = source.rows[(source.labels[source.rows] >= 0) & (source.meta["kind"][source.rows] <= 1)]
                pres, joints = [], []
                for at in range(0, len(rows), 64):
                    r = rows[at : at + 64]
                    log = torch.from_numpy(np.asarray(source.log[r], np.float32))
                    if self.s.tune_middle:
                        front, weight, _ = source.batch(r)
                        parts = (front, weight)
                    else:
                        parts = (torch.from_numpy(source.pooled[r]),)
                    pre, joint = self.audio(self.mean, parts, log)
                    pres.append(pre.numpy())
                    joints.append(joint.numpy())
                pre, joint, labels = np.concatenate(pres), np.concatenate(joints), source.labels[rows]
                res = {k: evaluate.text_result(joint, t, labels) for k, t in zip(sets, texts)}
                mean = np.mean([res[k].top[0] for k in ("track", "label", "recording", "solo", "other names")])
                r = res["track"]
                hub = max(r.chosen, key=r.chosen.get)
                lines.append(
                    f"{source.name:15} n {len(rows)} track {r.top[0]:.3f} {r.top[1]:.3f} {r.top[2]:.3f} auc {r.auc:.3f} "
                    f"prompts {mean:.3f} def {res['definition'].top[0]:.3f} proto {evaluate.prototype_accuracy(pre, labels):.3f} "
                    f"{evaluate.prototype_accuracy(joint, labels):.3f} hub {hub} {r.chosen[hub]:.2f}"
                )
                self.last = r
        return lines
