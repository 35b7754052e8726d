"""Turn measurements into one table and one plot.

`values` maps metric -> contender -> the measurements of all repetitions.
"""

import statistics

from goals import ROWS, SUMMARY
from peers import CONTENDERS, HERE, ROOT

DOCS = ROOT / "docs" / "explanation"
# Those that users of the documentation compare with.
SHOWN = ("ours", "pcaspy", "caproto", "softioc", "repics", "ioc")


def medians_of(measured):
    return {name: statistics.median(v) for name, v in measured.items() if v}


def number(value):
    """Write a number with three digits, large ones in k and M."""
    for limit, unit in ((1e6, " M"), (1e3, " k")):
        if abs(value) >= limit:
            return f"{value / (1e6 if unit == ' M' else 1e3):.3g}{unit}"
    return f"{value:.3g}"


def cell(measured):
    """Write the median and, of several repetitions, half the range in per cent."""
    if not measured:
        return "-"
    median = statistics.median(measured)
    text = number(median)
    if len(measured) > 1 and median:
        spread = 50 * (max(measured) - min(measured)) / abs(median)
        text += f" ±{spread:.0f}%"
    return text


def ratio_to(medians, name):
    ours, theirs = medians.get("ours"), medians.get(name)
    if not ours or not theirs:
        return ""
    return f" ({ours / theirs:.3g} x {name})"


def verdict(row, measured):
    """Write each goal of a row, with the ratio reached and whether that is enough."""
    words = {True: "met", False: "**missed**", None: "not measured"}
    medians = medians_of(measured)
    parts = []
    for goal in row.goals:
        text = f"{goal}: {words[goal.met(measured)]}"
        held, made = goal.held(measured)
        if held < made > 1:
            text += f" in {made - held} of {made}"
        parts.append(text + ratio_to(medians, goal.against))
    return "; ".join(parts)


def table(values, named=False):
    """Return the Markdown table of all rows that were measured, each with its name."""
    names = [n for n in CONTENDERS if any(n in v for v in values.values())]
    labels = [CONTENDERS[n].label for n in names]
    lines = [
        "| " + " | ".join(["workload", *labels, "goal"]) + " |",
        "|" + "---|" * (len(names) + 2),
    ]
    for row in ROWS:
        measured = values.get(row.metric)
        if measured:
            cells = [cell(measured.get(n)) for n in names]
            goal = verdict(row, measured)
            text = f"{row.metric}: {row.text}" if named else row.text
            lines.append("| " + " | ".join([text, *cells, goal]) + " |")
    return "\n".join(lines) + "\n"


def summary(values):
    """Return the short table of the documentation: no goals, no floor."""
    labels = ["this server", *(CONTENDERS[n].label for n in SHOWN if n != "ours")]
    lines = [
        "| " + " | ".join(["", *labels, "better"]) + " |",
        "|" + "---|" * (len(labels) + 2),
    ]
    for row in SUMMARY:
        measured = values.get(row.metric)
        if measured:
            cells = [cell(measured.get(n)) for n in SHOWN]
            better = "more" if row.goals[0].sign == ">=" else "less"
            lines.append("| " + " | ".join([row.text, *cells, better]) + " |")
    return "\n".join(lines) + "\n"


def plot(values, path, rows=ROWS, peers=tuple(CONTENDERS), size=7):
    """Draw how many times better ours is than each peer, on a logarithmic axis."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot as plt

    rows = [r for r in rows if r.goals and "ours" in values.get(r.metric, {})]
    peers = [n for n in peers if n != "ours"]
    if not rows:
        return
    figure, axes = plt.subplots(figsize=(9, 0.32 * len(rows) + 1.5))
    for name in peers:
        points = []
        for at, row in enumerate(rows):
            medians = medians_of(values[row.metric])
            if medians.get(name) and medians["ours"]:
                better = medians["ours"] / medians[name]
                if row.goals[0].sign == "<=":
                    better = 1 / better
                points.append((better, at))
        if points:
            axes.plot(*zip(*points, strict=True), "o", label=CONTENDERS[name].label)
    axes.axvline(1, color="grey", linewidth=1)
    axes.set_xscale("log")
    axes.set_yticks(range(len(rows)), [r.text for r in rows], fontsize=size)
    axes.invert_yaxis()
    axes.grid(axis="x", alpha=0.3)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("times better than the peer")
    axes.legend(fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1), ncol=4)
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)


def publish(values, facts, docs=DOCS, bench=HERE):
    """Write the tables and plots of the documentation and of benchmarks/README.md."""
    head = (
        f"Measured {facts['when']} UTC, Python {facts['python']}, "
        f"{facts['repetitions']} repetitions; medians ± half the range.\n\n"
    )
    (bench / "server.md").write_text(head + table(values))
    plot(values, bench / "server.svg")
    (docs / "performance-results.md").write_text(head + summary(values))
    plot(values, docs / "performance.svg", SUMMARY, SHOWN, size=9)
