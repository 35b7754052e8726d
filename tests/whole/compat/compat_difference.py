"""What this project does differently on purpose, as rules that tests can apply.

Each rule belongs to a row of docs/changes/pcaspy.toml. It looks at what the released
package told in one step and changes that to what is told here; what is then still
different is a fault. Rules may use our side to read a value that the released one did
not tell, never to take it over unseen.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable
from typing import Any

Json = Any
Rule = Callable[["Difference"], bool]
RULES: dict[str, list[Rule]] = {}


class Difference:
    """One step on both sides.

    Attributes:
        program: The program that runs.
        before: Its steps up to this one.
        step: What it just did.
        released: What the released package told; rules change it.
        ours: What we told.
        channels: The reason of each (circuit, channel).
        busy: How many put callbacks of each reason were not answered.
        ends: A rule found that the sides go different ways from here on.
    """

    def __init__(
        self,
        program: dict[str, Json],
        number: int,
        released: Json,
        ours: Json,
        channels: dict[tuple[str, str], str],
        busy: Counter[str],
    ) -> None:
        self.program = program
        self.before = program["steps"][: number + 1]
        self.step = program["steps"][number]
        self.released = copy.deepcopy(released)
        self.ours = ours
        self.channels = channels
        self.busy = busy
        self.ends = False

    def asked(self, *what: str) -> list[dict[str, Json]]:
        """What the program was told to do up to now, of some kinds."""
        steps = [step[1] for step in self.before if step[0] == "ask"]
        return [step for step in steps if step["do"] in what]

    @property
    def same(self) -> bool:
        """Nothing is different any more."""
        return bool(self.released == self.ours)

    def spec(self, reason: str) -> dict[str, Json]:
        """The pvdb entry of a reason."""
        given: dict[str, Json] = self.program["pvs"].get(reason, {})
        return {"type": "float", "count": 1, **given}

    def kind(self) -> str:
        """The type of the PV that a client's step is about."""
        reason = self.channels.get((str(self.step[1]), self.step[2]), "")
        return str(self.spec(reason)["type"])

    def goes_on_with_ours(self) -> None:
        """The sides hold other values from here on."""
        self.released = copy.deepcopy(self.ours)
        self.ends = True

    def reason_of(self, circuit: str, name: str) -> str:
        """The PV of a channel or a subscription."""
        for step in self.before:
            if step[0] == "subscribe" and step[3] == name:
                name = step[2]
        return self.channels.get((circuit, name), "")

    def replies(self) -> list[tuple[str, list[Json], list[Json]]]:
        """Replies and updates that belong together: the PV, the released one, ours."""
        pairs = []
        for circuit, told in self.released["told"].items():
            ours = self.ours["told"].get(circuit, {})
            for key, items in told.items():
                for one, other in zip(items, ours.get(key, []), strict=False):
                    if not isinstance(one, list) or not isinstance(other, list):
                        continue
                    name = str(one[0]).partition(" ")[2] if key == "replies" else key
                    pairs.append((self.reason_of(circuit, name), one, other))
        return pairs


def rule(row: str) -> Callable[[Rule], Rule]:
    """Makes a function a rule of that row."""

    def register(function: Rule) -> Rule:
        RULES.setdefault(row, []).append(function)
        return function

    return register


def explain(difference: Difference) -> list[str]:
    """Applies the rules; the rows that were needed."""
    used = []
    for row, rules in RULES.items():
        for apply in rules:
            if difference.same:
                return used
            if apply(difference):
                used.append(row)
    return used


def where(told: list[Json]) -> int:
    """Where type, count and elements stand in a reply or update; -1: it has none."""
    for start in (1, 2):
        if len(told) > start + 2 and isinstance(told[start], int):
            return start
    return -1
