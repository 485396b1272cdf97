"""dyad beside usearch, hnswlib, faiss, LanceDB, sqlite-vec and numpy: the same vectors, one run, engines taking turns.

    python3 -m venv V && V/bin/pip install -r benches/peers/requirements.txt
    cargo build --release --bench peers          # prints where the program is
    V/bin/python benches/peers/peers.py --dyad target/release/deps/peers-… --rows 100000 --dim 512 --set easy --threads 1 --out results.jsonl

Every engine answers the same queries in several rounds, one engine after the other in each; what is printed is the median of
the rounds, and ratios to dyad are taken within a round. Rates are queries a second *of processor*, so that time that the system
gave to somebody else does not count; with several threads, of all of them together (`wall` has them by the clock). The peers' own
batch calls are used, dyad is asked one query after the other (but for `batch`). `all.py` runs the whole matrix.

Sets, seeded: `easy` is 200 clear clusters; `hard` has low contrast: one cloud whose variance falls slowly over all directions.
"""

import argparse
import functools
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

K = 10


def make(folder, kind, n, dim, queries, seed):
    """Writes rows.npy and queries.npy, some thousand rows at a time; gives the queries."""
    rng = np.random.default_rng(seed)
    if kind == "easy":
        centres = rng.standard_normal((200, dim), dtype=np.float32)
    else:
        spread = (1.0 / np.sqrt(1.0 + np.arange(dim) / 8.0)).astype(np.float32)

    def draw(count):
        rows = rng.standard_normal((count, dim), dtype=np.float32)
        rows = centres[rng.integers(0, 200, count)] + rows if kind == "easy" else rows * spread
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    asked = draw(queries)
    np.save(folder / "queries.npy", asked)
    rows = np.lib.format.open_memmap(folder / "rows.npy", mode="w+", dtype=np.float32, shape=(n, dim))
    for start in range(0, n, 10_000):
        rows[start:start + 10_000] = draw(min(10_000, n - start))
    return asked


def truth_of(rows, asked):
    """The K nearest of each, by blocks of rows."""
    scores, ids = np.empty((len(asked), 0), np.float32), np.empty((len(asked), 0), np.int64)
    for start in range(0, len(rows), 50_000):
        block = asked @ np.asarray(rows[start:start + 50_000]).T
        top = np.argpartition(-block, min(K, block.shape[1] - 1), axis=1)[:, :K]
        scores = np.concatenate([scores, np.take_along_axis(block, top, 1)], axis=1)
        ids = np.concatenate([ids, top + start], axis=1)
    best = np.argsort(-scores, axis=1)[:, :K]
    return np.take_along_axis(ids, best, 1)


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

    def __init__(self, program, folder, threads, limit=0):
        """`limit`: bytes of address space that the process may have, files that it maps included."""
        within = (lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit))) if limit else None
        self.process = subprocess.Popen([program, "serve", str(threads)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        preexec_fn=within)
        self.folder = folder
        self.ask(f"load {folder}")

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()

    def build(self, rows):
        return self.ask("build")

    def found(self, line):
        answer = self.ask(line)
        return answer["cpu"], answer["wall"], np.load(answer["ids"])

    def search(self, asked, ef, seconds):
        return self.found(f"hnsw {ef} {seconds} {K}")

    def exact(self, asked, seconds):
        return self.found(f"exact {seconds} {K}")

    def batch(self, asked, k, seconds):
        return self.found(f"batch {seconds} {k}")


class DyadNumbers:
    """dyad's scan of the f32 alone, as it goes where there are no codes."""
    name = "dyad f32"

    def __init__(self, dyad):
        self.dyad = dyad

    def exact(self, asked, seconds):
        return self.dyad.found(f"scan {seconds} {K}")


def rate(asked, seconds, search):
    """Queries a second of processor and of the clock, of whole passes."""
    done, start, before = 0, time.perf_counter(), cpu()
    while done == 0 or time.perf_counter() - start < seconds:
        found = search(asked)
        done += len(asked)
    return done / (cpu() - before), done / (time.perf_counter() - start), found


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

    def save(self, file):
        self.index.save(file)

    @staticmethod
    def open(file, dim):
        from usearch.index import Index
        index = Index(ndim=dim, metric="ip", dtype="f32")
        index.view(file)
        return lambda q: index.search(q, K, threads=1)


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

    def save(self, file):
        self.index.save_index(file)

    @staticmethod
    def open(file, dim):
        import hnswlib
        index = hnswlib.Index(space="ip", dim=dim)
        index.load_index(file)
        index.set_ef(96)
        return lambda q: index.knn_query(q, k=K, num_threads=1)


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

    def save(self, file):
        self.faiss.write_index(self.index, file)

    @staticmethod
    def open(file, dim):
        import faiss
        faiss.omp_set_num_threads(1)
        index = faiss.read_index(file)
        index.hnsw.efSearch = 96
        return lambda q: index.search(q, K)


class FaissFlat:
    name = "faiss Flat"

    def __init__(self, rows, threads):
        import faiss
        faiss.omp_set_num_threads(threads)
        self.scan = faiss.IndexFlatIP(rows.shape[1])
        self.scan.add(rows)

    def exact(self, asked, seconds):
        return rate(asked[:1], seconds, lambda q: self.scan.search(q, K)[1])

    def batch(self, asked, k, seconds):
        return rate(asked, seconds, lambda q: self.scan.search(q, k)[1])


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


class Reading:
    """What one thread reads of 256 MiB: what the scans are held against, in the same rounds."""
    name = "reading"

    def __init__(self):
        self.block = np.ones(64 << 20, dtype=np.float32)

    def exact(self, asked, seconds):
        return rate(asked[:1], seconds, lambda q: self.block.max())


PEERS = {"hnswlib": Hnswlib, "faiss": Faiss, "usearch f32": functools.partial(Usearch, "f32"), "usearch i8": functools.partial(Usearch, "i8")}
OPENED = {"hnswlib": Hnswlib, "faiss": Faiss, "usearch f32": Usearch}


def resident():
    """Bytes of memory that is this process's own, and of files."""
    lines = dict(line.split(":", 1) for line in open("/proc/self/status"))
    return {"anon": 1024 * int(lines["RssAnon"].split()[0]), "file": 1024 * int(lines["RssFile"].split()[0])}


def child(name, file, queries):
    """In a process of its own: opens an index, answers one query, then all; what each took."""
    asked = np.load(queries)
    for library in ("hnswlib", "faiss", "usearch.index"):
        if library.startswith(name.split()[0]):
            __import__(library)
    before = resident()

    def more():
        return {kind: size - before[kind] for kind, size in resident().items()}

    def first():
        search = OPENED[name].open(file, asked.shape[1])
        search(asked[:1])
        return search

    search, took = timed(first)
    opened = more()
    for i in range(len(asked)):
        search(asked[i:i + 1])
    print(json.dumps({"seconds": took["wall"], "opened": opened, "after": more()}))


def opening(note, folder, engines, program, limit):
    """From nothing to the first answer, and what is in memory, each in fresh processes; the file is in the system's cache. Of dyad
    the memory is all that the process has; of the others what they added to a Python with the library."""
    for engine in engines:
        if engine.name == "dyad":
            runs = []
            for _ in range(3):
                one = Dyad(program, folder, 1, limit)
                seconds, opened = one.ask("open")["wall"], one.ask("memory")
                one.ask(f"pass {K}")
                runs.append({"seconds": seconds, "opened": opened, "after": one.ask("memory")})
                one.close()
        elif engine.name in OPENED:
            file = str(folder / "peer.index")
            engine.save(file)
            command = [sys.executable, __file__, "--child", engine.name, file, str(folder / "queries.npy")]
            runs = [json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout) for _ in range(3)]
            os.remove(file)
        else:
            continue
        note(measure="open", engine=engine.name, **min(runs, key=lambda run: run["seconds"]))


def rounds_of(count, engines, measure):
    """The engines take turns; of each the medians of both rates, and dyad's rate to its in each round."""
    rates, found = {engine.name: [] for engine in engines}, {}
    for _ in range(count):
        for engine in engines:
            spent, wall, found[engine.name] = measure(engine)
            rates[engine.name].append((spent, wall))
    for engine in engines:
        of = rates[engine.name]
        ratios = [ours[0] / theirs[0] for ours, theirs in zip(rates[engines[0].name], of)]
        yield engine.name, found[engine.name], {
            "qps": statistics.median(x for x, _ in of), "low": min(x for x, _ in of), "high": max(x for x, _ in of),
            "wall": statistics.median(x for _, x in of),
            "ratio": statistics.median(ratios), "ratio_low": min(ratios), "ratio_high": max(ratios)}


def main():
    if sys.argv[1:2] == ["--child"]:
        return child(*sys.argv[2:])
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
    options.add_argument("--exact", default="dyad f32,faiss,numpy,sqlite-vec,lancedb flat")
    options.add_argument("--parts", default="open,search,filter,exact,batch")
    options.add_argument("--seconds", type=float, default=0.5)
    options.add_argument("--limit", type=float, default=0, help="GiB of address space that dyad may have")
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
        asked = make(folder, args.set, args.rows, args.dim, args.queries, seed=7)
        rows = np.load(folder / "rows.npy", mmap_mode="r" if args.rows * args.dim > 1 << 28 else None)
        measure_all(args, note, folder, rows, asked)


def measure_all(args, note, folder, rows, asked):
    parts, limit, program = args.parts.split(","), int(args.limit * 2**30), os.path.abspath(args.dyad)
    truth = truth_of(rows, asked)
    engines = [Dyad(program, folder, args.threads, limit)]
    engines += [PEERS[name](args.threads) for name in args.peers.split(",") if name]
    dyad = engines[0]
    for engine in engines:
        note(measure="build", engine=engine.name, **engine.build(rows))
    note(measure="peak", engine="dyad", limit=limit, **dyad.ask("memory"))
    if "open" in parts:
        opening(note, folder, engines, program, limit)
    for ef in map(int, args.ef.split(",") if "search" in parts else []):
        for name, found, rates in rounds_of(args.rounds, engines, lambda engine: engine.search(asked, ef, args.seconds)):
            note(measure="search", engine=name, ef=ef, recall=recall(found, truth), **rates)
    for share in (0.5, 0.1, 0.01, 0.001) if "filter" in parts else []:
        # The first time rows are held against their checksums.
        turns = [dyad.ask(f"filter {share} {args.seconds} {K}") for _ in range(args.rounds + 1)][1:]
        ratios = [turn["qps"] / turn["exact"] for turn in turns]
        note(measure="filter", engine="dyad", share=share, ratio=statistics.median(ratios), ratio_low=min(ratios),
             ratio_high=max(ratios), **{key: statistics.median(turn[key] for turn in turns) for key in ("exact", "qps")})
    wanted = [name for name in args.exact.split(",") if name]
    scans = [dyad]
    scans += [DyadNumbers(dyad)] if "dyad f32" in wanted else []
    scans += [FaissFlat(rows, args.threads)] if "faiss" in wanted else []
    scans += [Numpy(rows)] if "numpy" in wanted else []
    scans += [SqliteVec(rows)] if "sqlite-vec" in wanted else []
    scans += [Lance(rows, folder)] if "lancedb flat" in wanted else []
    if "exact" in parts:
        reading = Reading()
        for name, found, rates in rounds_of(args.rounds, [reading, *scans], lambda engine: engine.exact(asked, args.seconds)):
            if name == reading.name:
                note(measure="bandwidth", bytes=rates["qps"] * reading.block.nbytes)
                continue
            assert set(map(int, found[0])) == set(map(int, truth[0])) or not name.startswith("dyad"), "a scan misses rows"
            # The ratios are here those of reading to the scan.
            share = rows.size * (1 if name == "dyad" else 4) / reading.block.nbytes
            shares = {key: share / rates.pop(of) for key, of in (("of_bandwidth", "ratio"), ("of_low", "ratio_high"), ("of_high", "ratio_low"))}
            note(measure="exact", engine=name, **shares, **rates)
    many = [engine for engine in scans if hasattr(engine, "batch")]
    for k in (10, 100) if "batch" in parts else []:
        for name, _, rates in rounds_of(args.rounds, many, lambda engine: engine.batch(asked, k, args.seconds)):
            note(measure="batch", engine=name, k=k, **rates)
    dyad.close()


if __name__ == "__main__":
    sys.exit(main())
