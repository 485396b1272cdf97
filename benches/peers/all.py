"""The whole matrix of peers.py, the most telling parts first, until the time is up.

    V/bin/python benches/peers/all.py --dyad target/release/deps/peers-… --out /tmp/peers.jsonl --minutes 40
    V/bin/python benches/peers/tables.py /tmp/peers.jsonl --machine avx512 --write docs/performance.md

A part that would not fit into what is left of the time is left out (and said to be); one that takes twice its time is ended, and
what it had measured is kept. Parts that are in the file whole are not measured again. `--small` runs all on few rows, to try it.
"""

import argparse
import json
import os
import subprocess
import sys
import time

CURVE = "16,24,32,48,64,96,128,192,256,384,512"

# Seconds that a part takes on two idle cores, rows, numbers a row, set, threads, and what differs from the usual.
PARTS = [
    # A recall of 0.99 takes 1,536 here.
    (400, 100_000, 512, "hard", 1, {"peers": "hnswlib,faiss,usearch f32", "exact": "dyad f32,faiss,numpy,sqlite-vec,lancedb flat",
                                    "ef": "32,64,128,256,384,512,768,1024,1536,2048"}),
    (300, 100_000, 512, "easy", 1, {"peers": "hnswlib,faiss,usearch f32", "exact": "dyad f32,faiss,numpy"}),
    *[(60, 10_000, dim, kind, 1, {"peers": "hnswlib,faiss,usearch f32"}) for dim in (512, 128, 1024) for kind in ("hard", "easy")],
    (130, 100_000, 512, "hard", 2, {"peers": "hnswlib,faiss", "exact": "faiss", "ef": "64,128,256,512,1024", "parts": "search,batch"}),
    (600, 1_000_000, 512, "easy", 2, {"peers": "hnswlib", "ef": "16,32,64,128,256,512", "limit": "4", "parts": "open,search,filter",
                                      "rounds": "1"}),
    (110, 100_000, 128, "hard", 1, {"peers": "hnswlib,faiss"}),
    (280, 100_000, 1024, "hard", 1, {"peers": "hnswlib,faiss"}),
    (80, 100_000, 128, "easy", 1, {"peers": "hnswlib,faiss"}),
]


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--dyad", required=True)
    options.add_argument("--out", required=True)
    options.add_argument("--minutes", type=float, default=40)
    options.add_argument("--small", action="store_true", help="a fiftieth of the rows")
    args = options.parse_args()
    end = time.monotonic() + 60 * args.minutes
    done = set()
    for line in map(json.loads, open(args.out) if os.path.exists(args.out) else []):
        if line["measure"] == "done":
            done.add((line["rows"], line["dim"], line["set"], line["threads"]))
    for seconds, rows, dim, kind, threads, rest in PARTS:
        rows, seconds = (rows // 50, seconds / 10) if args.small else (rows, seconds)
        name = f"{rows} x {dim}, {kind}, {threads} threads"
        left = end - time.monotonic()
        if (rows, dim, kind, threads) in done:
            continue
        if seconds > left:
            print(f"left out for want of time: {name}", flush=True)
            continue
        start = time.monotonic()
        rest = {"exact": "dyad f32,faiss,numpy", "ef": CURVE, "seconds": "0.3", **rest}
        command = [sys.executable, os.path.join(os.path.dirname(__file__), "peers.py"), "--dyad", args.dyad, "--out", args.out,
                   "--rows", str(rows), "--dim", str(dim), "--set", kind, "--threads", str(threads)]
        command += [word for key, value in rest.items() for word in (f"--{key}", value)]
        # One thread is one thread for numpy and faiss, too.
        several = {f"{library}_NUM_THREADS": str(threads) for library in ("OMP", "OPENBLAS", "MKL")}
        try:
            ended = subprocess.run(command, env={**os.environ, **several}, stdout=subprocess.DEVNULL,
                                   timeout=min(2 * seconds + 30, max(left, 30))).returncode
        except subprocess.TimeoutExpired:
            ended = "out of time"
        if ended == 0:
            with open(args.out, "a") as out:
                out.write(json.dumps({"rows": rows, "dim": dim, "set": kind, "threads": threads, "measure": "done"}) + "\n")
        print(f"{name}: {time.monotonic() - start:.0f} s{'' if ended == 0 else f', ended early: {ended}'}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
