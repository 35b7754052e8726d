"""Puts one fault after the other into a copy of the tree; a named test must notice.

`make mutants`, or `run.py [--only TEXT] [--file NAME] [--resume]`.
The lists are the `.toml` files beside this one. Each entry:

    [[mutant]]
    name = "what is wrong then"
    file = "src/pcaspy/served/scan.py"
    old = '''text that stands there once'''
    new = '''the fault'''
    tests = "tests/server/unit/test_scan.py::test_drift" # of pytest, or "cpp", "pva"
    equivalent = "why nobody can notice it"       # left out but for those

A fault counts as noticed when the tests fail by themselves, not by a time-out. Faults
are compiled one after the other: nearly without optimisation, and with ccache where it
is installed, so that only what has changed is compiled.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
OUT = ROOT / "build" / "mutants"
TREE = OUT / "tree"
PYTHON = OUT / "venv" / "bin" / "python"
NOTICED = OUT / "noticed.txt"  # what an interrupted run has done
SECONDS = 240  # for the tests of one fault
WANTED = 0.95
OPTIMIZE = "-O0"
SOURCES = (".py", ".pyx", ".pxd", ".cpp", ".hpp")
CCACHE = {"CC": "ccache cc", "CXX": "ccache c++"} if shutil.which("ccache") else {}
ENV = {
    **CCACHE,
    **os.environ,
    "PCASPY_OPTIMIZE": OPTIMIZE,
    "PYTHONDONTWRITEBYTECODE": "1",
    # A test's own deadlines end before pytest's.
    "PYTEST_ADDOPTS": "-q -x -p no:cacheprovider --no-header --tb=line -o timeout=150",
}
# Warnings are no errors here: a fault may leave a variable without use.
MAKE_CPP = ["make", "-s", "-j2", "-C", "tests/engine/cpp", f"PYTHON={PYTHON}"]
MAKE_CPP += [f"OPTIMIZE={OPTIMIZE}", "WARNINGS="]

# Tests in C++ by the name that a list has for them: what is built, and what runs it.
CPP_TARGETS = {"cpp": ("engine_tests", "check"), "pva": ("pva_tests", "check-pva")}


class BadEntry(Exception):
    """An entry that is no fault: its text is not found, or does not compile."""


def entries(only: str, file: str) -> list[dict[str, Any]]:
    """The faults whose name contains `only`, from the lists named `file`."""
    found = []
    for path in sorted(HERE.glob("*.toml")):
        if file in path.name:
            found += tomllib.loads(path.read_text())["mutant"]
    return [entry for entry in found if only in entry["name"]]


def copy_tree() -> None:
    """A copy of all files that are tracked, and of those that are new."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.check_output(listed, cwd=ROOT, text=True).splitlines()
    for name in names:
        source, target = ROOT / name, TREE / name
        if not source.exists():
            continue
        if target.exists() and target.read_bytes() == source.read_bytes():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        note_change(target)
    there = {p for p in TREE.glob("[a-z]*/**/*.[cphx]*") if p.suffix in SOURCES}
    for gone in there - {TREE / name for name in names}:
        if not gone.with_suffix(".pyx").exists():  # then Cython has made it
            gone.unlink()
    peers = TREE / ".peers"
    if (ROOT / ".peers").exists() and not peers.exists():
        peers.symlink_to(ROOT / ".peers")


def make_environment() -> None:
    """An interpreter that finds the copy's packages, and the tools of this one.

    By a file of its own: PYTHONPATH would also reach the peers' interpreters.
    """
    make = [sys.executable, "-m", "venv", "--clear", "--without-pip", OUT / "venv"]
    subprocess.run(make, check=True)
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = subprocess.check_output([PYTHON, "-c", where], text=True).strip()
    tools = sysconfig.get_path("purelib")
    Path(site, "packages.pth").write_text(f"{TREE / 'src'}\n{tools}\n")


def build() -> bool:
    """Compiles the extension modules that a change is for; False if that fails."""
    with (OUT / "build.log").open("w") as out:
        for setup in ("setup.py", "client/setup.py"):
            command = [PYTHON, setup, "--quiet", "build_ext", "--inplace"]
            done = subprocess.run(
                command, cwd=TREE, env=ENV, stdout=out, stderr=out, check=False
            )
            if done.returncode:
                return False
    return True


def outcome(tests: list[str], seconds: float | None = SECONDS) -> str:
    """What the tests say: "passed", "noticed" or "timed out"."""
    in_cpp = CPP_TARGETS.get(tests[0])
    if in_cpp:
        program, check = in_cpp
        made = subprocess.run(
            [*MAKE_CPP, program], cwd=TREE, env=ENV, capture_output=True, check=False
        )
        if made.returncode:
            raise BadEntry(made.stderr.decode()[-2000:])
        command = [*MAKE_CPP, check]
    else:
        command = [str(PYTHON), "-m", "pytest", *tests]
    log = OUT / "tests.log"
    with (
        log.open("w") as out,
        ended(
            subprocess.Popen(
                command,
                cwd=TREE,
                env=ENV,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        ) as running,
    ):
        try:
            code = running.wait(seconds)
        except subprocess.TimeoutExpired:
            return "timed out"
    said = log.read_text(errors="replace")
    if "from pytest-timeout" in said:
        return "timed out"
    if not in_cpp and code in (4, 5):
        raise BadEntry(f"no such tests: {tests}\n{said[-500:]}")
    return "noticed" if code else "passed"


@contextlib.contextmanager
def ended(running: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Ends the process and all that it has left running."""
    try:
        yield running
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
        running.wait()


def is_compiled(name: str) -> bool:
    """Whether a change of that file needs a build."""
    return Path(name).suffix != ".py"


def attempt(entry: dict[str, Any]) -> str:
    """The outcome of one fault."""
    path = TREE / entry["file"]
    whole = path.read_text()
    if whole.count(entry["old"]) != 1:
        raise BadEntry(f"{whole.count(entry['old'])} places in {entry['file']}")
    try:
        path.write_text(whole.replace(entry["old"], entry["new"]))
        note_change(path)
        compiled = is_compiled(entry["file"]) and entry["tests"] not in CPP_TARGETS
        if compiled and not build():
            raise BadEntry((OUT / "build.log").read_text()[-2000:])
        return outcome(shlex.split(entry["tests"]))
    finally:
        path.write_text(whole)
        note_change(path)


def note_change(path: Path) -> None:
    """Lets the next build see that `path` is new.

    setuptools looks at the sources' time only: with a header they all are new. Not what
    Cython has made: it would seem to be newer than what it is made of.
    """
    if path.suffix == ".hpp":
        for source in (*TREE.rglob("*.cpp"), *TREE.rglob("*.pyx")):
            if source.suffix == ".pyx" or not source.with_suffix(".pyx").exists():
                source.touch()


def mark(entry: dict[str, Any]) -> str:
    """By what an entry is known again, as long as it stays as it is."""
    return hashlib.sha256(repr(sorted(entry.items())).encode()).hexdigest()


def run(chosen: list[dict[str, Any]]) -> dict[str, list[str]]:
    """All faults but those noticed before; the names by outcome."""
    before = set(NOTICED.read_text().split()) if NOTICED.exists() else set()
    results: dict[str, list[str]] = {}
    stale = False  # the modules of the copy have a fault that is not in the sources
    for entry in chosen:
        if mark(entry) in before:
            results.setdefault("noticed", []).append(entry["name"])
            continue
        begin = time.monotonic()
        needs_modules = entry["tests"] not in CPP_TARGETS
        if stale and needs_modules and not is_compiled(entry["file"]):
            build()
            stale = False
        try:
            result = attempt(entry)
        except BadEntry as error:
            result = "bad entry"
            print(error)
        stale = stale or (needs_modules and is_compiled(entry["file"]))
        if result != "noticed" and "equivalent" in entry:
            result = "equivalent"
        if result == "noticed":
            with NOTICED.open("a") as file:
                file.write(mark(entry) + "\n")
        results.setdefault(result, []).append(entry["name"])
        print(f"{result:10} {time.monotonic() - begin:5.0f} s  {entry['name']}")
        sys.stdout.flush()
    return results


def passes_without(chosen: list[dict[str, Any]]) -> bool:
    """Whether all tests of these faults pass as long as there is none."""
    wanted = {test for entry in chosen for test in shlex.split(entry["tests"])}
    in_cpp = [[name] for name in CPP_TARGETS if name in wanted]
    others = sorted(wanted - CPP_TARGETS.keys())
    if others and not build():
        print((OUT / "build.log").read_text())
        return False
    for tests in filter(None, (*in_cpp, others)):
        if outcome(tests, seconds=None) != "passed":
            print(f"without a fault:\n{(OUT / 'tests.log').read_text()}")
            return False
    return True


def main() -> int:
    """Prints what became of each fault; 1 if too few were noticed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="faults with this in their name")
    parser.add_argument("--file", default="", help="lists with this in their name")
    parser.add_argument(
        "--resume", action="store_true", help="without those the last run has noticed"
    )
    arguments = parser.parse_args()
    # Those that need no build first, then file by file.
    chosen = entries(arguments.only, arguments.file)
    chosen.sort(
        key=lambda e: (is_compiled(e["file"]), e["tests"] not in CPP_TARGETS, e["file"])
    )
    if not chosen:
        parser.error("no such fault")
    TREE.mkdir(parents=True, exist_ok=True)
    if not arguments.resume:
        NOTICED.unlink(missing_ok=True)
    copy_tree()
    make_environment()
    if not passes_without(chosen):
        return 1
    results = run(chosen)
    noticed = len(results.get("noticed", []))
    counted = len(chosen) - len(results.get("equivalent", []))
    print(f"{noticed} of {counted} faults noticed")
    for result in set(results) - {"noticed"}:
        for name in results[result]:
            print(f"  {result}: {name}")
    return 0 if noticed >= WANTED * counted and "bad entry" not in results else 1


if __name__ == "__main__":
    sys.exit(main())
