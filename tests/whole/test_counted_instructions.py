"""The guard of the hot paths: a slower operation is found, and nothing else is.

It runs on a small repository of its own, with the real compiler and valgrind.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MICRO = "benchmarks/micro/micro.cpp"
BASELINE = "benchmarks/micro/baseline.json"
PROGRAM = """
volatile unsigned long sink;
extern "C" [[gnu::noinline]] void op_add() {
    for (int i = 0; i < 1000; ++i) { for (int k = 0; k < 100; ++k) sink = sink + 1; }
}
extern "C" [[gnu::noinline]] void op_store() {
    for (int i = 0; i < 1000; ++i) sink = 3;
}
int main() { op_add(); op_store(); return 0; }
"""

needs_valgrind = pytest.mark.skipif(
    not shutil.which("valgrind"), reason="without it the guard counts nothing"
)


@pytest.fixture
def tree(tmp_path):
    """A repository with the guard, and a program of two operations as the baseline."""
    folder = tmp_path / "tree"
    (folder / "benchmarks" / "micro").mkdir(parents=True)
    (folder / "ext" / "base").mkdir(parents=True)
    (folder / "ext" / "base" / "empty.hpp").touch()
    shutil.copy(ROOT / "benchmarks" / "micro" / "micro.py", folder / "benchmarks/micro")
    (folder / MICRO).write_text(PROGRAM)
    (folder / BASELINE).write_text("{}\n")
    git(folder, "init", "--quiet")
    commit(folder)
    return folder


def git(folder, *arguments):
    who = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    subprocess.run(["git", "-C", folder, *who, *arguments], check=True)


def commit(folder):
    git(folder, "add", "benchmarks", "ext")
    git(folder, "commit", "--quiet", "--message", "change")


def count(folder, *arguments, path=None):
    """What the guard ends with, and the lines it prints."""
    done = subprocess.run(
        [
            sys.executable,
            folder / "benchmarks/micro/micro.py",
            "--starts=1",
            *arguments,
        ],
        env=os.environ | {"PATH": path or os.environ["PATH"]},
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.returncode, done.stdout.splitlines()


def change(folder, old, new):
    program = (folder / MICRO).read_text()
    assert old in program
    (folder / MICRO).write_text(program.replace(old, new))


@needs_valgrind
def test_a_slower_operation_fails_until_it_is_the_baseline(tree):
    change(tree, "k < 100", "k < 102")
    commit(tree)
    ended, lines = count(tree)
    assert (ended, lines[-1].split(" than ")[0]) == (
        0,
        "bench-micro: nothing takes over 3 % more",
    )
    change(tree, "k < 102", "k < 104")
    commit(tree)
    ended, lines = count(tree)
    assert ended == 1
    assert [line.split()[0] for line in lines if "WORSE" in line] == ["add"]
    assert count(tree, "--store")[0] == 0
    ended, lines = count(tree)
    assert (ended, lines[-1].split(" to make")[0]) == (
        0,
        f"bench-micro: nothing was compared: commit {BASELINE}",
    )


@needs_valgrind
def test_an_operation_that_is_gone_fails(tree):
    change(tree, "op_store();", "")
    ended, lines = count(tree)
    assert ended == 1
    assert "store (not counted)" in lines[-2]


@needs_valgrind
def test_without_its_history_it_says_so(tree, tmp_path):
    cut = tmp_path / "cut"
    git(tree, "clone", "--quiet", "--depth=1", f"file://{tree}", cut)
    ended, lines = count(cut)
    assert ended == 0
    assert lines[-1] == (
        "bench-micro: nothing was compared: the history that has the baseline was not "
        "cloned."
    )


def test_without_valgrind_it_says_so_in_one_line(tree, tmp_path):
    assert count(tree, path=str(tmp_path)) == (
        0,
        ["bench-micro: valgrind is not installed, no instructions were counted."],
    )
