"""Measure this server and its peers side by side.

    python benchmarks/run.py [--quick] [--only GROUP ...] [--contenders NAME ...]
    python benchmarks/run.py --rows METRIC ...

Contenders take turns within each repetition, so that a machine that becomes slower
becomes slower for all. Results go to benchmarks/results/ as JSON and as a table; with
--publish also to benchmarks/server.md and, in short, to the documentation.

--rows runs what measures these rows of goals.py, this server and those that their goals
name, three times. Rows of aioca/run.py (aioca_...) are left to that program.
"""

import argparse
import json
import platform
import sys
import time
from collections import defaultdict
from contextlib import closing

import report
from goals import GROUP_OF, ROWS, ROWS_OF
from measure import Failed
from peers import CONTENDERS, HERE, compile_engine, compile_programs
from scenarios import FULL, GROUPS, QUICK

RESULTS = HERE / "results"


def rows_of(arguments, parser):
    """Return the metrics that are asked for."""
    if arguments.rows is None:
        return {row.metric for group in arguments.only for row in ROWS_OF[group]}
    rows = {name for name in arguments.rows if not name.startswith("aioca_")}
    if unknown := rows - set(GROUP_OF):
        parser.error(f"no rows: {' '.join(sorted(unknown))}; of: {' '.join(GROUP_OF)}")
    return rows


def contenders_of(rows):
    """Return this server and those that the goals of some rows compare it with."""
    goals = (goal for row in ROWS if row.metric in rows for goal in row.goals)
    named = {goal.against for goal in goals}
    return [name for name in CONTENDERS if name == "ours" or name in named]


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="some minutes, rough")
    parser.add_argument("--only", nargs="+", choices=GROUPS, default=list(GROUPS))
    parser.add_argument("--rows", nargs="*", metavar="METRIC", help="only these rows")
    parser.add_argument("--contenders", nargs="+", choices=CONTENDERS)
    parser.add_argument("--repeat", type=int, help="default 5; 3 of rows, 1 when quick")
    parser.add_argument("--publish", action="store_true", help="update the docs")
    arguments = parser.parse_args()
    chosen = arguments.rows is not None
    if arguments.publish and chosen:
        parser.error("some rows make no table to publish")
    arguments.rows = rows_of(arguments, parser)
    arguments.stem = "rows" if chosen else "quick" if arguments.quick else "full"
    arguments.repeat = (
        arguments.repeat or {"rows": 3, "quick": 1, "full": 5}[arguments.stem]
    )
    if not arguments.contenders:
        arguments.contenders = contenders_of(arguments.rows) if chosen else CONTENDERS
    return arguments


def measure(group, contender, scale, wanted, values):
    """Run one group against one contender; failures are told and left out.

    It ends with the last of its metrics that is wanted.
    """
    start = time.monotonic()
    outcome = "done"
    missing = wanted & {row.metric for row in ROWS_OF[group]}
    try:
        with closing(GROUPS[group][1](contender, scale)) as measured:
            for metric, value in measured:
                if metric in wanted:
                    values[metric][contender.name].append(value)
                missing.discard(metric)
                if not missing:
                    break
    except Failed as error:
        outcome = f"FAILED: {error}"
    seconds = time.monotonic() - start
    print(f"  {group} {contender.name}: {outcome} ({seconds:.1f} s)", file=sys.stderr)


def measure_all(arguments):
    """Return metric -> contender -> values, of so many repetitions."""
    scale = QUICK if arguments.quick else FULL
    groups = [g for g in GROUPS if any(GROUP_OF[m] == g for m in arguments.rows)]
    values = defaultdict(lambda: defaultdict(list))
    for repetition in range(arguments.repeat):
        print(f"repetition {repetition + 1} of {arguments.repeat}", file=sys.stderr)
        for group in groups:
            for name in arguments.contenders:
                if GROUPS[group][0] in CONTENDERS[name].modes:
                    measure(group, CONTENDERS[name], scale, arguments.rows, values)
    return values


def main():
    arguments = parse_arguments()
    if not arguments.rows:
        return
    compile_programs()
    if "engine" in arguments.contenders:
        compile_engine()
    values = measure_all(arguments)
    facts = {
        "when": time.strftime("%Y-%m-%d %H:%M", time.gmtime()),
        "python": platform.python_version(),
        "quick": arguments.quick,
        "repetitions": arguments.repeat,
    }
    RESULTS.mkdir(exist_ok=True)
    result = {"facts": facts, "values": values}
    (RESULTS / f"{arguments.stem}.json").write_text(json.dumps(result, indent=1))
    table = report.table(values, named=arguments.stem == "rows")
    (RESULTS / f"{arguments.stem}.md").write_text(table)
    print(table)
    if arguments.stem != "rows":
        report.plot(values, RESULTS / f"{arguments.stem}.svg")
    if arguments.publish:
        report.publish(values, facts)


if __name__ == "__main__":
    main()
