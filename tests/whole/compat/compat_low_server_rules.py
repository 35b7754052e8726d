"""What servers of the low-level layer do differently here on purpose.

Each rule belongs to a row of docs/changes/cas.toml or pcaspy.toml. It looks at the
first step of a program that told something else; what comes after is not compared.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Json = Any


@dataclass
class Step:
    """The first step of a program that differs.

    Attributes:
        program: The program.
        number: Which of its steps.
        released: What it told on the released package.
        ours: What it told here.
    """

    program: Json
    number: int
    released: Json
    ours: Json

    @property
    def step(self) -> list[Json]:
        """What was done."""
        return list(self.program["steps"][self.number])

    @property
    def spec(self) -> dict[str, Json]:
        """The PV that it is about."""
        step = self.step
        reason = step[1]["reason"] if step[0] == "ask" else step[2]
        found = self.program["pvs"].get(reason)
        return found if isinstance(found, dict) else {}


Rule = Callable[[Step], bool]
RULES: list[tuple[str, Rule]] = []


def rule(row: str) -> Callable[[Rule], Rule]:
    """Makes a function a rule of that row."""

    def register(function: Rule) -> Rule:
        RULES.append((row, function))
        return function

    return register


def explained(step: Step) -> str:
    """The row that explains a difference; empty: none does."""
    for row, applies in RULES:
        if applies(step):
            return row
    return ""


def replies(told: Json) -> list[Json]:
    """What the circuit was answered."""
    return list(told["told"].get("1", {}).get("replies", []))


def updates(told: Json) -> dict[str, Json]:
    """The updates of each subscription."""
    known = ("replies", "rights")
    return {k: v for k, v in told["told"].get("1", {}).items() if k not in known}


@rule("clear-unknown")
def _clear_of_nothing(step: Step) -> bool:
    rest = [r for r in replies(step.released) if r[:2] != ["error", "BADCHID"]]
    return step.step[0] == "clear" and rest == replies(step.ours)


@rule("integer-as-text")
def _integers(step: Step) -> bool:
    def plain(told: Json) -> str:
        return re.sub(r"\b(\d+)\.0000\b", r"\1", str(told))

    return step.step[0] in ("get", "subscribe") and plain(step.released) == plain(
        step.ours
    )


@rule("digits-of-text")
def _digits(step: Step) -> bool:
    def short(told: Json) -> str:
        return re.sub(
            r"'(\d{5,}\.?\d*)'", lambda found: f"'{float(found[1]):g}'", str(told)
        )

    return step.step[0] in ("get", "subscribe") and short(step.released) == short(
        step.ours
    )


@rule("decimals-of-prec")
def _decimals(step: Step) -> bool:
    def plain(told: Json) -> str:
        return re.sub(r"'(-?\d+)\.?\d*'", r"\1", str(told))

    wanted = step.step[3] if step.step[0] == "get" else 1
    same = plain(step.released) == plain(step.ours)
    return wanted % 7 == 0 and "getPrecision" in step.spec and same


@rule("text-as-number")
def _text_as_number(step: Step) -> bool:
    if step.step[0] not in ("get", "subscribe"):
        return False
    kind = step.spec.get("bestExternalType", 11)
    wanted = step.step[3] if step.step[0] == "get" else step.step[4]
    return bool(kind == 11 and wanted % 7)


@rule("put-callback-without-method")
def _put_callback(step: Step) -> bool:
    put = step.step[0] == "put" and step.step[5]
    return bool(put and "writeNotify" not in step.spec and step.ours["calls"])


@rule("async-ended")
def _still_busy(step: Step) -> bool:
    return bool(
        step.step[0] == "ask"
        and (step.released["result"], step.ours["result"])
        == ([True, True], [True, False])
        and {**step.released, "result": step.ours["result"]} == step.ours
    )


@rule("failed-put-status")
def _failed_puts(step: Step) -> bool:
    there, here = replies(step.released), replies(step.ours)
    errors = [r for r in there if r[:2] == ["error", "NOCONVERT"]]
    same_calls = step.released["calls"] == step.ours["calls"]
    if step.step[0] not in ("put", "ask") or not same_calls or not errors:
        return False
    if len(there) == 2 * len(here):
        return [r for r in there if r[0] != "error"] == here
    return [[r[0], *r[2:]] for r in there] == [[r[0], *r[2:]] for r in here]


@rule("failed-get-status")
def _failed_gets(step: Step) -> bool:
    if step.step[0] != "get" or [r[1] for r in replies(step.ours)] != ["GETFAIL"]:
        return False
    without = "getValue" not in step.spec and step.step[3] >= 21
    return without or [r[1] for r in replies(step.released)] == ["NOCONVERT"]


@rule("first-read-fails")
def _first_reads(step: Step) -> bool:
    if step.step[0] != "subscribe":
        return False
    there, here = (
        updates(told).get(step.step[3]) for told in (step.released, step.ours)
    )
    return bool(there and here and there[0][0] in ("NOCONVERT", "GETFAIL"))


@rule("labels-by-read")
def _read_for_labels(step: Step) -> bool:
    reads = [call for call in step.released["calls"] if call[0] == "read"]
    others = [call for call in step.released["calls"] if call[0] != "read"]
    return bool(
        step.step[0] == "channel"
        and reads
        and {**step.released, "calls": others} == step.ours
    )
