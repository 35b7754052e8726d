"""Count the instructions of the codec and snapshot paths.

    python benchmarks/micro/micro.py            count, and compare with the baseline
    python benchmarks/micro/micro.py --store    make this code the baseline
    python benchmarks/micro/micro.py --count    print the counts as JSON

Ends with status 1 when an operation takes over 3 % more instructions than the baseline,
or is not counted any more. The counts are callgrind's: they do not depend on the
machine's load, but on compiler, C library and processor. Therefore the baseline is
code, not numbers: that of the last commit that changed baseline.json. It is compiled
and counted here, with the same compiler. The numbers in baseline.json are what --store
counted on its machine.

To renew the baseline, commit what --store writes together with the code it counted.
Without valgrind, or without the history of the repository, nothing is compared.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from io import BytesIO
from pathlib import Path

import epicscorelibs.path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = ROOT / "build" / "bench"
BASELINE = HERE / "baseline.json"
ENGINE_FOLDERS = ("access", "base", "proto", "dbr", "pv")
COMPILER = os.environ.get("CXX", "c++").split()
REPEAT = 1000  # as in micro.cpp
# The key of the names' hash is drawn at each start, and so are its collisions: the
# smallest count of several starts varies by less than half a percent.
STARTS = 5
TOLERANCE = 1.03


class NothingToCompareError(Exception):
    """Why there is no baseline here."""


def run(command, **options):
    """Run a tool and return what it printed."""
    done = subprocess.run(command, capture_output=True, **options)
    if done.returncode:
        errors = done.stderr if options.get("text") else done.stderr.decode()
        sys.exit(f"{command[0]} failed: {errors}")
    return done.stdout


def compile_program():
    """Compile with the options of the extension module, if need be; return the path."""
    BUILD.mkdir(parents=True, exist_ok=True)
    target = BUILD / "micro"
    folders = [ROOT / "ext" / name for name in ENGINE_FOLDERS]
    sources = [
        HERE / "micro.cpp",
        *(p for f in folders for p in sorted(f.glob("*.cpp"))),
    ]
    libraries = epicscorelibs.path.lib_path
    command = [
        *COMPILER,
        *("-std=c++20", "-O3", "-fvisibility=hidden", "-Dlinux", "-DUNIX"),
        *(f"-I{ROOT / 'ext'}", f"-I{epicscorelibs.path.include_path}"),
        *map(str, sources),
        *("-o", str(target), f"-L{libraries}", f"-Wl,-rpath,{libraries}"),
        *("-ldbCore", "-lCom", "-pthread"),
    ]
    # How it was made: a program of another compiler is none of this one's.
    made = BUILD / "micro.made"
    how = run([*COMPILER, "--version"], text=True) + " ".join(command)
    newest = max(p.stat().st_mtime for p in (*sources, *ROOT.glob("ext/*/*.hpp")))
    known = made.exists() and made.read_text() == how
    if not (known and target.exists() and target.stat().st_mtime > newest):
        run(command, text=True)
        made.write_text(how)
    return target


def count_once(program):
    """Return instructions per operation by the operation's name, of one start."""
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "callgrind.out")
        valgrind = ["valgrind", "--tool=callgrind", "--toggle-collect=op_*"]
        run([*valgrind, f"--callgrind-out-file={out}", str(program)], text=True)
        annotate = ["callgrind_annotate", "--inclusive=yes", "--threshold=100", out]
        lines = run(annotate, text=True).splitlines()
    counts = {}
    for line in lines:
        found = re.match(r"\s*([\d,]+) .*:op_(\w+)", line)
        if found:
            counts[found[2]] = int(found[1].replace(",", "")) / REPEAT
    return counts


def count_instructions(starts):
    """Return the smallest count of each operation."""
    program = compile_program()
    counted = [count_once(program) for _ in range(starts)]
    return {name: min(c[name] for c in counted) for name in sorted(counted[0])}


def git(*arguments):
    """Ask git about the repository; None if it does not know."""
    done = subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True)
    return None if done.returncode else done.stdout


def baseline_commit():
    """Return the commit whose code is the baseline."""
    path = str(BASELINE.relative_to(ROOT))
    if shutil.which("git") is None or git("rev-parse", "HEAD") is None:
        raise NothingToCompareError("there is no history to take the baseline from")
    if git("rev-parse", "--is-shallow-repository") == b"true\n":
        raise NothingToCompareError("the history that has the baseline was not cloned")
    if git("diff", "--quiet", "HEAD", "--", path) is None:
        raise NothingToCompareError(f"commit {path} to make it the baseline")
    commit = (git("log", "-1", "--format=%H", "--", path) or b"").decode().strip()
    if not commit:
        raise NothingToCompareError(
            "there is no baseline: `micro.py --store` makes one"
        )
    return commit


def count_baseline(commit, starts):
    """Return what the code of a commit takes, with the compiler used here."""
    tree = BUILD / "baseline" / commit
    if not tree.exists():
        shutil.rmtree(tree.parent, ignore_errors=True)
        archive = run(["git", "-C", ROOT, "archive", commit, "ext", "benchmarks/micro"])
        with tarfile.open(fileobj=BytesIO(archive)) as files:
            files.extractall(tree)
    program = tree / "benchmarks" / "micro" / "micro.py"
    command = [sys.executable, str(program), "--count", "--starts", str(starts)]
    return json.loads(run(command, text=True))


def compare(counts, baseline):
    """Print every count beside its baseline; return what became worse or is gone."""
    print(f"{'operation':32} {'instr.':>10} {'baseline':>10}  change")
    worse = []
    for name, count in counts.items():
        before = baseline.get(name)
        note = ""
        if before:
            note = f"{before:10.1f} {100 * (count / before - 1):+7.1f} %"
            if count > TOLERANCE * before:
                worse.append(name)
                note += "  WORSE"
        print(f"{name:32} {count:10.1f} {note}")
    return worse + [f"{name} (not counted)" for name in baseline if name not in counts]


def store(counts):
    """Write the numbers down; the commit that has them is the baseline."""
    compiler = run([*COMPILER, "--version"], text=True).splitlines()[0]
    content = {"compiler": compiler, "instructions": counts}
    BASELINE.write_text(json.dumps(content, indent=1) + "\n")


def guard(starts):
    """Count and compare; return what to end with."""
    if shutil.which("valgrind") is None:
        print("bench-micro: valgrind is not installed, no instructions were counted.")
        return 0
    counts = count_instructions(starts)
    try:
        commit = baseline_commit()
    except NothingToCompareError as error:
        compare(counts, {})
        print(f"bench-micro: nothing was compared: {error}.")
        return 0
    worse = compare(counts, count_baseline(commit, starts))
    if not worse:
        print(f"bench-micro: nothing takes over 3 % more than in {commit[:10]}.")
        return 0
    print(f"bench-micro: more instructions than in {commit[:10]}: {', '.join(worse)}.")
    print(
        "If that is meant, run benchmarks/micro/micro.py --store and commit its file."
    )
    return 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--store", action="store_true", help="make a new baseline")
    parser.add_argument("--count", action="store_true", help="print JSON only")
    parser.add_argument("--starts", type=int, default=STARTS, help="of the program")
    arguments = parser.parse_args()
    if not (arguments.store or arguments.count):
        sys.exit(guard(arguments.starts))
    counts = count_instructions(arguments.starts)
    if arguments.store:
        compare(counts, {})
        store(counts)
    else:
        print(json.dumps(counts))


if __name__ == "__main__":
    main()
