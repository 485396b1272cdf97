"""What storing vectors as f16 does: to every metric on real vectors, to the disk, and to an import.

    cargo build --release && python3 benches/storage.py target/release/dyad [conformance/ismir2024]

The bundled clips are embedded twice, into a store of f32 and one of f16 (audio before and after the projection, and the texts),
and every evaluating statement runs on both; with the folder of the authors' released text vectors these are imported twice, too.
Of each metric the largest difference over all statements is printed, as a table for docs/performance.md. Python's own library only.
"""

import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from array import array

PROMPT = 'prompt="A <> track"'
# Every statement with metrics, in every space that it has.
DEMO = [
    *[f"classify clips in demo where {PROMPT} top {k}" for k in (1, 3, 5)],
    f"classify clips in demo where {PROMPT} by=class",
    "classify clips in demo where prompts=ismir2024",
    *[f"classify clips in demo using {how} space={s}" for how in ("prototypes", "knn k=5") for s in ("joint", "pre-joint")],
    "sensitivity clips in demo",
    f"similarity clips in demo where {PROMPT}",
    *[f"similarity clips in demo using prototypes space={s}" for s in ("joint", "pre-joint")],
    f"margin clips in demo where {PROMPT}",
    *[f"margin clips in demo using prototypes space={s}" for s in ("joint", "pre-joint")],
    f"retrieve clips for labels in demo where {PROMPT}",
    f"retrieve labels for clips in demo where {PROMPT}",
    *[f"retrieve clips for clips in demo space={s}" for s in ("joint", "pre-joint")],
    *[f"triplets ontology={o} labels=tinysol space={s}" for o in ("hdio", "hornbostel-sachs") for s in ("joint", "pre-joint")],
    "triplets ontology=hdio labels=tinysol convention=released",
    *[f"triplets ontology=hdio space={s}" for s in ("joint", "pre-joint")],
    *[f"triplets ontology=hdio using prototypes in demo space={s}" for s in ("joint", "pre-joint")],
    f"gap clips in demo where {PROMPT}",
    f"hubness clips in demo where {PROMPT}",
]
# Lists in place of metrics: the same hits in the same order?
HITS = [
    *[f'search clips in demo for "{text}" top 10' for text in ("a bright trumpet", "low strings", "a soft flute")],
    *[f'similar clip "{clip}" in demo space={s} top 10' for clip in ("Vn-G4-mf",) for s in ("joint", "pre-joint")],
]
PAPER = {"music_laion_clap": "Music CLAP", "music_speech_laion_clap": "Music/Speech CLAP", "muscall": "MusCALL"}
ROWS, DIM = 100_000, 512


def run(dyad, store, *args):
    done = subprocess.run([dyad, "--store", store, "--quiet", *args], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"dyad {' '.join(args)}\n{done.stderr}")
    return done.stdout


def answers(dyad, store, statements):
    args = [part for statement in statements for part in ("-c", statement)]
    return [json.loads(line) for line in run(dyad, store, "--format", "jsonl", *args).splitlines()]


def demo(dyad, place, storage, repository):
    """The bundled clips in a store of their own; the texts are read by the model, and stored again as they are to be."""
    store = f"{place}/demo-{storage}"
    audio = f"{repository}/data/audio"
    run(dyad, store, "ingest", audio, "--collection", "demo", "--labels", f"{audio}/manifest.csv", "--storage", storage)
    answers(dyad, store, DEMO)
    texts = ["--modality", "text", "--prompt", "<>"]
    for space in ("joint", "pre-joint"):
        run(dyad, store, "export", "jsonl", f"{place}/{space}.jsonl", "--collection", "texts", "--space", space, *texts, "--force")
    run(dyad, store, "collections", "drop", "texts")
    for space in ("joint", "pre-joint"):
        model = ["--model", "musicnn-minilm", "--collection", "texts", "--space", space, "--storage", storage]
        run(dyad, store, "import", "jsonl", f"{place}/{space}.jsonl", *model, *texts)
    return store


def paper(dyad, place, storage, data):
    """The authors' text vectors, each file a space of its own, and the triplets of each."""
    store, statements = f"{place}/paper-{storage}", []
    labels = f"{place}/labels.txt"
    with open(labels, "w") as out:
        out.write("\n".join(TINYSOL))
    for model in PAPER:
        for stage, folder in (("joint", "joint_space"), ("pre-joint", "pre_joint")):
            text = f"{data}/{model}/text/{folder}"
            for name in sorted(os.listdir(text)) if os.path.isdir(text) else []:
                prompt = name.removesuffix(".npy") + " <>"
                args = ["--collection", f"{model}-{storage}", "--model", model, "--space", stage, "--modality", "text"]
                done = subprocess.run(
                    [dyad, "--store", store, "--quiet", "import", "npy", f"{text}/{name}", *args]
                    + ["--labels", labels, "--prompt", prompt, "--storage", storage],
                    capture_output=True,
                )
                if done.returncode:  # Files of four families in place of the fourteen labels.
                    continue
                for convention in ("released", "strict"):
                    where = f'labels=tinysol model={model} space={stage} prompt="{prompt}"'
                    statements.append(f"triplets ontology=hdio {where} convention={convention}")
    return store, statements


# In the column order of the published ground truth.
TINYSOL = (
    "bass tuba,french horn,trombone,trumpet,accordion,contrabass,violin,viola,violoncello,bassoon,clarinet,flute,oboe,alto saxophone"
).split(",")


def differences(plain, half):
    """metric → (largest difference, f32's value, f16's value, statement, how many values)"""
    worst = {}
    for a, b in zip(plain, half, strict=True):
        assert a["statement"] == b["statement"] and a["metrics"].keys() == b["metrics"].keys(), a["statement"]
        for name, old in a["metrics"].items():
            new = b["metrics"][name]
            if old["value"] is None and new["value"] is None:
                continue
            size = abs(old["value"] - new["value"])
            before = worst.get(name, (-1.0, None, None, None, 0))
            entry = (size, old["value"], new["value"], a["statement"]) if size > before[0] else before[:4]
            worst[name] = (*entry, before[4] + 1)
    return worst


def table(title, worst):
    print(f"\n{title}\n\n| metric | values | largest difference | f32 | f16 | in |\n|---|---|---|---|---|---|")
    for name, (size, old, new, statement, count) in worst.items():
        where = statement.replace("|", "\\|") if size else ""
        print(f"| {name} | {count} | {size:.1e} | {old:.6g} | {new:.6g} | {where} |" if size else f"| {name} | {count} | 0 | | | |")


def main():
    dyad = os.path.abspath(sys.argv[1])
    repository = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    with tempfile.TemporaryDirectory() as place:
        stores = [demo(dyad, place, storage, repository) for storage in ("f32", "f16")]
        plain, half = (answers(dyad, store, DEMO) for store in stores)
        table(f"bundled clips, {len(DEMO)} statements", differences(plain, half))
        same = near = 0
        for a, b in zip(*(answers(dyad, store, HITS) for store in stores), strict=True):
            at = a["columns"].index("id")
            ids = [[row[at] for row in answer["rows"]] for answer in (a, b)]
            same += ids[0] == ids[1]
            near += len(set(ids[0]) & set(ids[1])) / len(ids[0])
        print(f"\nhits of search and similar: {same} of {len(HITS)} lists in the same order, {near / len(HITS):.2f} of the hits the same")
        if len(sys.argv) > 2:
            results = []
            for storage in ("f32", "f16"):
                store, statements = paper(dyad, place, storage, sys.argv[2])
                results.append(answers(dyad, store, statements))
            table(f"the authors' released text vectors, {len(statements)} statements", differences(*results))

        numbers = array("f", array("h", random.Random(1).randbytes(2 * ROWS * DIM)))
        header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({ROWS}, {DIM}), }}"
        header += " " * (-(len(header) + 11) % 64) + "\n"
        with open(f"{place}/v.npy", "wb") as out:
            out.write(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode())
            numbers.tofile(out)
        print(f"\nimport of {ROWS:,} × {DIM}\n\n| storage | disk, bytes | of f32's raw vectors | wall, s | processor, s |\n|---|---|---|---|---|")
        for storage in ("f32", "f16", "f32", "f16"):
            store = f"{place}/import-{storage}-{time.monotonic_ns()}"
            before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
            args = ["--collection", "c", "--model", "m", "--space", "joint", "--modality", "audio", "--storage", storage]
            run(dyad, store, "import", "npy", f"{place}/v.npy", *args)
            wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            size = sum(os.path.getsize(os.path.join(at, file)) for at, _, files in os.walk(store) for file in files)
            print(f"| {storage} | {size:,} | {size / (4 * ROWS * DIM):.2f} | {wall:.1f} | {cpu:.1f} |")
            subprocess.run(["rm", "-r", store], check=True)


main()
