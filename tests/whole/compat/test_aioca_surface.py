"""Every difference of names and signatures from the released aioca has its row."""

from __future__ import annotations

import json
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from support import changes
from support.peers import peer_python

SIDE = Path(__file__).parent / "aioca_surface_side.py"
ROWS = [row for row in changes.load("aioca").values() if row.names]


def surface(python) -> dict[str, object]:
    done = subprocess.run(
        [python, SIDE], text=True, capture_output=True, timeout=55, check=False
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, object] = json.loads(done.stdout)
    return told


@pytest.fixture(scope="module")
def different() -> dict[str, str]:
    released, ours = surface(peer_python("aioca")), surface(sys.executable)
    return {
        key: f"{released.get(key)} -> {ours.get(key)}"
        for key in released.keys() | ours.keys()
        if released.get(key) != ours.get(key)
    }


def explains(row: changes.Change, key: str) -> bool:
    return any(fnmatchcase(key, pattern) for pattern in row.names)


def test_every_difference_has_a_row(different):
    left = {
        key: told
        for key, told in sorted(different.items())
        if not any(explains(row, key) for row in ROWS)
    }
    assert not left, "\n".join(f"{key}: {told}" for key, told in left.items())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_every_pattern_of_a_row_occurs(row, different):
    unused = [
        pattern
        for pattern in row.names
        if not any(fnmatchcase(key, pattern) for key in different)
    ]
    assert not unused


def test_only_new_names_are_explained_as_such(different):
    # A wide pattern must not hide something that is gone.
    for key, told in different.items():
        if not told.startswith("None -> ") and " -> None" in told:
            rows = [row.id for row in ROWS if explains(row, key)]
            assert set(rows) & {"helpers", "channels-made"}, (key, told, rows)
