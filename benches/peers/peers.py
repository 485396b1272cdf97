"""dyad beside usearch, hnswlib, faiss, LanceDB, sqlite-vec and numpy: the same vectors, one run, engines taking turns.

    python3 -m venv V && V/bin/pip install -r benches/peers/requirements.txt
    cargo build --release --bench peers          # prints where the program is
    V/bin/python benches/peers/peers.py --dyad target/release/deps/peers-… --rows 100000 --dim 512 --set easy --threads 1 --out results.jsonl

Every engine answers the same queries in several rounds, one engine after the other in each; what is printed is the median of
the rounds, and ratios to dyad are taken within a round. Rates are queries a second *of processor*, so that time that the system
gave to somebody else does not count; with several threads, of all of them together. The peers' own batch calls are used, dyad
is asked one query after the other (but for `batch`).

Sets, seeded: `easy` is 200 clear clusters; `hard` has low contrast: one cloud whose variance falls slowly over all directions.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

K = 10


def make(kind, n, dim, queries, seed):
    rng = np.random.default_rng(seed)
    if kind == "easy":
        centres = rng.standard_normal((200, dim), dtype=np.float32)

        def draw(count):
            return centres[rng.integers(0, 200, count)] + rng.standard_normal((count, dim), dtype=np.float32)
    else:
        spread = (1.0 / np.sqrt(1.0 + np.arange(dim) / 8.0)).astype(np.float32)

        def draw(count):
            return rng.standard_normal((count, dim), dtype=np.float32) * spread

    rows, asked = draw(n), draw(queries)
    for x in (rows, asked):
        x /= np.linalg.norm(x, axis=1, keepdims=True)
    return rows, asked


def truth_of(rows, asked):
    best = []
    for start in range(0, len(asked), 100):
        scores = asked[start:start + 100] @ rows.T
        top = np.argpartition(-scores, K, axis=1)[:, :K]
        best.append(top)
    return np.concatenate(best)


def recall(found, truth):
    return float(np.mean([len(set(f[:K]) & set(t)) / K for f, t in zip(found, truth)]))


def cpu():
    """Seconds of processor of this process, all threads together."""
    return time.process_time()


def timed(job):
    before, start = cpu(), time.perf_counter()
    result = job()
    return result, {"wall": time.perf_counter() - start, "cpu": cpu() - before}


class Dyad:
    name = "dyad"

    def __init__(self, program, folder, threads):
        self.process = subprocess.Popen([program, "serve", str(threads)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.folder, self.threads = folder, threads
        self.ask(f"load {folder}")

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def build(self, rows):
        return self.ask(f"build {self.threads}")

    def search(self, asked, ef, seconds):
        answer = self.ask(f"hnsw {ef} {seconds} {K}")
        return answer["qps"], np.load(answer["ids"])

    def exact(self, asked, seconds):
        answer = self.ask(f"exact {seconds} {K}")
        return answer["qps"], np.load(answer["ids"])

    def batch(self, asked):
        answer = self.ask(f"batch {K}")
        return answer["qps"], np.load(answer["ids"])


def rate(asked, seconds, search):
    """Queries a second of processor, of whole passes."""
    done, start, before = 0, time.perf_counter(), cpu()
    while done == 0 or time.perf_counter() - start < seconds:
        found = search(asked)
        done += len(asked)
    return done / (cpu() - before), found


class Usearch:
    def __init__(self, dtype, threads):
        self.name, self.dtype, self.threads = f"usearch {dtype}", dtype, threads

    def build(self, rows):
        from usearch.index import Index
        self.index = Index(ndim=rows.shape[1], metric="ip", dtype=self.dtype, connectivity=16, expansion_add=200)
        return timed(lambda: self.index.add(np.arange(len(rows)), rows, threads=self.threads))[1]

    def search(self, asked, ef, seconds):
        self.index.expansion_search = ef
        return rate(asked, seconds, lambda q: self.index.search(q, K, threads=self.threads).keys)


class Hnswlib:
    name = "hnswlib"

    def __init__(self, threads):
        self.threads = threads

    def build(self, rows):
        import hnswlib
        self.index = hnswlib.Index(space="ip", dim=rows.shape[1])
        self.index.init_index(max_elements=len(rows), ef_construction=200, M=16)
        return timed(lambda: self.index.add_items(rows, num_threads=self.threads))[1]

    def search(self, asked, ef, seconds):
        self.index.set_ef(ef)
        return rate(asked, seconds, lambda q: self.index.knn_query(q, k=K, num_threads=self.threads)[0])


class Faiss:
    name = "faiss"

    def __init__(self, threads):
        import faiss
        faiss.omp_set_num_threads(threads)
        self.faiss = faiss

    def build(self, rows):
        self.rows = rows
        self.index = self.faiss.IndexHNSWFlat(rows.shape[1], 16, self.faiss.METRIC_INNER_PRODUCT)
        self.index.hnsw.efConstruction = 200
        return timed(lambda: self.index.add(rows))[1]

    def search(self, asked, ef, seconds):
        self.index.hnsw.efSearch = ef
        return rate(asked, seconds, lambda q: self.index.search(q, K)[1])

    def flat(self, rows):
        self.scan = self.faiss.IndexFlatIP(rows.shape[1])
        self.scan.add(rows)

    def exact(self, asked, seconds):
        return rate(asked[:1], seconds, lambda q: self.scan.search(q, K)[1])

    def batch(self, asked):
        return rate(asked, 0, lambda q: self.scan.search(q, K)[1])


class Numpy:
    name = "numpy"

    def __init__(self, rows):
        self.rows = rows

    def exact(self, asked, seconds):
        def one(q):
            scores = self.rows @ q[0]
            top = np.argpartition(-scores, K)[:K]
            return [top[np.argsort(-scores[top])]]
        return rate(asked[:1], seconds, one)


class SqliteVec:
    name = "sqlite-vec"

    def __init__(self, rows):
        # Many Pythons come without loadable extensions; pysqlite3 has them.
        import pysqlite3 as sqlite3
        import sqlite_vec
        self.db = sqlite3.connect(":memory:")
        self.db.enable_load_extension(True)
        sqlite_vec.load(self.db)
        self.db.execute(f"create virtual table v using vec0(e float[{rows.shape[1]}] distance_metric=cosine)")
        self.db.executemany("insert into v(rowid, e) values (?, ?)", ((i + 1, row.tobytes()) for i, row in enumerate(rows)))

    def exact(self, asked, seconds):
        def one(q):
            found = self.db.execute("select rowid from v where e match ? and k = ?", (q[0].tobytes(), K))
            return [[row[0] - 1 for row in found]]
        return rate(asked[:1], seconds, one)


class Lance:
    name = "lancedb flat"

    def __init__(self, rows, folder):
        import lancedb
        import pyarrow as pa
        values = pa.FixedSizeListArray.from_arrays(pa.array(rows.reshape(-1)), rows.shape[1])
        table = pa.table({"id": np.arange(len(rows)), "vector": values})
        self.table = lancedb.connect(str(folder / "lance")).create_table("v", table, mode="overwrite")

    def exact(self, asked, seconds):
        def one(q):
            return [[row["id"] for row in self.table.search(q[0]).metric("cosine").limit(K).to_list()]]
        return rate(asked[:1], seconds, one)


def measure_band():
    """Bytes a second of processor that one thread reads, the best of some passes."""
    block = np.ones(64 << 20, dtype=np.float32)
    best = 0
    for _ in range(5):
        start = cpu()
        block.max()
        best = max(best, block.nbytes / (cpu() - start))
    return best


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--dyad", required=True)
    options.add_argument("--rows", type=int, default=10_000)
    options.add_argument("--dim", type=int, default=512)
    options.add_argument("--set", choices=["easy", "hard"], default="easy")
    options.add_argument("--threads", type=int, default=1)
    options.add_argument("--queries", type=int, default=1000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--ef", default="12,16,24,32,48,64,96,128,192,256,384,512")
    options.add_argument("--peers", default="hnswlib,faiss,usearch f32,usearch i8")
    options.add_argument("--exact", default="faiss,numpy,sqlite-vec,lancedb flat")
    options.add_argument("--seconds", type=float, default=0.5)
    options.add_argument("--out", required=True)
    args = options.parse_args()
    what = {"rows": args.rows, "dim": args.dim, "set": args.set, "threads": args.threads}

    def note(**fields):
        line = json.dumps({**what, **fields})
        print(line, flush=True)
        with open(args.out, "a") as out:
            out.write(line + "\n")

    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        rows, asked = make(args.set, args.rows, args.dim, args.queries, seed=7)
        np.save(folder / "rows.npy", rows)
        np.save(folder / "queries.npy", asked)
        truth = truth_of(rows, asked)
        peers = [name for name in args.peers.split(",") if name]
        engines = [Dyad(os.path.abspath(args.dyad), folder, args.threads)]
        engines += [Hnswlib(args.threads)] if "hnswlib" in peers else []
        engines += [Faiss(args.threads)] if "faiss" in peers else []
        engines += [Usearch(name.split()[1], args.threads) for name in peers if name.startswith("usearch")]
        dyad = engines[0]
        for engine in engines:
            note(measure="build", engine=engine.name, **engine.build(rows))
        open_times(note, folder, engines, rows, asked)
        for ef in map(int, args.ef.split(",")):
            rounds = {engine.name: [] for engine in engines}
            found = {}
            for _ in range(args.rounds):
                for engine in engines:
                    qps, found[engine.name] = engine.search(asked, ef, args.seconds)
                    rounds[engine.name].append(qps)
            for engine in engines:
                qps = rounds[engine.name]
                ratios = [ours / theirs for ours, theirs in zip(rounds["dyad"], qps)]
                note(measure="search", engine=engine.name, ef=ef, recall=recall(found[engine.name], truth),
                     qps=statistics.median(qps), low=min(qps), high=max(qps),
                     ratio=statistics.median(ratios), ratio_low=min(ratios), ratio_high=max(ratios))
        for share in (0.5, 0.1, 0.01, 0.001):
            answer = dyad.ask(f"filter {share} {args.seconds} {K}")
            note(measure="filter", engine="dyad", share=share, **answer)
        note(measure="memory after queries", engine="dyad", **dyad.ask("memory"))
        wanted = [name for name in args.exact.split(",") if name]
        scans = [dyad]
        if "faiss" in wanted:
            flat = next((engine for engine in engines if engine.name == "faiss"), None) or Faiss(args.threads)
            flat.flat(rows)
            scans.append(flat)
        scans += [Numpy(rows)] if "numpy" in wanted else []
        scans += [SqliteVec(rows)] if "sqlite-vec" in wanted else []
        scans += [Lance(rows, folder)] if "lancedb flat" in wanted else []
        rounds = {engine.name: [] for engine in scans}
        for _ in range(args.rounds):
            band = measure_band()
            for engine in scans:
                qps, found = engine.exact(asked, args.seconds)
                rounds[engine.name].append((qps, qps * rows.nbytes / band))
                assert set(map(int, found[0])) == set(map(int, truth[0])) or engine.name != "dyad", "a scan misses rows"
        for name, values in rounds.items():
            note(measure="exact", engine=name, qps=statistics.median(q for q, _ in values),
                 ratio=statistics.median(ours[0] / theirs[0] for ours, theirs in zip(rounds["dyad"], values)),
                 of_bandwidth=statistics.median(b for _, b in values))
        rounds = {engine.name: [] for engine in scans if hasattr(engine, "batch")}
        for _ in range(args.rounds):
            for engine in scans:
                if engine.name in rounds:
                    qps, found = engine.batch(asked)
                    rounds[engine.name].append(qps)
        for name, values in rounds.items():
            ratios = [ours / theirs for ours, theirs in zip(rounds["dyad"], values)]
            note(measure="batch", engine=name, qps=statistics.median(values), ratio=statistics.median(ratios),
                 ratio_low=min(ratios), ratio_high=max(ratios))


def open_times(note, folder, engines, rows, asked):
    """From nothing to the first answer, from a file in the system's cache; the best of five."""
    for engine in engines:
        if engine.name == "dyad":
            note(measure="open", engine="dyad", seconds=min(engine.ask("open")["seconds"] for _ in range(5)), **engine.ask("memory"))
        elif engine.name.startswith("usearch"):
            from usearch.index import Index
            file = str(folder / "usearch.index")
            engine.index.save(file)

            def view():
                index = Index(ndim=rows.shape[1], metric="ip", dtype=engine.dtype)
                index.view(file)
                index.search(asked[0], K)
                return index

            note(measure="open", engine=f"{engine.name} view", seconds=min(timed(view)[1]["wall"] for _ in range(5)))
        elif engine.name == "hnswlib":
            import hnswlib
            file = str(folder / "hnswlib.index")
            engine.index.save_index(file)

            def load():
                index = hnswlib.Index(space="ip", dim=rows.shape[1])
                index.load_index(file)
                index.knn_query(asked[:1], k=K, num_threads=1)

            note(measure="open", engine="hnswlib load", seconds=min(timed(load)[1]["wall"] for _ in range(3)))
            os.remove(file)


if __name__ == "__main__":
    sys.exit(main())
