"""Builds the C++ tests of the engine and runs each case as a test of its own.

``SANITIZE=address,undefined pytest tests/cpp`` does so with sanitizers.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
BUILD_SECONDS = 900
CASE_SECONDS = 50

# The first build may have to compile the whole engine.
pytestmark = pytest.mark.timeout(BUILD_SECONDS + CASE_SECONDS)


def case_names():
    """Names of the test cases, read from the sources: nothing is built to collect."""
    text = "".join(p.read_text() for p in sorted(HERE.glob("test_*.cpp")))
    return re.findall(r'^TEST_CASE\("([^"]+)"\)', text, re.MULTILINE)


def make(*arguments):
    command = ["make", "--no-print-directory", "-C", HERE, f"PYTHON={sys.executable}"]
    done = subprocess.run(
        [*command, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )
    if done.returncode:
        pytest.fail(f"the engine does not build:\n{done.stdout[-8000:]}", pytrace=False)
    return done.stdout


@pytest.fixture(scope="session")
def program():
    """Path of the program with all C++ tests, built if it is not up to date."""
    make(f"-j{os.cpu_count()}")
    return make("path").strip()


def run(program, *arguments):
    return subprocess.run(
        [program, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=CASE_SECONDS,
        check=False,
    )


@pytest.mark.parametrize("name", case_names())
def test_case(program, name):
    done = run(program, name)
    assert done.returncode == 0, done.stdout


def test_all_cases_are_listed(program):
    assert run(program, "--list").stdout.splitlines() == sorted(case_names())


def test_the_programs_of_the_benchmarks_compile():
    make("benchmarks")
