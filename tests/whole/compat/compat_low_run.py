"""Runs a program of the low-level layer on both packages and says where they differ."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from compat_client import Died, Side, classes_only, prefixes
from compat_low_server_rules import Step, explained

CRASH = "cas-crash"
SCRIPT = Path(__file__).with_name("compat_low_server.py")
Json = Any


class LowPair:
    """The released package and ours.

    Args:
        released: The judge.
        ours: What is judged.
    """

    def __init__(self, released: Side, ours: Side) -> None:
        self.released = released
        self.ours = ours
        self._prefixes: Iterator[str] = prefixes()

    def run(self, program: dict[str, Json]) -> str:
        """Runs `program` up to the first difference; the row that explains it, or "".

        Raises:
            AssertionError: No row explains it.
        """
        program = json.loads(json.dumps(program))
        prefix = next(self._prefixes)
        for side in (self.released, self.ours):
            side.fresh()
            assert side.begin(prefix, program) is None
        for number, step in enumerate(program["steps"]):
            ours = classes_only(self.ours.do(step))
            try:
                told = classes_only(self.released.do(step))
            except Died:
                return CRASH
            if told != ours:
                row = explained(Step(program, number, told, ours))
                assert row, (
                    f"step {number}: {step}\nreleased {told}\nours     {ours}\n"
                    f"{json.dumps(program['pvs'])}\n"
                    + "\n".join(json.dumps(s) for s in program["steps"])
                )
                return row
        return ""
