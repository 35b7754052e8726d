"""Builds the programs of tests/engine/cpp: with ASan and UBSan, where there are.

``SANITIZE=thread pytest tests/engine/cpp`` chooses others, ``SANITIZE=`` none.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DIRECTORY = ROOT / "tests" / "engine" / "cpp"
BUILD_SECONDS = 900
USUAL = "address,undefined"


@functools.cache
def sanitizers() -> str:
    """What to compile with: a compiler may come without the sanitizers' libraries."""
    if "SANITIZE" in os.environ:
        return os.environ["SANITIZE"]
    compiler = shlex.split(os.environ.get("CXX", "g++"))
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [*compiler, "-x", "c++", "-", f"-fsanitize={USUAL}", "-o", f"{folder}/out"],
            input="int main() {}",
            text=True,
            capture_output=True,
            check=False,
        )
    return USUAL if done.returncode == 0 else ""


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """No other process of the tests builds meanwhile."""
    folder = ROOT / "build" / "cpp"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def make(*arguments: str) -> str:
    """What `make` in tests/engine/cpp prints; a test that cannot be built fails."""
    command = ["make", "--no-print-directory", "-C", str(DIRECTORY), *arguments]
    with alone():
        done = subprocess.run(
            [*command, f"PYTHON={sys.executable}", f"SANITIZE={sanitizers()}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=BUILD_SECONDS,
            check=False,
        )
    if done.returncode:
        pytest.fail(f"the engine does not build:\n{done.stdout[-8000:]}", pytrace=False)
    return done.stdout


def built(program: str) -> Path:
    """Path of one of its programs, built if it is not up to date."""
    make(f"-j{os.cpu_count()}", *([] if program == "engine_tests" else [program]))
    return Path(make("path").strip()).with_name(program)
