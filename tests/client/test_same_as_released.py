"""Each scenario tells the same on this project's client and on the released one."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from scenarios import SCENARIOS

from support.peers import peer_python

HERE = Path(__file__).parent


def differences(ours, released, path=""):
    """The places where two things told differ, in a few words each."""
    if isinstance(ours, dict) and isinstance(released, dict):
        return [
            line
            for key in sorted(ours.keys() | released.keys())
            for line in differences(ours.get(key), released.get(key), f"{path}/{key}")
        ]
    if isinstance(ours, list) and isinstance(released, list):
        if len(ours) == len(released):
            pairs = zip(ours, released, strict=True)
            return [
                line
                for i, (one, other) in enumerate(pairs)
                for line in differences(one, other, f"{path}/{i}")
            ]
    if ours == released:
        return []
    return [f"{path}: ours {ours!r}, released {released!r}"]


@pytest.mark.parametrize("name", SCENARIOS)
def test_same(name, ours, released, p):
    expected = released.ask(40, name=name, prefix=p)
    told = ours.ask(40, name=name, prefix=p)
    found = differences(told, expected)
    assert not found, "\n".join(found)


SIDE = HERE / "same_side.py"
CASES = re.findall(r"@case\nasync def (\w+)", SIDE.read_text())


def told_by(python, case):
    done = subprocess.run(
        [python, SIDE, case],
        env={**os.environ, "PYTHONPATH": str(HERE.parent)},
        text=True,
        capture_output=True,
        timeout=55,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("case", CASES)
def test_same_against_a_puppet(case):
    expected = told_by(peer_python("aioca"), case)
    found = differences(told_by(sys.executable, case), expected)
    assert not found, "\n".join(found)
