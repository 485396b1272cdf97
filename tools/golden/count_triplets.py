"""Counts the strict triplets of the bundled ontologies, by the definition and from the files alone.

    python3 tools/golden/count_triplets.py

Distances by breadth-first search from every term above both, the root left out. Knows nothing of src/ontology: the counts
pinned in src/ontology/triplets.rs are held against it. Turtle is read as far as hornbostel-sachs.ttl uses it.
"""
import json
import re
from collections import deque

TINYSOL = "tuba,french horn,trombone,trumpet,accordion,contrabass,violin,viola,violoncello,bassoon,clarinet,flute,oboe,saxophone"


def tree(node, above, parents, path=""):
    """Names of a bare tree; a term is its path."""
    if isinstance(node, str):
        node = {node: []}
    for item in node if isinstance(node, list) else [node]:
        for name, below in ({item: []} if isinstance(item, str) else item).items():
            own = f"{path}/{name}"
            parents[own] = [above] if above else []
            tree(below or [], own, parents, own)


def load(name):
    parents, words = {}, {}
    if name == "hornbostel-sachs":
        for line in open(f"ontology/{name}.ttl", encoding="utf-8"):
            if match := re.match(r'hs:(\S+) a skos:Concept .*skos:prefLabel "([^"]+)"', line):
                parents[match[1]] = re.findall(r"hs:([^\s,]+)", line.split("skos:broader")[1]) if "skos:broader" in line else []
                words[match[2]] = match[1]
        return parents, words, None
    document = json.load(open(f"ontology/{name}.json", encoding="utf-8"))
    if "nodes" in document:
        for node in document["nodes"]:
            parents.setdefault(node["id"], [])
            words[node["name"].lower()] = node["id"]
            for child in node["child_ids"]:
                parents.setdefault(child, []).append(node["id"])
    else:
        tree(document["tree"], None, parents)
        words = {path.rsplit("/", 1)[1].replace("_", " "): path for path in parents}
    return parents, words, document.get("root")


def count(parents, terms, root):
    tops = [term for term, above in parents.items() if not above]
    root = tops[0] if len(tops) == 1 else root and f"/{root}"
    up = {}
    for term in terms:
        steps, queue = {term: 0}, deque([term])
        while queue:
            at = queue.popleft()
            for above in parents[at]:
                if above not in steps:
                    steps[above] = steps[at] + 1
                    queue.append(above)
        up[term] = steps
    total = 0
    for a in terms:
        far = []
        for b in terms:
            ways = [up[a][c] + up[b][c] for c in up[a].keys() & up[b].keys() if c != root]
            far.append(min(ways, default=float("inf")))
        near = [d for b, d in zip(terms, far) if b != a]
        total += sum(1 for p in near for n in near if p < n)
    return total


for name in ["hdio", "hdio-ismir2024", "hornbostel-sachs", "audioset-music"]:
    parents, words, root = load(name)
    inner = {above for all in parents.values() for above in all}
    labels = [words.get(word) for word in TINYSOL.split(",")]
    print(name, None if None in labels else count(parents, labels, root), count(parents, [t for t in parents if t not in inner], root))
