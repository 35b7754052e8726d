"""gdd and time stamps tell the same on the released pcaspy and here.

PROGRAMS: see compat_random.py.
"""

from __future__ import annotations

import os
import sys
from collections import Counter

import pytest
from compat_low_rules import RULES, explained, first_difference
from compat_low_values import Case, run_both, sequences, tables
from compat_random import PROGRAMS

from support import changes
from support.peers import peer_python

CRASH = "gdd-crash"

pytestmark = pytest.mark.timeout(0 if PROGRAMS else 600)


def compare(cases: list[Case]) -> Counter[str]:
    """How many cases each row explains; fails where none does."""
    used: Counter[str] = Counter()
    faults = []
    for case, there, here in run_both(
        str(peer_python("pcaspy")), sys.executable, cases
    ):
        if isinstance(here, dict):
            faults.append(f"{case}: the process died here")
        elif isinstance(there, dict):
            used[CRASH] += 1
        elif there != here:
            difference = first_difference(case, there, here)
            row = explained(difference)
            used[row] += 1
            if not row:
                faults.append(f"{case}: {difference}")
    assert not faults, "\n".join(faults[:20])
    return used


def test_each_value_into_each_type_and_each_call():
    used = compare(tables())
    rows = {row for row, _ in RULES}
    assert set(used) == rows | {CRASH}
    assert rows <= set(changes.load("cas"))


def test_random_sequences_generated():
    print(dict(compare(sequences(PROGRAMS or 200, PROGRAMS and os.urandom(8)))))
