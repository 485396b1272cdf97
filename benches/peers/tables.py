"""Tables (markdown, to standard output) and curves (SVG) of what peers.py measured.

    python3 benches/peers/tables.py easy.jsonl hard.jsonl --svg docs/search
"""

import argparse
import collections
import json
import math

COLOURS = {"dyad": "#c2410c", "hnswlib": "#1d4ed8", "faiss": "#15803d", "usearch f32": "#7c3aed", "usearch i8": "#a16207"}


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
    return f"{rows:,} × {dim}, {kind}, {threads} thread{'s' if threads > 1 else ''}"


def tables(group, lines):
    print(f"\n### {title(group)}\n")
    of = collections.defaultdict(list)
    for line in lines:
        of[line["measure"]].append(line)
    engines = list(dict.fromkeys(line["engine"] for line in of["search"]))
    curves = {e: [(line["recall"], line["qps"]) for line in of["search"] if line["engine"] == e] for e in engines}
    build = {line["engine"]: line["cpu"] for line in of["build"]}
    levels = (0.9, 0.95, 0.99)
    print("| | build, s of processor | " + " | ".join(f"recall {level}" for level in levels) + " | dyad's rate ÷ its at equal ef |")
    print("|---|---|" + "---|" * (len(levels) + 1))
    for engine in engines:
        cells = [at_recall(curves[engine], level) for level in levels]
        spread = [line[key] for line in of["search"] if line["engine"] == engine for key in ("ratio_low", "ratio_high")]
        shown = " | ".join(f"{cell:,.0f}" if cell else "–" for cell in cells)
        ratio = f"{min(spread):.1f} – {max(spread):.1f}" if engine != "dyad" else ""
        print(f"| {engine} | {build.get(engine, math.nan):.1f} | {shown} | {ratio} |")
    if of["open"]:
        print("\n" + "; ".join(f"{line['engine']} {1000 * line['seconds']:.1f} ms" for line in of["open"]) + " to open and answer once.")
    if of["exact"]:
        print("\n| exact, one at a time | queries/s | dyad's ÷ its | f32 bytes a second ÷ memory bandwidth |\n|---|---|---|---|")
        for line in of["exact"]:
            print(f"| {line['engine']} | {line['qps']:,.0f} | {line['ratio']:.1f} | {line['of_bandwidth']:.2f} |")
    if of["batch"]:
        print("\n| exact, all at once | queries/s | dyad's ÷ its |\n|---|---|---|")
        for line in of["batch"]:
            print(f"| {line['engine']} | {line['qps']:,.0f} | {line['ratio']:.1f} ({line['ratio_low']:.1f} – {line['ratio_high']:.1f}) |")
    if of["filter"]:
        print("\n| filtered, queries/s | exact scan of what passes | as dyad chooses |\n|---|---|---|")
        for line in of["filter"]:
            print(f"| {100 * line['share']:g} % pass | {line['exact']:,.0f} | {line['qps']:,.0f} |")
    return curves


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
    with open(path, "w") as out:
        out.write("\n".join(parts + ["</svg>", ""]))


def main():
    options = argparse.ArgumentParser()
    options.add_argument("results", nargs="+")
    options.add_argument("--svg", help="where the curves go: PREFIX-ROWSxDIM-SET.svg")
    args = options.parse_args()
    groups = collections.defaultdict(list)
    for file in args.results:
        for line in map(json.loads, open(file)):
            groups[(line["rows"], line["dim"], line["set"], line["threads"])].append(line)
    for group, lines in groups.items():
        curves = tables(group, lines)
        if args.svg and curves:
            svg(f"{args.svg}-{group[0]}x{group[1]}-{group[2]}.svg", title(group), curves)


if __name__ == "__main__":
    main()
