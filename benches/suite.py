"""The suite of suite.rs with numpy, scikit-learn and scipy, on the vectors that it wrote; holds the numbers against dyad's.

    python3 -m venv v && v/bin/pip install -r tools/golden/requirements.txt
    cargo bench --bench suite -- 1000 /tmp/suite && v/bin/python benches/suite.py /tmp/suite [resamples]

Written as one would by hand: vectorised, scikit-learn's functions for what it has. Resamples repeat the rows drawn; so many of them
are timed (5 by default, since a thousand take a quarter of an hour) and the time is scaled to a thousand.
"""
import csv
import sys
import time
import warnings
from collections import defaultdict
from pathlib import Path

import numpy as np
import scipy.stats
from sklearn import metrics

# A resample may lack one kind of item.
warnings.filterwarnings("ignore")
folder = Path(sys.argv[1])
RESAMPLES = int(sys.argv[2]) if len(sys.argv) > 2 else 5
COUNTS = [108, 134, 117, 96, 689, 309, 284, 309, 291, 126, 126, 118, 107, 99]
TRUTH = np.repeat(np.arange(14), COUNTS)
K = 10


def load(name, *shape):
    return np.fromfile(folder / name, dtype="<f4").reshape(shape)


clips, pre_joint = load("clips.f32", -1, 512), load("pre_joint.f32", -1, 1024)
norms, prompts = load("norms.f32", -1, 2), load("prompts.f32", -1, 14, 512)
pre_joint_texts = load("pre_joint_texts.f32", -1, 768)


def classification(scores, truth):
    labels, guess = np.arange(scores.shape[1]), scores.argmax(1)
    own = truth[:, None] == labels
    both = own.any(0) & ~own.all(0)
    out = {f"top{m}": metrics.top_k_accuracy_score(truth, scores, k=m, labels=labels) for m in range(1, 6)}
    out["f1_weighted"] = metrics.f1_score(truth, guess, average="weighted", zero_division=0)
    out["f1_macro"] = metrics.f1_score(truth, guess, average="macro", zero_division=0)
    out["balanced_accuracy"] = metrics.balanced_accuracy_score(truth, guess)
    out["roc_auc"] = np.mean(metrics.roc_auc_score(own[:, both], scores[:, both], average=None))
    out["pr_auc"] = np.mean(metrics.average_precision_score(own[:, both], scores[:, both], average=None))
    return out


def tables(scores, truth):
    guess = scores.argmax(1)
    return metrics.precision_recall_fscore_support(truth, guess, zero_division=0), metrics.confusion_matrix(truth, guess)


def pairs(scores, truth):
    own = truth[:, None] == np.arange(scores.shape[1])
    pos, neg = scores[own], scores[~own]
    edges = np.linspace(-1, 1, 201)
    p, q = np.histogram(pos, edges)[0] / len(pos), np.histogram(neg, edges)[0] / len(neg)
    return {"positive_mean": pos.mean(dtype=float), "negative_mean": neg.mean(dtype=float), "overlap": np.minimum(p, q).sum(),
            "pair_roc_auc": metrics.roc_auc_score(own.ravel(), scores.ravel())}


def margins(scores, truth):
    best = np.partition(scores.astype(float), -2, axis=1)[:, -2:]
    margin, right = best[:, 1] - best[:, 0], scores.argmax(1) == truth
    return {"margin_mean": margin.mean(), "margin_median": np.median(margin), "margin_roc_auc": metrics.roc_auc_score(right, margin)}


def sensitivity(all_scores, truth):
    of = [classification(s, truth) for s in all_scores]
    guesses = np.array([s.argmax(1) for s in all_scores[:6]])
    same = np.array([(guesses == c).sum(0) for c in range(14)])
    out = {}
    for name in ["top1", "f1_macro", "roc_auc"]:
        values = np.array([o[name] for o in of[:6]])
        out |= {f"{name}_mean": values.mean(), f"{name}_spread": values.max() - values.min()}
        if name == "top1":
            out |= {"top1_best": values.max(), "top1_worst": values.min(), "top1_sd": values.std(ddof=1)}
    right = (guesses == truth).sum(0)
    out["agreement"] = ((same * (same - 1)).sum(0) / 30).mean()
    out["unanimous"] = (same == 6).any(0).mean()
    out["undecided"] = ((0 < right) & (right < 6)).mean()
    recalls = np.array([[metrics.recall_score(truth, g, average=None, labels=np.arange(14), zero_division=0)] for g in guesses])
    return out | {"_": recalls.max(0) - recalls.min(0)}


def prototypes(vectors, norm, truth):
    raw = vectors.astype(float) * norm[:, None]
    own = np.eye(14)[truth]
    sums, counts = own.T @ raw, own.sum(0)
    scores = raw @ (sums / np.linalg.norm(sums, axis=1)[:, None]).T
    without = sums[truth] - raw
    scores[np.arange(len(truth)), truth] = (raw * without).sum(1) / np.linalg.norm(without, axis=1)
    return (scores / np.linalg.norm(raw, axis=1)[:, None]).astype(np.float32)


def retrieval(scores, relevant):
    order = np.argsort(-scores, axis=1, kind="stable")
    ranked = np.take_along_axis(relevant, order, axis=1)
    first = ranked.argmax(1) + 1
    hits = ranked.cumsum(1) / np.arange(1, ranked.shape[1] + 1)
    return {"r_at_1": (first <= 1).mean(), "r_at_5": (first <= 5).mean(), "r_at_10": (first <= 10).mean(),
            "map": ((hits * ranked).sum(1) / ranked.sum(1)).mean(), "mrr": (1 / first).mean(), "median_rank": np.median(first),
            "ndcg_at_10": metrics.ndcg_score(relevant.astype(int), scores, k=10)}


def gap(clips, texts):
    clips, texts = clips.astype(float), texts.astype(float)

    def cone(x):
        n, s = len(x), x.sum(0)
        return (s @ s - (x * x).sum()) / (n * (n - 1))

    a, b = clips.mean(0), texts.mean(0)
    return {"gap": np.linalg.norm(a - b), "audio_cone": cone(clips), "text_cone": cone(texts), "cross_cosine": a @ b}


def unit_centred(x):
    x = x - x.mean(0)
    return x / np.linalg.norm(x, axis=1)[:, None]


def csls(scores):
    top = np.partition(scores, max(len(scores) - K, 0), axis=0)[max(len(scores) - K, 0):]
    near = np.where(np.isfinite(top), top, 0).sum(0) / np.isfinite(top).sum(0)
    return (scores - near / 2) / 1.5


def hubs(scores, k):
    near = np.argpartition(-scores, k - 1, axis=1)[:, :k]
    counts = np.bincount(near.ravel(), minlength=scores.shape[1])
    return {"skewness": scipy.stats.skew(counts), "orphans": (counts == 0).mean(), "_": counts}


def triplets(vectors):
    """The strict triplets of TinySOL's labels, by the distances as released (−1 is unrelated), as in protocols.md."""
    paths = [line.split("/") for line in PATHS]
    far = np.full((14, 14), np.inf)
    for i, a in enumerate(paths):
        for j, b in enumerate(paths):
            shared = next((n for n, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
            if shared > 1:
                far[i, j] = len(a) + len(b) - 2 * shared
    cosines = vectors @ vectors.T
    a, p, n = np.nonzero((far[:, :, None] < far[:, None, :]) & ~np.eye(14, dtype=bool)[:, :, None] & ~np.eye(14, dtype=bool)[:, None, :])
    return {"accuracy": (cosines[a, p] > cosines[a, n]).mean()}


def paths():
    import json
    tree = json.load(open(Path(__file__).parent.parent / "ontology" / "hdio.json"))["tree"]
    found = {}

    def walk(node, above):
        for item in node if isinstance(node, list) else [node]:
            for name, below in ({item: []} if isinstance(item, str) else item).items():
                found[name] = f"{above}/{name}".strip("/")
                walk(below or [], f"{above}/{name}")

    walk(tree, "")
    names = "tuba french_horn trombone trumpet accordion contrabass violin viola violoncello bassoon clarinet flute oboe saxophone"
    return [found[name] for name in names.split()]


PATHS = paths()
spent, resampled, values = defaultdict(float), defaultdict(float), {}


def timed(part, into, work):
    start = time.process_time()
    result = work()
    into[part] += time.process_time() - start
    return result


def record(part, of, numbers):
    values.update({(part, of, name): value for name, value in numbers.items() if name != "_"})


def main():
    scores = timed("cosines", spent, lambda: [clips @ p.T for p in prompts])
    own = {name: timed("prototypes", spent, lambda v=v, n=n: prototypes(v, n, TRUTH))
           for name, v, n in [("joint", clips, norms[:, 0]), ("pre-joint", pre_joint, norms[:, 1])]}
    for i, s in enumerate(scores):
        for part, measure in [("classify", classification), ("similarity", pairs), ("margin", margins)]:
            found = timed(part, spent, lambda: measure(s, TRUTH))
            if i == 0:
                record(part, "prompt", found)
        timed("classify", spent, lambda: tables(s, TRUTH))
    record("sensitivity", "all prompts", timed("sensitivity", spent, lambda: sensitivity(scores, TRUTH)))
    for name, s in own.items():
        for measure in [classification, pairs, margins]:
            record("prototypes", name, timed("prototypes", spent, lambda: measure(s, TRUTH)))
    for name, texts in [("joint", prompts[0]), ("pre-joint", pre_joint_texts)]:
        record("triplets", name, timed("triplets", spent, lambda: triplets(texts)))
    relevant = TRUTH[:, None] == np.arange(14)
    record("retrieve", "clips for labels", timed("retrieve", spent, lambda: retrieval(scores[0].T, relevant.T)))
    record("retrieve", "labels for clips", timed("retrieve", spent, lambda: retrieval(scores[0], relevant)))
    record("gap", "prompt 0", timed("gap", spent, lambda: gap(clips, prompts[0])))

    def hubness():
        c, t = unit_centred(clips), unit_centred(prompts[0])
        both, both_c = clips @ clips.T, c @ c.T
        np.fill_diagonal(both, -np.inf)
        np.fill_diagonal(both_c, -np.inf)
        sides = [(prompts[0] @ clips.T, t @ c.T, K), (both, both_c, K), (scores[0], c @ t.T, 1)]
        return [[hubs(s, k) for s in (plain, centred, csls(plain))] for plain, centred, k in sides]

    found = timed("hubness", spent, hubness)
    for name, side in zip(["text_audio", "audio_audio", "audio_text"], found):
        record("hubness", name, side[0])

    random = np.random.default_rng(0)
    for _ in range(RESAMPLES):
        draw = np.sort(random.integers(0, len(TRUTH), len(TRUTH)))
        truth = TRUTH[draw]
        for s in scores:
            for part, measure in [("classify", classification), ("similarity", pairs), ("margin", margins)]:
                timed(part, resampled, lambda: measure(s[draw], truth))
        timed("sensitivity", resampled, lambda: sensitivity([s[draw] for s in scores], truth))
        for s in own.values():
            for measure in [classification, pairs, margins]:
                timed("prototypes", resampled, lambda: measure(s[draw], truth))
        timed("retrieve", resampled, lambda: retrieval(scores[0][draw], relevant[draw]))
        timed("gap", resampled, lambda: gap(clips[draw], prompts[0]))
        counts = [one["_"] for side in found for one in side]
        timed("hubness", resampled, lambda: [(scipy.stats.skew(c[random.integers(0, len(c), len(c))]), c.mean()) for c in counts])

    dyad, rows = {}, csv.DictReader(open(folder / "dyad.csv"))
    for row in rows:
        dyad.setdefault((row["part"], row["of"], row["name"]), []).append(float(row["value"]))
    worst, compared = 0.0, 0
    for key, value in values.items():
        # Of the three corrections of a direction the first is the plain one.
        own_value = dyad[key][0]
        worst, compared = max(worst, abs(own_value - value)), compared + 1
        if abs(own_value - value) > 2e-3:
            print(f"differs: {key} dyad {own_value} scikit-learn {value}")
    print(f"{compared} numbers compared, largest difference {worst:.1e} (cosines are float32 products on both sides)")

    times = {row["part"]: row for row in csv.DictReader(open(folder / "dyad_times.csv"))}
    print(f"{'':12} {'numbers, ms':>24} {'1000 resamples, s':>30}\n{'':12} {'Python':>10} {'dyad':>8}       {'Python':>10} {'dyad':>8}")
    for part in spent:
        a, b = spent[part] * 1e3, float(times[part]["numbers_ms"])
        c, d = resampled[part] * 1000 / RESAMPLES, float(times[part]["bootstrap_ms"]) / 1e3
        again = f"{c:10.1f} {d:8.2f} {c / d:6.0f}×" if c > 0 and d > 0 else ""
        print(f"{part:12} {a:10.1f} {b:8.1f} {a / b:5.1f}× {again}")
    total, boot = sum(spent.values()) * 1e3, sum(resampled.values()) * 1000 / RESAMPLES
    own_total, own_boot = float(times["processor"]["numbers_ms"]), float(times["processor"]["bootstrap_ms"]) / 1e3
    print(f"processor    {total:10.1f} {own_total:8.1f} {total / own_total:5.1f}× {boot:10.1f} {own_boot:8.2f} {boot / own_boot:6.0f}×")


main()
