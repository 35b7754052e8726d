"""Builds the C++ tests of the engine and runs each case as a test of its own."""

import re
import subprocess
from pathlib import Path

import pytest

from support import engine

HERE = Path(__file__).parent
PVA = HERE.parent / "pva"
CASE_SECONDS = 60

# The first build may have to compile the whole engine.
pytestmark = pytest.mark.timeout(engine.BUILD_SECONDS + CASE_SECONDS)


def case_names(folder):
    """Names of the test cases, read from the sources: nothing is built to collect."""
    text = "".join(p.read_text() for p in sorted(folder.glob("test_*.cpp")))
    return re.findall(r'^TEST_CASE\(\s*"([^"]+)"\)', text, re.MULTILINE)


@pytest.fixture(scope="session")
def program():
    """Path of the program with all C++ tests."""
    return engine.built("engine_tests")


@pytest.fixture(scope="session")
def pva_program():
    """Path of the program with those of PVAccess."""
    return engine.built("pva_tests")


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


@pytest.mark.parametrize("name", case_names(HERE))
def test_case(program, name):
    done = run(program, name)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", case_names(PVA))
def test_case_of_pvaccess(pva_program, name):
    done = run(pva_program, name)
    assert done.returncode == 0, done.stdout


def test_all_cases_are_listed(program, pva_program):
    assert run(program, "--list").stdout.splitlines() == sorted(case_names(HERE))
    assert run(pva_program, "--list").stdout.splitlines() == sorted(case_names(PVA))


def test_the_programs_of_the_benchmarks_compile():
    engine.make("benchmarks")
