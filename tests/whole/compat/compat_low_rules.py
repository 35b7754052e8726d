"""What values of the low-level layer do differently here on purpose.

Each rule belongs to a row of docs/changes/cas.toml. It looks at the first statement of
a case that told something else here; what comes after it is not compared.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Json = Any
UNSIGNED = re.compile(r"'u[24]'")
TEXT_PUT = re.compile(r"g\.(put|putConvertString)\((b?'.*|made\('.*)\)$", re.DOTALL)
SEQUENCE_PUT = re.compile(r"g\.put\(([\[(].*|np\.array\(\[.*)\)$", re.DOTALL)
CHARS, TEXTS = (1, 2), (10, 11)


@dataclass
class Difference:
    """The first statement of a case that differs.

    Attributes:
        statement: It.
        before: What the gdd said of itself before it, there and here alike.
        released: What it returned or raised on the released package.
        ours: The same here.
        states: What the gdd says of itself after it, there and here.
    """

    statement: str
    before: Json
    released: Json
    ours: Json
    states: tuple[Json, Json]

    @property
    def fields(self) -> set[str]:
        """What of the state differs."""
        there, here = self.states
        return {name for name in there if there[name] != here[name]}

    @property
    def same_result(self) -> bool:
        """The statement itself told the same."""
        return bool(self.released == self.ours)


Rule = Callable[[Difference], bool]
RULES: list[tuple[str, Rule]] = []


def rule(row: str) -> Callable[[Rule], Rule]:
    """Makes a function a rule of that row."""

    def register(function: Rule) -> Rule:
        RULES.append((row, function))
        return function

    return register


def raised(told: Json) -> str:
    """The class of an exception; empty: there was none."""
    return str(told["raised"]) if isinstance(told, dict) and "raised" in told else ""


def numbers(told: Json) -> list[Any]:
    """The items of a list that was told."""
    return told[1:] if isinstance(told, list) and told[:1] == ["list"] else [told]


@rule("gdd-errors")
def _errors_of_python(d: Difference) -> bool:
    return raised(d.released) == "SystemError" and raised(d.ours) == "TypeError"


@rule("gdd-accepts-more")
def _accepted(d: Difference) -> bool:
    odd = "np.array(3)", "memoryview", "np.array(['p', 'q'])", "np.str_"
    return bool(
        raised(d.released) and not raised(d.ours) and any(o in d.statement for o in odd)
    )


@rule("gdd-fixed-text")
def _fixed_text(d: Difference) -> bool:
    reads = "getConvertNumeric", "getStringArray", "getNumericArray", "getCharArray"
    if d.states[1]["prim"] == 10 and not d.states[1]["scalar"]:
        return d.same_result and d.fields == {"get"}
    return d.before["prim"] == 10 and any(name in d.statement for name in reads)


@rule("gdd-unsigned")
def _unsigned(d: Difference) -> bool:
    prims = {(3, 4), (6, 7)}
    there, here = d.states
    return bool(
        UNSIGNED.search(d.statement)
        and d.same_result
        and d.fields <= {"prim", "get"}
        and (there["prim"], here["prim"]) in prims
    )


@rule("gdd-text-to-char")
def _text_to_char(d: Difference) -> bool:
    return bool(
        TEXT_PUT.match(d.statement)
        and "made(" not in d.statement
        and d.before["prim"] in CHARS
        and d.before["scalar"]
    )


@rule("gdd-char-text")
def _char_text(d: Difference) -> bool:
    there, here = d.states
    text = there["get"], here["get"]
    if here["prim"] in CHARS and d.fields == {"get"}:
        beyond = [c for c in str(text[1]) if ord(c) > 127]
        return bool(beyond) or _beyond(d)
    return "\\" in d.statement and d.fields <= {"size", "get", "bound"}


def _beyond(d: Difference) -> bool:
    return bool(
        re.search(r"e9|e10|e300|1<<70|inf|nan|9999999|70000|\d{10}", d.statement)
    )


@rule("gdd-out-of-range")
def _out_of_range(d: Difference) -> bool:
    return _beyond(d) and d.same_result and d.fields == {"get"}


@rule("gdd-read-as-hex")
def _hexadecimal(d: Difference) -> bool:
    put = TEXT_PUT.match(d.statement)
    text = put[2] if put else ""
    letters = re.match(r"(?:made\()?'\s*[a-fA-F]", text)
    reads = "getConvertNumeric" in d.statement or "Array(" in d.statement
    of_text = d.before["prim"] in TEXTS and reads
    return bool(letters and d.fields == {"get"}) or of_text


@rule("gdd-text-arrays")
def _texts_into_numbers(d: Difference) -> bool:
    return "made(['p', 'q'])" in d.statement and d.before["prim"] not in (0, *TEXTS)


@rule("gdd-uninitialized")
def _uninitialized(d: Difference) -> bool:
    asked = re.match(r"g\.get(?:Numeric|Char|String)Array\((\d+)\)", d.statement)
    if asked and d.fields == set():
        there = (
            d.before["size"] if d.before["prim"] and d.before["get"] != ["list"] else 0
        )
        held = slice(0, min(there, int(asked[1])))
        return numbers(d.released)[held] == numbers(d.ours)[held]
    if d.statement.startswith("g.getBound"):
        return bool(d.released[:2] == d.ours[:2] and d.ours[1] < 0)
    if d.statement.startswith("g.getConvertNumeric"):
        return d.before["prim"] == 0 or d.before["size"] == 0
    if d.statement.startswith("g.getConvertString"):
        return not d.before["scalar"]
    return d.statement.startswith("g.setBound") and d.fields == {"get"}


@rule("gdd-dimensions")
def _dimensions(d: Difference) -> bool:
    if d.statement == "g.setDimension(0)":
        return not d.before["scalar"] and d.fields == {"get"}
    return d.statement == "g.setDimension(2)" and raised(d.ours) == "ValueError"


@rule("gdd-set-type")
def _set_type(d: Difference) -> bool:
    return d.statement.startswith("g.setPrimType") and d.fields <= {"get", "size"}


def explained(difference: Difference) -> str:
    """The row that explains a difference; empty: none does."""
    for row, applies in RULES:
        if applies(difference):
            return row
    return ""


def first_difference(case: tuple[str, ...], there: Json, here: Json) -> Difference:
    """Where a case that ran to its end on both sides told something else."""
    number = next(i for i in range(len(case)) if there[i] != here[i])
    fresh = {"prim": 0, "scalar": True, "size": 1, "get": 0}
    before = there[number - 1][1] if number else fresh
    return Difference(
        case[number],
        before,
        there[number][0],
        here[number][0],
        (there[number][1], here[number][1]),
    )
