"""Random programs of aioca calls tell the same on the released package and on ours.

Against EPICS' own server and against this project's. PROGRAMS: see compat_random.py.
"""

from __future__ import annotations

import contextlib
import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aioca_programs import Generator
from compat_random import MARKS, PROGRAMS

from support.environment import client_environment
from support.peers import peer_python
from support.process import Child
from support.targets import BOTH, REFERENCE, Target

HERE = Path(__file__).parent
SIDE = HERE / "aioca_program_side.py"
COUNT = PROGRAMS or 40
SECONDS = 120

pytestmark = MARKS


def client(python: Any, port: int) -> Child:
    env = client_environment(port, PYTHONPATH=str(HERE.parents[1] / "support"))
    return Child([str(python), str(SIDE)], env)


class Side:
    """A client, and the server that it has to itself."""

    def __init__(self, server: str, python: Any, stack: contextlib.ExitStack) -> None:
        self.target = stack.enter_context(Target(server, prefix="J:"))
        self.client = stack.enter_context(client(python, self.target.udp[1]))

    def run(self, steps: list[dict[str, Any]]) -> list[Any]:
        """What the program tells of each step, and at its end."""
        told = []
        parts = [[]]
        for step in steps:
            if step["do"] == "restart":
                parts.append([])
            else:
                parts[-1].append(step)
        for number, part in enumerate(parts):
            if number:
                self.target.restart()
            told += self.client.ask(
                SECONDS,
                prefix=self.target.prefix,
                steps=part,
                begins=number == 0,
                ends=part is parts[-1],
            )
        return told


@pytest.fixture(scope="module", params=BOTH)
def sides(request) -> Iterator[tuple[bool, Side, Side]]:
    """The released client and ours."""
    with contextlib.ExitStack() as stack:
        pythons = peer_python("aioca"), sys.executable
        released, ours = (Side(request.param, python, stack) for python in pythons)
        yield request.param == REFERENCE, released, ours


def explained(step: dict[str, Any], released: Any, ours: Any) -> str | None:
    """The row of docs/changes/aioca.toml that tells of this difference."""
    if step["do"] == "caput" and ours[0][:1] == ["raised"]:
        if ours[0][1][0] in ("builtins.OverflowError", "builtins.ValueError"):
            return "no-wrap"
    if step["do"] == "caput" and step["options"].get("datatype") == 999:
        if "builtins.AttributeError" in str(released[0]):
            return "text-of-others"
    if step["do"] in ("connect", "cainfo") and isinstance(step["names"], list):
        if step["options"].get("wait") is False and "NO:SUCH:PV" in step["names"]:
            return "wait-of-lists"
    if step["do"] == "monitor" and not released[1]:
        # The released one may not have come to close it yet when it is asked.
        seen = [told for _, told in ours[1]]
        if any(told[0] == "CANothing" and told[2] == 152 for told in seen):
            return "failed-update"
    return None


def both_raised_of_several(step: dict[str, Any], released: Any, ours: Any) -> bool:
    """Of a list's failures the first is raised: which one that is, time decides."""
    return (
        isinstance(step.get("names"), list)
        and len(step["names"]) > 1
        and released[0][:1] == ours[0][:1] == ["raised"]
        and released[1:] == ours[1:]
    )


def test_random_programs(sides):
    fields, released, ours = sides
    seeds = random.sample(range(10**9), COUNT) if PROGRAMS else range(COUNT)
    used: dict[str, int] = {}
    for seed in seeds:
        steps = Generator(seed, fields).program()
        expected, told = released.run(steps), ours.run(steps)
        for number, step in enumerate([*steps, {"do": "end"}]):
            if told[number] == expected[number]:
                continue
            if both_raised_of_several(step, expected[number], told[number]):
                break
            row = explained(step, expected[number], told[number])
            assert row, (
                f"seed {seed}, step {number}: {json.dumps(step)}\n"
                f"released {json.dumps(expected[number])}\n"
                f"ours     {json.dumps(told[number])}"
            )
            used[row] = used.get(row, 0) + 1
            break  # from here on the PVs differ
    print(used)
