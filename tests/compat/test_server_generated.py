"""Random programs tell the same on the released pcaspy and here.

PROGRAMS=n in the environment runs n of them, from a seed that is new each time.
"""

from __future__ import annotations

import os
from collections import Counter

import pytest
from compat_programs import programs
from compat_run import Pair
from hypothesis import HealthCheck, given, seed, settings

PROGRAMS = int(os.environ.get("PROGRAMS", "0"))

pytestmark = [
    pytest.mark.generated,
    pytest.mark.timeout(0 if PROGRAMS else 600),
]


def test_random_programs(pair: Pair) -> None:
    used: Counter[str] = Counter()

    @settings(
        max_examples=PROGRAMS or 120,
        derandomize=not PROGRAMS,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        print_blob=True,
    )
    @given(programs())
    def run(program):
        used.update(pair.run(program))

    (seed(os.urandom(8)) if PROGRAMS else lambda f: f)(run)()
    print(dict(used))
