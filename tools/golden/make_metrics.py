"""Writes tests/golden/metrics.json: inputs and what scikit-learn, scipy and numpy say of them.

    python3 -m venv v && v/bin/pip install -r tools/golden/requirements.txt
    v/bin/python tools/golden/make_metrics.py > tests/golden/metrics.json

Scores are integers over `scale`, a power of two, so that they are the same numbers in f32 and in f64. null is undefined.
Weights repeat items: the weighted figures are scikit-learn's on the repeated rows.
The rule of ties is dyad's own. It is put to scikit-learn by lowering each item's true class (each query's relevant
candidates) by half a step, which turns exactly the ties into losses.
"""
import json
import math
import sys
import warnings

import numpy as np
import scipy.stats
from sklearn import metrics

warnings.filterwarnings("ignore")
SCALE = 65536


def number(x):
    x = float(x)
    return x if math.isfinite(x) else None


def mean(values):
    values = [v for v in values if not math.isnan(v)]
    return np.mean(values) if values else math.nan


def lowered(ints, positive):
    """Doubled, so that half a step is a whole number."""
    return 2 * ints - positive


def classification(ints, truth):
    n, k = ints.shape
    own = np.zeros((n, k), dtype=int)
    own[np.arange(n), truth] = 1
    strict = lowered(ints, own)
    predicted = strict.argmax(axis=1)
    roc, ap = [], []
    for c in range(k):
        both = 0 < own[:, c].sum() < n
        roc.append(metrics.roc_auc_score(own[:, c], ints[:, c]) if both else math.nan)
        ap.append(metrics.average_precision_score(own[:, c], ints[:, c]) if both else math.nan)
    out = {}
    for m in range(1, 6):
        if k > 2 and m < k:
            top = metrics.top_k_accuracy_score(truth, strict, k=m, labels=np.arange(k))
        else:
            at_or_above = (ints >= ints[np.arange(n), truth][:, None]).sum(axis=1) - 1
            top = np.mean(at_or_above < m)
        out[f"top{m}"] = number(top)
    out["f1_weighted"] = number(metrics.f1_score(truth, predicted, average="weighted", zero_division=0))
    out["f1_macro"] = number(metrics.f1_score(truth, predicted, average="macro", zero_division=0))
    out["balanced_accuracy"] = number(metrics.balanced_accuracy_score(truth, predicted))
    out["roc_auc"] = number(mean(roc))
    out["pr_auc"] = number(mean(ap))
    p, r, f, s = metrics.precision_recall_fscore_support(truth, predicted, labels=np.arange(k), zero_division=0)
    classes = {
        "precision": [number(x) for x in p],
        "recall": [number(x) for x in r],
        "f1": [number(x) for x in f],
        "support": [int(x) for x in s],
        "roc_auc": [number(x) for x in roc],
        "average_precision": [number(x) for x in ap],
    }
    confusion = metrics.confusion_matrix(truth, predicted, labels=np.arange(k)).tolist()
    return out, classes, confusion, predicted.tolist()


def pairs(ints, truth):
    n, k = ints.shape
    own = np.zeros((n, k), dtype=bool)
    own[np.arange(n), truth] = True
    scores = ints / SCALE
    pos, neg = scores[own], scores[~own]
    edges = np.linspace(-1, 1, 201)
    p, q = np.histogram(pos, edges)[0], np.histogram(neg, edges)[0]
    out = {
        "positive_mean": number(pos.mean()),
        "negative_mean": number(neg.mean()),
        "overlap": number(np.minimum(p / p.sum(), q / q.sum()).sum()),
        "pair_roc_auc": number(metrics.roc_auc_score(own.ravel(), scores.ravel())),
    }
    best = np.sort(scores, axis=1)
    margin = best[:, -1] - best[:, -2]
    out["margin_mean"] = number(margin.mean())
    out["margin_median"] = number(np.median(margin))
    right = pos > np.where(own, -np.inf, scores).max(axis=1)
    both = 0 < right.sum() < n
    out["margin_roc_auc"] = number(metrics.roc_auc_score(right, margin)) if both else None
    return out, {"positive": distribution(pos), "negative": distribution(neg), "margin": distribution(margin)}


def distribution(x):
    return {
        "count": len(x),
        "mean": number(x.mean()),
        "sd": number(np.std(x, ddof=1)),
        "min": number(x.min()),
        "max": number(x.max()),
        "quantiles": [number(v) for v in np.quantile(x, [0.05, 0.25, 0.5, 0.75, 0.95])],
    }


def retrieval(ints, relevant):
    queries = []
    for row, rel in zip(ints, relevant):
        if not rel.any():
            continue
        # A strict order (all scores distinct) by dyad's rule, then scikit-learn on it.
        order = np.lexsort((rel, -row))
        strict = np.empty(len(row))
        strict[order] = np.arange(len(row), 0, -1)
        first = int(np.flatnonzero(rel[order])[0]) + 1
        ndcg = metrics.ndcg_score([rel.astype(int)], [strict], k=10) if len(row) > 1 else 1.0
        queries.append((first, metrics.average_precision_score(rel, strict), ndcg))
    first, ap, ndcg = map(np.array, zip(*queries))
    return {
        "r_at_1": number(np.mean(first <= 1)),
        "r_at_5": number(np.mean(first <= 5)),
        "r_at_10": number(np.mean(first <= 10)),
        "map": number(ap.mean()),
        "mrr": number(np.mean(1 / first)),
        "median_rank": number(np.median(first)),
        "ndcg_at_10": number(ndcg.mean()),
    }


def multilabel(ints, known):
    """Several classes an item: 1 has it, 0 has it not, -1 unknown; each class on the items of which it is known."""
    n, k = ints.shape
    classes = {"present": [], "absent": [], "roc_auc": [], "average_precision": []}
    for c in range(k):
        there = known[:, c] >= 0
        truth, scores = known[there, c], ints[there, c]
        both = 0 < truth.sum() < len(truth)
        classes["present"].append(int(truth.sum()))
        classes["absent"].append(int(len(truth) - truth.sum()))
        classes["roc_auc"].append(metrics.roc_auc_score(truth, scores) if both else math.nan)
        classes["average_precision"].append(metrics.average_precision_score(truth, scores) if both else math.nan)
    # The best class that an item has stands for it; its other classes and the unknown ones go below everything.
    out, floor = {}, -16 * SCALE
    some = (known == 1).any(axis=1)
    rows, kinds = ints[some], known[some]
    best = np.where(kinds == 1, rows, floor).argmax(axis=1)
    strict = np.where(kinds == 0, 2 * rows, floor)
    strict[np.arange(len(rows)), best] = 2 * rows[np.arange(len(rows)), best] - 1
    for m in range(1, 6):
        if k > 2 and m < k:
            top = metrics.top_k_accuracy_score(best, strict, k=m, labels=np.arange(k))
        else:
            top = np.mean((strict > strict[np.arange(len(rows)), best][:, None]).sum(axis=1) < m)
        out[f"top{m}"] = number(top)
    out["roc_auc"], out["pr_auc"] = number(mean(classes["roc_auc"])), number(mean(classes["average_precision"]))
    has, count = (kinds == 1).sum(axis=1), (kinds >= 0).sum(axis=1)
    chance = {f"top{m}": number(np.mean(1 - scipy.stats.hypergeom.pmf(0, count, has, np.minimum(m, count)))) for m in range(1, 6)}
    chance["roc_auc"] = 0.5
    shares = [p / (p + a) if p and a else math.nan for p, a in zip(classes["present"], classes["absent"])]
    chance["pr_auc"] = number(mean(shares))
    return out, {name: [number(v) for v in values] for name, values in classes.items()}, chance, int((~some).sum())


def multilabel_cases(rng):
    def draw(n, k, steps):
        return rng.integers(-steps, steps + 1, size=(n, k)) * (SCALE // steps)

    def kinds(n, k, present, unknown):
        known = (rng.random((n, k)) < present).astype(int)
        known[rng.random((n, k)) < unknown] = -1
        known[0, 0] = 1
        return known

    yield "all known", draw(80, 9, SCALE), kinds(80, 9, 0.3, 0)
    yield "much unknown, as in OpenMIC", draw(90, 20, SCALE), kinds(90, 20, 0.5, 0.85)
    yield "heavily tied", draw(70, 8, 2), kinds(70, 8, 0.35, 0.3)
    yield "all equal", np.zeros((25, 6), dtype=int), kinds(25, 6, 0.3, 0.2)
    yield "items without a class", draw(60, 7, 4), kinds(60, 7, 0.08, 0.2)
    lacking = kinds(50, 6, 0.4, 0.2)
    lacking[:, 2] = np.where(lacking[:, 2] == 1, 0, lacking[:, 2])
    lacking[:, 3] = np.where(lacking[:, 3] == 0, 1, lacking[:, 3])
    lacking[:, 4] = -1
    yield "a class without positives, one without negatives, one unknown", draw(50, 6, 8), lacking
    yield "one item", draw(1, 6, SCALE), np.array([[1, 0, -1, 1, 0, 0]])
    yield "one class", draw(20, 1, 3), kinds(20, 1, 0.4, 0.2)
    yield "two classes", draw(40, 2, 2), kinds(40, 2, 0.5, 0.2)


def classification_cases(rng):
    def draw(n, k, steps):
        return rng.integers(-steps, steps + 1, size=(n, k)) * (SCALE // steps)

    yield "random", draw(120, 14, SCALE), rng.integers(0, 14, 120)
    yield "random, uneven classes", draw(90, 7, SCALE), np.minimum(rng.geometric(0.4, 90) - 1, 6)
    yield "two classes", draw(40, 2, SCALE), rng.integers(0, 2, 40)
    yield "heavily tied", draw(100, 8, 2), rng.integers(0, 8, 100)
    yield "tied, three levels, two classes", draw(50, 2, 1), rng.integers(0, 2, 50)
    yield "all equal", np.zeros((30, 5), dtype=int), rng.integers(0, 5, 30)
    yield "classes absent from truth", draw(50, 9, 4), rng.choice([1, 4, 5], 50)
    yield "one class only", draw(20, 4, 8), np.full(20, 2)
    yield "one item", draw(1, 6, SCALE), np.array([3])
    yield "one item a class", draw(6, 6, 3), np.arange(6)
    truth = rng.integers(0, 6, 48)
    good = draw(48, 6, SCALE) // 4
    good[np.arange(48), truth] += 40000
    yield "perfect", good, truth
    yield "worst", -good, truth
    informed = draw(150, 10, 16) // 2
    truth = rng.integers(0, 10, 150)
    informed[np.arange(150), truth] += 12288
    yield "informed and tied", informed, truth


def main():
    rng = np.random.default_rng(20240721)
    golden = {"made_by": "tools/golden/make_metrics.py", "scale": SCALE, "classification": [], "retrieval": []}
    for name, ints, truth in classification_cases(rng):
        n, k = ints.shape
        weights = rng.integers(0, 4, n) if n > 1 else np.array([3])
        expected, classes, confusion, predicted = classification(ints, truth)
        weighted = classification(np.repeat(ints, weights, axis=0), np.repeat(truth, weights))[0]
        pair, distributions = pairs(ints, truth)
        weighted.update(pairs(np.repeat(ints, weights, axis=0), np.repeat(truth, weights))[0])
        golden["classification"].append({
            "name": name, "n": n, "k": k, "scores": ints.ravel().tolist(), "truth": truth.tolist(), "weights": weights.tolist(),
            "expected": expected | pair, "weighted": weighted, "classes": classes, "confusion": confusion,
            "predicted": predicted, "distributions": distributions,
        })
    shapes = [("labels for clips", 60, 14, SCALE, None), ("clips for labels", 9, 80, SCALE, 0.15), ("tied", 25, 30, 3, 0.2),
              ("all equal", 5, 20, None, 0.3), ("some queries without", 30, 12, 5, 0.06), ("one query", 1, 40, SCALE, 0.1)]
    for name, n, k, steps, density in shapes:
        ints = np.zeros((n, k), dtype=int) if steps is None else rng.integers(-steps, steps + 1, (n, k)) * (SCALE // steps)
        relevant = rng.random((n, k)) < (density or 0)
        if density is None:
            relevant[np.arange(n), rng.integers(0, k, n)] = True
        weights = rng.integers(0, 4, n) if n > 1 else np.array([2])
        golden["retrieval"].append({
            "name": name, "n": n, "k": k, "scores": ints.ravel().tolist(), "relevant": relevant.astype(int).ravel().tolist(),
            "weights": weights.tolist(), "expected": retrieval(ints, relevant),
            "weighted": retrieval(np.repeat(ints, weights, axis=0), np.repeat(relevant, weights, axis=0)),
        })
    golden["mcnemar"] = [
        {"only_a": a, "only_b": b, "p": scipy.stats.binomtest(a, a + b, 0.5).pvalue if a + b else 1.0}
        for a, b in [(0, 0), (0, 1), (1, 1), (3, 1), (0, 12), (25, 10), (10, 25), (300, 340), (1000, 1200), (52, 52), (0, 900)]
    ]
    golden["sign_flip"] = []
    for values in [rng.normal(0.4, 1, 12), rng.integers(-2, 3, 12).astype(float), np.full(9, 0.1), np.array([1.0])]:
        test = scipy.stats.permutation_test((values,), np.sum, permutation_type="samples", n_resamples=np.inf) if len(values) > 1 else None
        golden["sign_flip"].append({"differences": values.tolist(), "p": float(test.pvalue) if test else 1.0})
    golden["quantile"] = []
    for values in [rng.normal(size=11), rng.integers(0, 4, 40).astype(float), np.array([2.5]), np.array([1.0, 2.0])]:
        q = [0, 0.025, 0.1, 1 / 3, 0.5, 0.975, 1]
        golden["quantile"].append({"values": np.sort(values).tolist(), "q": q, "expected": np.quantile(values, q).tolist()})
    golden["holm"] = []
    for m in [1, 3, 8]:
        p = rng.random(m) ** 3
        order = np.argsort(p)
        adjusted = np.empty(m)
        adjusted[order] = np.minimum(1, np.maximum.accumulate(p[order] * np.arange(m, 0, -1)))
        golden["holm"].append({"p": p.tolist(), "expected": adjusted.tolist()})
    golden["multilabel"] = []
    for name, ints, known in multilabel_cases(rng):
        n, k = ints.shape
        weights = rng.integers(1, 4, n)
        expected, classes, chance, without = multilabel(ints, known)
        golden["multilabel"].append({
            "name": name, "n": n, "k": k, "scores": ints.ravel().tolist(), "known": known.ravel().tolist(),
            "weights": weights.tolist(), "expected": expected, "classes": classes, "chance": chance, "without": without,
            "weighted": multilabel(np.repeat(ints, weights, axis=0), np.repeat(known, weights, axis=0))[0],
        })
    golden["masked"] = []
    for name, n, k, steps, density, hidden in [("random", 30, 40, SCALE, 0.2, 0.5), ("tied", 25, 30, 3, 0.25, 0.4),
                                               ("mostly hidden", 20, 25, 4, 0.3, 0.9), ("one query", 1, 30, SCALE, 0.2, 0.3)]:
        ints = rng.integers(-steps, steps + 1, (n, k)) * (SCALE // steps)
        hide = rng.random((n, k)) < hidden
        hide[0, 0] = False
        relevant = (rng.random((n, k)) < density) & ~hide
        relevant[0, 0] = True
        weights = rng.integers(1, 4, n)
        rows = [row[~h] for row, h in zip(ints, hide)]
        own = [rel[~h] for rel, h in zip(relevant, hide)]
        golden["masked"].append({
            "name": name, "n": n, "k": k, "scores": ints.ravel().tolist(), "relevant": relevant.astype(int).ravel().tolist(),
            "hidden": hide.astype(int).ravel().tolist(), "weights": weights.tolist(), "expected": retrieval(rows, own),
            "weighted": retrieval(*([x for x, w in zip(xs, weights) for _ in range(w)] for xs in (rows, own))),
        })
    lines = json.dumps(golden, separators=(",", ":")).replace('{"name"', '\n{"name"')
    sys.stdout.write(lines + "\n")


main()
