"""Builds the C++ tests of the engine and runs each case as a test of its own."""

import re
import subprocess
from pathlib import Path

import pytest

from support import engine

HERE = Path(__file__).parent
CASE_SECONDS = 60

# The first build may have to compile the whole engine.
pytestmark = pytest.mark.timeout(engine.BUILD_SECONDS + CASE_SECONDS)


def case_names():
    """Names of the test cases, read from the sources: nothing is built to collect."""
    text = "".join(p.read_text() for p in sorted(HERE.glob("test_*.cpp")))
    return re.findall(r'^TEST_CASE\(\s*"([^"]+)"\)', text, re.MULTILINE)


@pytest.fixture(scope="session")
def program():
    """Path of the program with all C++ tests."""
    return engine.built("engine_tests")


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
    engine.make("benchmarks")
