"""A server that answers with another type or count than it was asked for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
FAMILY = {"raw": 0, "time": 14, "ctrl": 28, "monitor": 14}


@pytest.mark.parametrize("seed", range(3))
def test_a_value_of_another_type_is_refused(seed):
    done = subprocess.run(
        [sys.executable, HERE / "lying_side.py", str(seed)],
        env={**os.environ, "PYTHONPATH": str(HERE.parent)},
        text=True,
        capture_output=True,
        timeout=50,
    )
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == 35 * 5 * 4
    for answer in answers:
        assert answer["ok"] == right(answer), answer
        if not answer["ok"]:
            continue
        # One element is announced: what comes is a scalar, however much it is.
        scalar = answer["name"] == "ONE" and answer["count"] > 0
        assert answer["scalar"] == scalar, answer
        assert answer["elements"] == (1 if scalar else answer["count"]), answer


def right(answer):
    """Whether the answer has the type that was asked for."""
    family = FAMILY[answer["form"]]
    if answer["form"] == "ctrl" and answer["native"] == 0:
        family = FAMILY["time"]  # a string has no more than that
    return answer["type"] == family + answer["native"]
