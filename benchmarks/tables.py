# SPDX-License-Identifier: MIT
"""The Markdown of what benchmarks/compare measured."""
import sys

OURS = "Espalier"
ONE_THREAD = "Espalier, 1 thread"
NATIVE = "Espalier, -O3 -march=native"
OUR_SUM = "Espalier, the plain sum"
OUR_PASSES = "Espalier, a pass for each task"


def number(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def grid(head, lines):
    """A table; all columns but the first are numbers."""
    rule = "|---" + "|---:" * (len(head) - 1) + "|"
    return "\n".join([f"| {' | '.join(head)} |", rule, *(f"| {' | '.join(cells)} |" for cells in lines)])


def columns_of(rows):
    return list(dict.fromkeys(peer for row in rows for peer in row["contenders"]))


def beside_peers(rows, title, ours, theirs, bracket):
    """One line a row, one column a contender. `ours(row)` and `theirs(row, peer)` are figures, `bracket(figure, our figure)` is a
    text; a contender that failed says so, and one that has no such network is left blank."""
    columns = columns_of(rows)

    def cell(row, peer):
        if peer in row["failed"]:
            return "fails"
        if peer not in row["peers"]:
            return ""
        return f"{number(theirs(row, peer))} ({bracket(theirs(row, peer), ours(row))})"

    return grid([title, OURS, *columns], [[row["name"], number(ours(row)), *(cell(row, peer) for peer in columns)] for row in rows])


def ratio(figure, ours):
    return f"{figure / ours:.2f}"


def milliseconds(rows, title):
    return beside_peers(rows, title, lambda row: row["ours_ms"], lambda row, peer: row["peers"][peer], ratio)


def memory(rows):
    """Peak and start, then what lies between."""
    columns = columns_of(rows)

    def cells(row):
        yield f"{number(row['ours_peak_mb'])} / {number(row['ours_start_mb'])}"
        for peer in columns:
            yield f"{number(row['peers_peak_mb'][peer])} / {number(row['peers_start_mb'][peer])}" if peer in row["peers"] else ""

    both = grid(["step", OURS, *columns], [[row["name"], *cells(row)] for row in rows])
    between = beside_peers(rows, "step", lambda row: row["ours_peak_mb"] - row["ours_start_mb"],
                           lambda row, peer: row["peers_peak_mb"][peer] - row["peers_start_mb"][peer], ratio)
    return both, between


def shares(rows, title):
    """Of our own programs. Products of matrices have no padding."""
    others = list(dict.fromkeys(name for row in rows for name in row["peers_share"]))
    padded = any(row["useful_products"] != row["products"] for row in rows)

    def cells(row):
        yield from (number(row["products"] / 1e6), number(2e-6 * row["products"] / row["ours_ms"]), number(row["peak_gflops"]))
        yield f"{100 * row['share']:.0f} %"
        if padded:
            yield f"{100 * row['useful_share']:.0f} %"
        for name in others:
            yield f"{100 * row['peers_share'][name]:.0f} %" if name in row["peers_share"] else ""

    head = [title, "million products", "GFLOP/s", "FMA peak", "share of the peak", *(["on pixels"] if padded else []),
            *(f"share, {name}" for name in others)]
    return grid(head, [[row["name"], *cells(row)] for row in rows])


def markdown(result):
    about, rows = result["machine"], result["rows"]
    texts = dict.fromkeys(text for row in rows for text in row["texts"].values())
    ourselves = [row for row in rows if {ONE_THREAD, NATIVE} & set(row["peers"])]
    products = [row for row in rows if row["net"] == "gemm"]
    balanced = [row for row in rows if row.get("tasks")]
    steps = [row for row in rows if row not in ourselves and row not in products and row not in balanced]
    parts = [f"{about['date']}, commit {about['commit']}. {about['cpu']}; {about['processors']} processors, {about['threads']} threads; "
             f"{about['compiler']}. {about['seconds']:g} s a round, rounds: {about['rounds']}; load before: {about['load_before']:.2f}."]
    if texts:
        parts.append("\n".join(f"- {text}" for text in texts))
    if steps:
        both, between = memory(steps)
        parts += ["#### Training steps", "Milliseconds a step, in brackets the ratio to ours.", milliseconds(steps, "step"),
                  "Products of a step, and how much of the FMA peak of all threads our program reaches with them.", shares(steps, "step"),
                  "Memory of the process in MB: its peak / what was resident before the network and the batch were made.", both,
                  "The difference, what the training took, in brackets the ratio to ours.", between]
    if balanced:
        both, between = memory(balanced)
        parts += ["#### Steps under a balancing rule",
                  "Milliseconds a step with T tasks, in brackets the ratio to ours: of the plain sum, what part of a step it would be.",
                  milliseconds(balanced, "step"), "Memory of the process in MB, as above.", both, between]
    failed = [f"- {row['name']}, {peer}: {reason}" for row in rows for peer, reason in row["failed"].items()]
    if failed:
        parts += ["These failed:", "\n".join(failed)]
    if products:
        parts += ["#### Products of matrices", "Milliseconds, in brackets the ratio to ours.", milliseconds(products, "product"),
                  shares(products, "product")]
    if ourselves:
        lines = []
        for row in ourselves:
            (other,) = row["peers"].values()
            lines.append([row["name"], number(row["ours_ms"]), number(other), ratio(other, row["ours_ms"])])
        parts += ["#### Espalier beside itself", "Milliseconds a step.", grid(["step", OURS, "against", "ratio"], lines)]
    if "kernels" in result:
        parts += ["#### Kernels", result["kernels"]["markdown"]]
    return "\n\n".join(parts) + "\n"


def put_into_page(page, place, text):
    """The page with the text between the marks of that place."""
    begin, end = (f"<!-- benchmarks/compare{' ' if place else ''}{place}: {word} -->" for word in ("begin", "end"))
    before, found, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        sys.exit(f"compare: expected {begin} and {end} in the page, got none: see --place")
    return f"{before}{begin}\n\n{text}\n{end}{after}"
