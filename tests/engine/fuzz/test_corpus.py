"""Every file of the corpora, through its target, built by the ordinary compiler."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from support import engine

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"
TARGETS = sorted(path.name for path in CORPUS.iterdir())

# The first build may have to compile the whole engine.
pytestmark = pytest.mark.timeout(2 * engine.BUILD_SECONDS)


@pytest.fixture(scope="session")
def replay():
    """Path of the program that runs any target over files."""
    return engine.built("replay")


@pytest.mark.parametrize("target", TARGETS)
def test_corpus(replay, target):
    files = sorted((CORPUS / target).iterdir())
    done = subprocess.run(
        [replay, target, *files],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    assert len(done.stdout.splitlines()) == len(files)


def test_each_target_has_a_corpus():
    listed = re.search(r"^TARGETS \?= (.*)$", (HERE / "fuzz.mk").read_text(), re.M)
    assert listed is not None
    assert sorted(listed[1].split()) == TARGETS


def test_the_corpora_are_small():
    assert sum(path.stat().st_size for path in CORPUS.glob("*/*")) < 300_000


@pytest.mark.parametrize("target", TARGETS)
def test_the_invariant_comes_first(target):
    assert (HERE / f"{target}.hpp").read_text().startswith("// Invariant: ")
