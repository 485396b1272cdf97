"""Tables (markdown) and curves (SVG) of what peers.py measured.

    python3 benches/peers/tables.py results.jsonl                               # to standard output
    python3 benches/peers/tables.py results.jsonl --machine avx2 --write docs/performance.md    # between its two marks; curves beside it
"""

import argparse
import collections
import json
import math
import pathlib
import re

COLOURS = {"dyad": "#c2410c", "hnswlib": "#1d4ed8", "faiss": "#15803d", "usearch f32": "#7c3aed", "usearch i8": "#a16207"}
MARKS = "<!-- peers, {}: from here on written by benches/peers/tables.py -->", "<!-- peers, {}: to here -->"
MIB = 1 << 20


def at_recall(points, wanted):
    """Queries a second at a recall: between the two nearest points on a logarithmic scale; none where it is not reached."""
    points = sorted(points)
    for (r0, q0), (r1, q1) in zip(points, points[1:]):
        if r0 <= wanted <= r1 and r1 > r0:
            share = (wanted - r0) / (r1 - r0)
            return math.exp(math.log(q0) * (1 - share) + math.log(q1) * share)
    return None


def title(group):
    rows, dim, kind, threads = group
    return f"{rows:,} × {dim}, {kind}{'' if threads == 1 else f', {threads} threads'}"


def number(value, digits=0):
    return "–" if value is None else f"{value:,.{digits}f}"


def table(head, lines):
    if lines:
        yield ""
        yield "| " + " | ".join(head) + " |"
        yield "|---" * len(head) + "|"
        for line in lines:
            yield "| " + " | ".join(line) + " |"


def engines_of(groups, measure):
    """The engines that were measured, dyad first."""
    return list(dict.fromkeys(line["engine"] for lines in groups.values() for line in lines if line["measure"] == measure))


def only(lines, measure, **fields):
    return [line for line in lines if line["measure"] == measure and all(line[key] == value for key, value in fields.items())]


def one(lines, measure, field, **fields):
    return next((line[field] for line in only(lines, measure, **fields)), None)


def curve(lines, engine, rate="qps"):
    return [(line["recall"], line[rate]) for line in only(lines, "search", engine=engine)]


def build_table(groups):
    engines = engines_of(groups, "build")
    rows = []
    for group, lines in groups.items():
        # With several threads the clock counts too.
        many = group[3] > 1
        took = {e: (one(lines, "build", "cpu", engine=e), one(lines, "build", "wall", engine=e)) for e in engines}
        cells = [number(spent, 1) + (f" ({number(wall, 1)} by the clock)" if many and wall else "") for spent, wall in took.values()]
        ours, theirs = took["dyad"][0], took.get("hnswlib", (None,))[0]
        rows.append([title(group), *cells, f"{theirs / ours:.1f} ×" if ours and theirs else "–"])
    yield from table(["build, s of processor", *engines, "hnswlib ÷ dyad"], rows)


def search_table(groups):
    engines, rows = engines_of(groups, "search"), []
    for group, lines in groups.items():
        rate = "qps" if group[3] == 1 else "wall"
        for level in (0.95, 0.99):
            rates = {e: at_recall(curve(lines, e, rate), level) for e in engines}
            best = max((r for e, r in rates.items() if r and e != "dyad"), default=None)
            if rates.get("dyad") or best:
                ratio = f"{rates['dyad'] / best:.1f} ×" if rates.get("dyad") and best else "–"
                name = title(group) + (" (by the clock)" if rate == "wall" else "")
                rows.append([name, f"{level}", *(number(r) for r in rates.values()), ratio])
    yield from table(["queries/s", "at recall", *engines, "dyad ÷ the best of the others"], rows)


def breadth_table(groups):
    rows = []
    for group, lines in groups.items():
        for engine in [e for e in engines_of({0: lines}, "search") if e != "dyad"]:
            of = only(lines, "search", engine=engine)
            ours = {line["ef"]: line["recall"] for line in only(lines, "search", engine="dyad")}
            apart = [ours[line["ef"]] - line["recall"] for line in of if line["ef"] in ours]
            spread = [line[key] for line in of for key in ("ratio_low", "ratio_high")]
            rows.append([title(group), engine, f"{min(spread):.1f} – {max(spread):.1f}", f"{min(apart):+.3f} – {max(apart):+.3f}"])
    yield from table(["at equal breadth", "beside", "dyad's rate ÷ its", "dyad's recall − its"], rows)


def exact_table(groups):
    engines = engines_of(groups, "exact")
    rows = []
    for group, lines in groups.items():
        if only(lines, "exact"):
            cells = []
            for e in engines:
                rate, share = one(lines, "exact", "qps", engine=e), one(lines, "exact", "of_bandwidth", engine=e)
                cells.append(f"{number(rate)} ({share:.2f})" if rate else "–")
            rows.append([title(group), *cells])
    yield from table(["exact, one query at a time: queries/s (bytes read ÷ bandwidth)", *engines], rows)


def batch_table(groups):
    rows = []
    for group, lines in groups.items():
        for k in (10, 100):
            ours = one(lines, "batch", "qps", engine="dyad", k=k)
            theirs = only(lines, "batch", engine="faiss Flat", k=k)
            if ours and theirs:
                middle, low, high = (theirs[0][key] for key in ("ratio", "ratio_low", "ratio_high"))
                spread = f"{middle:.2f} ({low:.2f} – {high:.2f})"
                rows.append([title(group), str(k), number(ours), number(theirs[0]["qps"]), spread])
    yield from table(["exact, 1,000 queries at once", "k", "dyad, queries/s", "faiss Flat", "dyad ÷ faiss (rounds)"], rows)


def filter_table(groups):
    rows = []
    for group, lines in groups.items():
        of = only(lines, "filter")
        if of and group[0] >= max(g[0] for g in groups) // 10:
            rows.append([title(group), *(f"{number(line['exact'])} → {number(line['qps'])}" for line in of)])
    yield from table(["filtered, queries/s: scan of what passes → as dyad chooses", "50 % pass", "10 %", "1 %", "0.1 %"], rows)


def open_table(groups):
    engines, rows = engines_of(groups, "open"), []
    for group, lines in groups.items():
        if not only(lines, "open") or group[3] > 1 and group[0] < 200_000:
            continue
        cells = []
        for e in engines:
            found = only(lines, "open", engine=e)
            size = [sum(found[0][when][kind] for kind in ("anon", "file")) / MIB for when in ("opened", "after")] if found else []
            cells.append(f"{1000 * found[0]['seconds']:.1f} ms, {size[0]:,.0f} → {size[1]:,.0f}" if found else "–")
        rows.append([title(group), *cells])
    yield from table(["from the file to the first answer; MiB in memory then → after 1,000 queries", *engines], rows)


def peaks(groups):
    for group, lines in groups.items():
        for line in only(lines, "peak"):
            if line["limit"]:
                built = f"{line['anon'] / MIB:,.0f} MiB its own after the build, peak {line['peak'] / MIB:,.0f} MiB with pages of the file"
                yield f"\n{title(group)}: built, opened and searched within {line['limit'] / 2**30:g} GiB of address space (`RLIMIT_AS`); {built}."


def svg(path, heading, curves):
    width, height, left, top, right, bottom = 640, 400, 70, 40, 150, 50
    rates = [q for points in curves.values() for _, q in points]
    low, high = math.floor(math.log10(min(rates))), math.ceil(math.log10(max(rates)))
    least = math.floor(10 * min(r for points in curves.values() for r, _ in points)) / 10
    middle = (top + height - bottom) / 2

    def x(recall):
        return left + (recall - least) / (1 - least) * (width - left - right)

    def y(rate):
        return top + (high - math.log10(rate)) / (high - low) * (height - top - bottom)

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
             f'<rect width="{width}" height="{height}" fill="white"/><text x="{left}" y="22" font-size="14">{heading}</text>',
             f'<text x="{(left + width - right) / 2}" y="{height - 12}" text-anchor="middle">recall@10</text>',
             f'<text x="16" y="{middle}" text-anchor="middle" transform="rotate(-90 16 {middle})">queries a second of processor</text>']
    for power in range(low, high + 1):
        at = y(10 ** power)
        parts.append(f'<line x1="{left}" x2="{width - right}" y1="{at:.1f}" y2="{at:.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 8}" y="{at + 4:.1f}" text-anchor="end">{10 ** power:,}</text>')
    for tick in range(round(10 * least), 11):
        at = x(tick / 10)
        parts.append(f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{top}" y2="{height - bottom}" stroke="#ddd"/>')
        parts.append(f'<text x="{at:.1f}" y="{height - bottom + 18}" text-anchor="middle">{tick / 10:.1f}</text>')
    for i, (engine, points) in enumerate(curves.items()):
        colour, at = COLOURS.get(engine, "#555"), top + 14 + 20 * i
        line = " ".join(f"{x(r):.1f},{y(q):.1f}" for r, q in sorted(points))
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x(r):.1f}" cy="{y(q):.1f}" r="3" fill="{colour}"/>' for r, q in points]
        parts.append(f'<line x1="{width - right + 14}" x2="{width - right + 34}" y1="{at - 4}" y2="{at - 4}" stroke="{colour}" stroke-width="2"/>'
                     f'<text x="{width - right + 40}" y="{at}">{engine}</text>')
    path.write_text("\n".join(parts + ["</svg>", ""]))


def main():
    options = argparse.ArgumentParser()
    options.add_argument("results", nargs="+")
    options.add_argument("--write", type=pathlib.Path, help="the page whose marked part is replaced")
    options.add_argument("--machine", default="avx512", help="whose tables they are, as the marks name it")
    args = options.parse_args()
    marks = [mark.format(args.machine) for mark in MARKS]
    groups = collections.defaultdict(dict)
    for file in args.results:
        for line in map(json.loads, open(file)):
            # What was measured again counts once, the last time.
            what = tuple(line.get(key) for key in ("measure", "engine", "ef", "k", "share"))
            if line["measure"] != "done":
                groups[(line["rows"], line["dim"], line["set"], line["threads"])][what] = line
    groups = {group: list(groups[group].values()) for group in sorted(groups, key=lambda g: (g[3], -g[0], g[1], g[2]))}
    page = []
    for part in (build_table, search_table, breadth_table, exact_table, batch_table, filter_table, open_table, peaks):
        page += part(groups)
    large = max(group[0] for group in groups if group[3] == 1)
    drawn = {group: {e: curve(lines, e) for e in engines_of({0: lines}, "search")} for group, lines in groups.items()}
    drawn = {group: curves for group, curves in drawn.items() if curves and group[0] == large and group[3] == 1}
    names = {group: f"search-{args.machine}-{group[0]}x{group[1]}-{group[2]}.svg" for group in drawn}
    page += ["", " ".join(f"![{title(group)}]({name})" for group, name in names.items())]
    if not args.write:
        return print("\n".join(page))
    text, found = args.write.read_text(), "\n".join([marks[0], *page, "", marks[1]])
    if not all(mark in text for mark in marks):
        raise SystemExit(f"`{args.write}` has no `{marks[0]}`")
    args.write.write_text(re.sub(re.escape(marks[0]) + ".*" + re.escape(marks[1]), lambda _: found, text, flags=re.S))
    for old in args.write.parent.glob(f"search-{args.machine}-*.svg"):
        old.unlink()
    for group, curves in drawn.items():
        svg(args.write.parent / names[group], title(group), curves)


if __name__ == "__main__":
    main()
