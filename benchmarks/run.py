"""Measure this server and its peers side by side.

    python benchmarks/run.py [--quick] [--only GROUP ...] [--contenders NAME ...]

Contenders take turns within each repetition, so that a machine that becomes slower
becomes slower for all. Results go to benchmarks/results/ as JSON and as a table; with
--publish also to benchmarks/server.md and, in short, to the documentation.
"""

import argparse
import json
import platform
import sys
import time
from collections import defaultdict

import report
from measure import Failed
from peers import CONTENDERS, HERE, compile_engine, compile_programs
from scenarios import FULL, GROUPS, QUICK

RESULTS = HERE / "results"


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="some minutes, rough")
    parser.add_argument("--only", nargs="+", choices=GROUPS, default=list(GROUPS))
    parser.add_argument(
        "--contenders", nargs="+", choices=CONTENDERS, default=list(CONTENDERS)
    )
    parser.add_argument("--repeat", type=int, help="default 5, or 1 when quick")
    parser.add_argument("--publish", action="store_true", help="update the docs")
    return parser.parse_args()


def measure(group, contender, scale, values):
    """Run one group against one contender; failures are told and left out."""
    start = time.monotonic()
    outcome = "done"
    try:
        for metric, value in GROUPS[group][1](contender, scale):
            values[metric][contender.name].append(value)
    except Failed as error:
        outcome = f"FAILED: {error}"
    seconds = time.monotonic() - start
    print(f"  {group} {contender.name}: {outcome} ({seconds:.1f} s)", file=sys.stderr)


def main():
    arguments = parse_arguments()
    scale = QUICK if arguments.quick else FULL
    repeat = arguments.repeat or (1 if arguments.quick else 5)
    compile_programs()
    if "engine" in arguments.contenders:
        compile_engine()
    values = defaultdict(lambda: defaultdict(list))
    for repetition in range(repeat):
        print(f"repetition {repetition + 1} of {repeat}", file=sys.stderr)
        for group in arguments.only:
            for name in arguments.contenders:
                if GROUPS[group][0] in CONTENDERS[name].modes:
                    measure(group, CONTENDERS[name], scale, values)
    facts = {
        "when": time.strftime("%Y-%m-%d %H:%M", time.gmtime()),
        "python": platform.python_version(),
        "quick": arguments.quick,
        "repetitions": repeat,
    }
    RESULTS.mkdir(exist_ok=True)
    stem = "quick" if arguments.quick else "full"
    result = {"facts": facts, "values": values}
    (RESULTS / f"{stem}.json").write_text(json.dumps(result, indent=1))
    table = report.table(values)
    (RESULTS / f"{stem}.md").write_text(table)
    print(table)
    report.plot(values, RESULTS / f"{stem}.svg")
    if arguments.publish:
        report.publish(values, facts)


if __name__ == "__main__":
    main()
