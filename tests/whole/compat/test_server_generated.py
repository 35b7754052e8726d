"""Random programs tell the same on the released pcaspy and here.

PROGRAMS: see compat_random.py.
"""

from __future__ import annotations

from collections import Counter

from compat_programs import programs
from compat_random import MARKS, run_random
from compat_run import Pair

pytestmark = MARKS


def test_random_programs(pair: Pair) -> None:
    used: Counter[str] = Counter()

    run_random(programs(), 120, lambda program: used.update(pair.run(program)))
    print(dict(used))
