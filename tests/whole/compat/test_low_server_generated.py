"""Random servers of the low-level layer tell the same on the released pcaspy and here.

PROGRAMS: see compat_random.py.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator

import pytest
from compat_client import Side
from compat_low_programs import programs
from compat_low_run import CRASH, SCRIPT, LowPair
from compat_low_server_rules import RULES
from compat_random import MARKS, run_random

from support import changes
from support.peers import peer_python

pytestmark = MARKS


@pytest.fixture(scope="module")
def pair() -> Iterator[LowPair]:
    """Both servers."""
    sides = (
        Side(str(peer_python("pcaspy")), False, SCRIPT),
        Side(sys.executable, True, SCRIPT),
    )
    yield LowPair(*sides)
    for side in sides:
        side.stop()


def test_random_servers(pair: LowPair) -> None:
    used: Counter[str] = Counter()

    run_random(programs(), 60, lambda program: used.update([pair.run(program)]))
    print(dict(used))


# A PV and what is done to it, for each row and its rule; all before is told alike.
NUMBER = {"bestExternalType": 9, "value": 2.5, "getValue": "success"}
OPEN = [["open", 1, "joe"], ["channel", 1, "P", "P"]]
SHOWN = {
    CRASH: ({**NUMBER, "getValue": "raise"}, ["get", 1, "P", 6, 1]),
    "clear-unknown": ("pvNotFound", ["clear", 1, "P"]),
    "integer-as-text": (
        {"bestExternalType": 6, "value": 7, "getValue": "success"},
        ["get", 1, "P", 0, 1],
    ),
    "digits-of-text": ({**NUMBER, "value": 12345.678}, ["get", 1, "P", 0, 1]),
    "decimals-of-prec": (
        {**NUMBER, "getPrecision": [1, "success"]},
        ["get", 1, "P", 21, 1],
    ),
    "text-as-number": (
        {"value": "a word", "getValue": "success"},
        ["get", 1, "P", 6, 1],
    ),
    "put-callback-without-method": (
        {**NUMBER, "write": "success"},
        ["put", 1, "P", 6, [1.0], True],
    ),
    "failed-put-status": (
        {**NUMBER, "writeNotify": "noSupport"},
        ["put", 1, "P", 6, [1.0], True],
    ),
    "failed-get-status": ({"bestExternalType": 9}, ["get", 1, "P", 6, 1]),
    "first-read-fails": (
        {**NUMBER, "getValue": "undefined"},
        ["subscribe", 1, "P", "s", 6, 1, 1],
    ),
    "labels-by-read": (
        {"bestExternalType": 5, "value": 1, "getValue": "success", "read": True},
    ),
    "async-ended": (
        {**NUMBER, "writeNotify": "busy"},
        ["put", 1, "P", 6, [1.0], True],
        ["ask", {"do": "end", "reason": "P", "status": "success"}],
    ),
}


@pytest.mark.parametrize("row", SHOWN)
def test_each_row_is_shown(pair: LowPair, row: str) -> None:
    spec, *steps = SHOWN[row]
    assert pair.run({"pvs": {"P": spec}, "steps": [*OPEN, *steps]}) == row


def test_every_rule_has_its_row_and_every_row_its_rule() -> None:
    from compat_low_rules import RULES as VALUE_RULES

    tables = {**changes.load("pcaspy"), **changes.load("cas")}
    assert {row for row, _ in RULES} | {CRASH} == set(SHOWN) <= set(tables)
    rows = {row for row, told in changes.load("cas").items() if not told.names}
    assert rows <= set(SHOWN) | {row for row, _ in VALUE_RULES} | {"gdd-crash"}
