"""Runs a program on both packages and says where they differ."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from compat_client import Died, Side, classes_only, outline, prefixes
from compat_explain import Difference, diverges, explain

Json = Any


class Pair:
    """The released package and ours.

    Args:
        released: The judge.
        ours: What is judged.
    """

    def __init__(self, released: Side, ours: Side) -> None:
        self.released = released
        self.ours = ours
        self._prefixes: Iterator[str] = prefixes()

    def run(self, program: dict[str, Json], to_the_end: bool = False) -> list[str]:
        """Runs `program` on both; the rows of intended changes that were needed.

        Args:
            program: As compat_programs makes it.
            to_the_end: Go on where the sides may hold different values.

        Raises:
            AssertionError: They differ where no row says so.
        """
        program = json.loads(json.dumps(program))
        prefix = next(self._prefixes)
        for side in (self.released, self.ours):
            side.fresh()
        try:
            told = self.released.begin(prefix, program)
        except Died:  # of what an earlier program has done to its memory
            self.released.fresh()
            told = self.released.begin(prefix, program)
        started = [told, self.ours.begin(prefix, program)]
        assert started[0] == started[1], f"{started}\n{outline(program)}"
        used: list[str] = []
        channels: dict[tuple[str, str], str] = {}
        busy: Counter[str] = Counter()
        for number, step in enumerate(program["steps"]):
            if step[0] == "channel":
                channels[str(step[1]), step[2]] = step[3]
            try:
                told = self.released.do(step)
            except Died:
                self.ours.do(step)
                return [*used, "crash"]
            told, ours = classes_only(told), classes_only(self.ours.do(step))
            difference = Difference(program, number, told, ours, channels, busy)
            if not difference.same:
                used += explain(difference)
            assert difference.same, (
                f"step {number}: {step}\nreleased {told}\nours     {difference.ours}\n"
                f"{outline(program)}"
            )
            if difference.ends or (diverges(difference) and not to_the_end):
                break
        return used
