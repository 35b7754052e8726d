"""The client against its peers and against a C loop on libca, on the same server.

python benchmarks/aioca/run.py [--rounds N] [--only SCENARIO ...] [--peers NAME ...]
                               [--publish]
python benchmarks/aioca/run.py --rows aioca_SCENARIO ...

Every contender runs in a process and an environment of its own. The contenders of a
scenario take turns, so that what else the machine does falls on all of them; the
numbers are medians over the turns, the spread is the distance of the quartiles. Numbers
are microseconds per PV, microseconds of CPU per update (monitor), or milliseconds from
the time stamp to the callback (burst). Only the ratios mean something. Results go to
benchmarks/results/aioca.json; with --publish a table goes to benchmarks/client.md and
a short one to the documentation. --rows measures these scenarios against the C loop and
the released client, three times; names that do not start with aioca_ are rows of
benchmarks/run.py and are left to it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from support.environment import client_environment, server_environment  # noqa: E402
from support.peers import peer_python  # noqa: E402
from support.ports import free_port  # noqa: E402
from support.process import Child  # noqa: E402

PVS = 1000
# Scenario: rounds inside a process, and goals as ratios to the C loop and to aioca 2.1.
SCENARIOS = {
    "connect": (1, 1.3, None),
    "get": (30, 3, None),
    "get_time": (30, 6, None),
    "get_no_throw": (30, 6, None),
    "get_one": (3, 1.1, None),
    "put": (30, 10, None),
    "put_wait": (10, 2, None),
    "monitor": (3, 8, 0.1),
    "burst": (4, None, 0.15),
}
CONTENDERS = ("ours", "C loop", "aioca 2.1", "pyepics", "caproto", "repics 0.3")
OTHERS = ("command", "import")
GOAL_PEERS = ("ours", "C loop", "aioca 2.1")
# The C loop has no exceptions to leave out.
AS_IN_C = {"get_no_throw": "get"}


def database() -> str:
    """A thousand PVs to read and write, to update ten times a second and once."""
    lines = []
    for i in range(PVS):
        lines.append(f'record(ao, "B:{i}") {{ field(VAL, "{i}") field(PINI, "YES") }}')
        for prefix, scan in (("M", ".1 second"), ("S", "1 second")):
            lines.append(
                f'record(calc, "{prefix}:{i}") {{ field(SCAN, "{scan}")'
                ' field(CALC, "VAL+1") }'
            )
    return "\n".join(lines)


def compile_c(name: str, folder: Path) -> Path:
    """Compiles a C program against the libraries that epicscorelibs ships."""
    import epicscorelibs.path as epics

    target = folder / name
    library = Path(epics.lib_path)
    subprocess.run(
        [
            *("cc", "-O2", "-std=gnu17", "-Dlinux", "-DUNIX", "-D_GNU_SOURCE"),
            *(f"-I{epics.include_path}", str(HERE / f"{name}.c")),
            *("-o", str(target), f"-L{library}", f"-Wl,-rpath,{library}"),
            *("-Wl,--no-as-needed", "-lca", "-lCom"),
        ],
        check=True,
    )
    return target


def command(contender: str, loop: Path) -> list[str]:
    """How a contender is started."""
    if contender == "C loop":
        return [str(loop)]
    if contender == "ours":
        return [sys.executable, str(HERE / "aioca_adapter.py")]
    peer = contender.split()[0]
    return [str(peer_python(peer)), str(HERE / f"{peer}_adapter.py")]


def measure(scenario: str, contender: str, loop: Path, env: dict[str, str]) -> float:
    """One process, and the median of its rounds."""
    rounds = SCENARIOS[scenario][0]
    if contender == "C loop":
        scenario = AS_IN_C.get(scenario, scenario)
    done = subprocess.run(
        [*command(contender, loop), scenario, str(PVS), str(rounds)],
        env=env,
        capture_output=True,
        text=True,
        timeout=300,
    )
    if done.returncode:
        raise RuntimeError(f"{contender}, {scenario}:\n{done.stderr}")
    return statistics.median(json.loads(done.stdout.splitlines()[-1]))


def import_times(rounds: int) -> dict[str, list[float]]:
    """Milliseconds of CPU that a start takes, with and without the client."""
    programs = {
        "numpy + asyncio": "import numpy, asyncio",
        "ours": "import numpy, asyncio, aioca; aioca.caget",
    }
    found: dict[str, list[float]] = {name: [] for name in programs}
    clock = "\nimport time; print(time.process_time() * 1e3)"
    for _ in range(rounds):
        for name, program in programs.items():
            done = subprocess.run(
                [sys.executable, "-c", program + clock],
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            found[name].append(float(done.stdout))
    return found


def cpu_of(command: list[str], env: dict[str, str]) -> float:
    """Milliseconds of CPU that a process takes, until its end."""
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode}")
    return (used.ru_utime + used.ru_stime) * 1e3


def command_line(rounds: int, folder: Path, env: dict[str, str]) -> str:
    """What a get costs as a process of its own, from the command line."""
    programs = {
        "caget": [str(compile_c("caget", folder)), "B:1"],
        "python": [sys.executable, "-c", "pass"],
        "aioca": [str(Path(sys.executable).with_name("aioca")), "get", "B:1"],
        "python -m": [sys.executable, "-m", "aioca", "get", "B:1"],
    }
    found: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(rounds):
        for name, command in programs.items():
            found[name].append(cpu_of(command, env))
    took = {name: statistics.median(times) for name, times in found.items()}
    ratio = took["aioca"] / took["caget"]
    return (
        f"`aioca get` as a process: {took['aioca']:.1f} ms of CPU, `python -m aioca` "
        f"{took['python -m']:.1f} ms; the same in C {took['caget']:.1f} ms: "
        f"{ratio:.2f} x (goal 2: {'met' if ratio <= 2 else '**missed**'}); Python that "
        f"does nothing {took['python']:.1f} ms"
    )


def spread(numbers: list[float]) -> float:
    """The distance of the quartiles."""
    if len(numbers) < 2:
        return 0.0
    low, _, high = statistics.quantiles(numbers, n=4)
    return high - low


def ratios(scenario: str, medians: dict[str, float]) -> str:
    """Ours over the C loop and over the released client, with the goals."""
    _, of_floor, of_released = SCENARIOS[scenario]
    cells = []
    for name, goal in (("C loop", of_floor), ("aioca 2.1", of_released)):
        if name not in medians or "ours" not in medians:
            continue
        ratio = medians["ours"] / medians[name]
        text = f"{ratio:.3g} x {name}"
        if goal is not None:
            text += f" (goal {goal:.3g}: {'met' if ratio <= goal else '**missed**'})"
        cells.append(text)
    return "; ".join(cells)


def row(scenario: str, found: dict[str, list[float]]) -> str:
    """One line of the table: medians, distances of the quartiles, our ratios."""
    medians = {name: statistics.median(n) for name, n in found.items() if n}
    cells = [scenario]
    for name in CONTENDERS:
        if name in medians:
            cells.append(f"{medians[name]:.3g} ±{spread(found[name]):.2g}")
        else:
            cells.append("-")
    return "| " + " | ".join([*cells, ratios(scenario, medians)]) + " |"


# What the documentation shows, in its words.
SUMMARY = {
    "connect": "connect a list of 1000 PVs",
    "get": "get a list of 1000 PVs",
    "get_one": "get one PV at a time",
    "put_wait": "put to a list of 1000 PVs, `wait=True`",
    "monitor": "monitor: CPU time per update",
}
SHOWN = {"ours": "this client", "aioca 2.1": "aioca 2.1", "pyepics": "pyepics"}
SHOWN |= {"caproto": "caproto", "repics 0.3": "repics 0.3"}


def summary(results: dict[str, Any]) -> str:
    """The short table of the documentation: no goals, no floor."""
    lines = [
        "| | " + " | ".join(SHOWN.values()) + " |",
        "|---" * (len(SHOWN) + 1) + "|",
    ]
    for scenario in (s for s in SUMMARY if s in results):
        found = results[scenario]
        cells = [
            f"{statistics.median(found[name]):.3g} ±{spread(found[name]):.2g}"
            if found.get(name)
            else "-"
            for name in SHOWN
        ]
        lines.append("| " + " | ".join([SUMMARY[scenario], *cells]) + " |")
    return "\n".join(lines) + "\n"


HEAD = "| scenario | " + " | ".join(CONTENDERS) + " | ratios |\n"
HEAD += "|---" * (len(CONTENDERS) + 2) + "|"


def import_line(rounds: int) -> str:
    """What the import costs beside that of numpy and asyncio."""
    times = import_times(rounds)
    plain = statistics.median(times["numpy + asyncio"])
    with_client = statistics.median(times["ours"])
    ratio = with_client / plain
    return (
        f"Importing aioca, numpy and asyncio: {with_client:.0f} ms of CPU; the latter "
        f"two alone {plain:.0f} ms: {ratio:.3f} x "
        f"(goal 1.15: {'met' if ratio <= 1.15 else '**missed**'})"
    )


def measure_all(
    options: argparse.Namespace, chosen: list[str]
) -> tuple[dict[str, Any], list[str]]:
    """{scenario: {contender: numbers}}, and other lines; printed as they are done."""
    more: list[str] = []
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        loop = compile_c("libca_loop", folder)
        (folder / "bench.db").write_text(database())
        port = free_port()
        side = ROOT / "tests" / "client" / "ioc_side.py"
        env = server_environment(port, PYTHONPATH=str(ROOT / "tests" / "support"))
        with Child.python(str(side), str(folder / "bench.db"), env=env):
            scenarios = [s for s in SCENARIOS if s in chosen]
            if scenarios:
                print(HEAD)
            for scenario in scenarios:
                found: dict[str, list[float]] = {c: [] for c in options.peers}
                for _ in range(options.rounds):
                    for contender in options.peers:
                        settings = client_environment(port)
                        found[contender].append(
                            measure(scenario, contender, loop, settings)
                        )
                results[scenario] = found
                print(row(scenario, found), flush=True)
            if "command" in chosen:
                env = client_environment(port)
                more = ["", command_line(max(4 * options.rounds, 20), folder, env)]
                print(more[-1])
    return results, more


def parse_arguments() -> tuple[argparse.Namespace, list[str]]:
    """What is asked for, and the scenarios of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--only", nargs="*", choices=[*SCENARIOS, *OTHERS])
    parser.add_argument("--rows", nargs="*", metavar="aioca_SCENARIO")
    parser.add_argument("--peers", nargs="*", choices=CONTENDERS)
    parser.add_argument("--publish", action="store_true", help="update the docs")
    options = parser.parse_args()
    chosen = options.only or [*SCENARIOS, *OTHERS]
    if options.rows is not None:
        rows = [name for name in options.rows if name.startswith("aioca_")]
        chosen = [name.removeprefix("aioca_") for name in rows]
        if unknown := set(chosen) - {*SCENARIOS, *OTHERS}:
            parser.error(f"no scenarios: {' '.join(sorted(unknown))}")
        if options.publish:
            parser.error("some rows make no table to publish")
    few = options.rows is not None
    options.rounds = options.rounds or (3 if few else 5)
    options.peers = options.peers or (GOAL_PEERS if few else CONTENDERS)
    return options, chosen


def main() -> None:
    """Runs the scenarios, prints a table and writes it down."""
    options, chosen = parse_arguments()
    if not chosen:
        return
    results, more = measure_all(options, chosen)
    lines = [HEAD, *(row(scenario, found) for scenario, found in results.items())]
    lines += more
    if "import" in chosen:
        lines += ["", import_line(max(options.rounds, 5))]
        print(lines[-1])
    folder = HERE.parent / "results"
    folder.mkdir(exist_ok=True)
    (folder / "aioca.json").write_text(json.dumps(results, indent=1))
    if options.publish:
        head = (
            f"Measured {time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC, Python "
            f"{platform.python_version()}, {options.rounds} rounds; medians ± the "
            "distance of the quartiles, smaller is better.\n\n"
        )
        (HERE.parent / "client.md").write_text(head + "\n".join(lines) + "\n")
        page = ROOT / "docs" / "explanation" / "performance-aioca.md"
        page.write_text(head + summary(results))


if __name__ == "__main__":
    main()
