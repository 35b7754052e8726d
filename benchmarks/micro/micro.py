"""Count the instructions of the codec and snapshot paths.

    python benchmarks/micro/micro.py            print and compare with baseline.json
    python benchmarks/micro/micro.py --store    make these counts the baseline

Ends with status 1 when an operation takes over a tenth more instructions than in the
baseline. The counts are callgrind's: they do not depend on the machine's load, only on
compiler and library versions, so a new compiler asks for a new baseline.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import epicscorelibs.path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = ROOT / "build" / "bench"
BASELINE = HERE / "baseline.json"
ENGINE_FOLDERS = ("access", "base", "proto", "dbr", "pv")
REPEAT = 1000  # as in micro.cpp
TOLERANCE = 1.1


def compile_program():
    """Compile with the options of the extension module; return the path."""
    BUILD.mkdir(parents=True, exist_ok=True)
    target = BUILD / "micro"
    folders = [ROOT / "ext" / name for name in ENGINE_FOLDERS]
    sources = [str(p) for f in folders for p in sorted(f.glob("*.cpp"))]
    includes = [f"-I{ROOT / 'ext'}", f"-I{epicscorelibs.path.include_path}"]
    options = ["-std=c++20", "-O3", "-fvisibility=hidden", "-Dlinux", "-DUNIX"]
    source = str(HERE / "micro.cpp")
    command = ["c++", *options, *includes, source, *sources, "-o", str(target)]
    libraries = epicscorelibs.path.lib_path
    link = [
        f"-L{libraries}",
        f"-Wl,-rpath,{libraries}",
        "-ldbCore",
        "-lCom",
        "-pthread",
    ]
    subprocess.run([*command, *link], check=True)
    return target


def run(command):
    """Run a tool and return what it printed."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command[0]} failed: {done.stderr}")
    return done.stdout


def count_instructions(program):
    """Return instructions per operation by the operation's name."""
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "callgrind.out")
        valgrind = ["valgrind", "--tool=callgrind", "--toggle-collect=op_*"]
        run([*valgrind, f"--callgrind-out-file={out}", str(program)])
        annotate = ["callgrind_annotate", "--inclusive=yes", "--threshold=100", out]
        lines = run(annotate).splitlines()
    counts = {}
    for line in lines:
        found = re.match(r"\s*([\d,]+) .*:op_(\w+)", line)
        if found:
            counts[found[2]] = int(found[1].replace(",", "")) / REPEAT
    return counts


def compare(counts, baseline):
    """Print every count beside its baseline; return the names that became worse."""
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
    return worse


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--store", action="store_true", help="make a new baseline")
    arguments = parser.parse_args()
    counts = dict(sorted(count_instructions(compile_program()).items()))
    baseline = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    print(f"{'operation':32} {'instr.':>10} {'baseline':>10}  change")
    worse = compare(counts, baseline)
    if arguments.store:
        BASELINE.write_text(json.dumps(counts, indent=1) + "\n")
    elif worse:
        sys.exit("more instructions than the baseline: " + ", ".join(worse))


if __name__ == "__main__":
    main()
