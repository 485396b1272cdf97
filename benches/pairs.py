"""`similarity` and `retrieve` with numpy and scikit-learn: writes a seeded set, says how dyad takes it in, and times Python.

    v/bin/python benches/pairs.py FOLDER [clips] [labels] [resamples]         # 1000 1000 3; numpy and scikit-learn as in tools/golden

Written as one would by hand: one product, `roc_auc_score` over all pairs, histograms; a resample draws clips and does it again. So
many resamples are timed, and scaled to a thousand; with 0 only retrieval, both ways, is measured: one product, then the ranks of the
labels of each clip by counting, and those of the clips of each label by sorting.
"""
import sys
import time
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

folder = Path(sys.argv[1])
n, k, resamples = [int(word) for word in sys.argv[2:5]] + [1000, 1000, 3][len(sys.argv) - 2 :]
folder.mkdir(parents=True, exist_ok=True)
random = np.random.default_rng(7)
centres = random.standard_normal((k, 128)).astype("f4")
centres /= np.linalg.norm(centres, axis=1, keepdims=True)
truth = random.permutation(np.arange(n) % k)
clips = (centres[truth] + 0.35 * random.standard_normal((n, 128))).astype("f4")
texts = (centres + 0.1 * random.standard_normal((k, 128))).astype("f4")
np.save(folder / "clips.npy", clips)
np.save(folder / "texts.npy", texts)
(folder / "labels.csv").write_text("id,label\n" + "".join(f"c{i},l{label:04d}\n" for i, label in enumerate(truth)))
(folder / "labels.txt").write_text("".join(f"l{i:04d}\n" for i in range(k)))


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def measure(scores, own):
    positive, negative = scores[own], scores[~own]
    edges = np.linspace(-1, 1, 201)
    p, q = np.histogram(positive, edges)[0] / positive.size, np.histogram(negative, edges)[0] / negative.size
    return roc_auc_score(own.ravel(), scores.ravel()), np.minimum(p, q).sum(), positive.mean(), negative.mean()


def retrieval(ranks):
    """R@1, 5, 10, mAP, MRR, the median rank and nDCG@10 of queries with the ranks, from 1 and rising, of what is relevant to each."""
    first = np.array([of[0] for of in ranks])
    precision = [(np.arange(1, len(of) + 1) / of).mean() for of in ranks]
    best = np.cumsum(1 / np.log2(np.arange(2, 12)))
    gain = [(1 / np.log2(1 + of[of <= 10])).sum() / best[min(len(of), 10) - 1] for of in ranks]
    return [(first <= at).mean() for at in (1, 5, 10)] + [np.mean(precision), (1 / first).mean(), np.median(first), np.mean(gain)]


start = time.process_time()
scores = unit(clips) @ unit(texts).T
product = time.process_time() - start
if resamples:
    start = time.process_time()
    own = truth[:, None] == np.arange(k)
    found = measure(scores, own)
    once = product + time.process_time() - start
    start = time.process_time()
    for _ in range(resamples):
        drawn = random.integers(0, n, n)
        measure(scores[drawn], own[drawn])
    each = (time.process_time() - start) / resamples
    print(f"pair_roc_auc {found[0]:.4f}, overlap {found[1]:.4f}, means {found[2]:.4f} {found[3]:.4f}")
    print(f"once {once:.2f} s of processor, a resample {each:.2f} s, 1,000 of them {1000 * each:.0f} s")
start = time.process_time()
of_labels = retrieval((1 + (scores > scores[np.arange(n), truth][:, None]).sum(1))[:, None])
labels_took = product + time.process_time() - start
start = time.process_time()
columns = np.ascontiguousarray(scores.T)
of_clips = retrieval([1 + np.flatnonzero(truth[np.argsort(-columns[label], kind="stable")] == label) for label in range(k)])
clips_took = product + time.process_time() - start
for what, took, found in (("labels for clips", labels_took, of_labels), ("clips for labels", clips_took, of_clips)):
    named = zip(("r_at_1", "r_at_5", "r_at_10", "map", "mrr", "median_rank", "ndcg_at_10"), found)
    print(f"retrieve {what}: {took:.2f} s of processor;", ", ".join(f"{name} {value:.4f}" for name, value in named))
print(f"""dyad --store S import npy {folder}/clips.npy --collection big --model m --space joint --modality audio --labels {folder}/labels.csv
dyad --store S import npy {folder}/texts.npy --collection words --model m --space joint --modality text --labels {folder}/labels.txt --prompt "A <> track"
time dyad --store S -c 'similarity clips in big where prompt="A <> track"'
time dyad --store S -c 'retrieve labels for clips in big where prompt="A <> track"'
time dyad --store S -c 'retrieve clips for labels in big where prompt="A <> track"'""")
