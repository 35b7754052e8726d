"""Random programs: how many of them, and from which seed.

PROGRAMS=n in the environment runs n of them, from a seed that is new each time.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis.strategies import SearchStrategy

PROGRAMS = int(os.environ.get("PROGRAMS", "0"))

# For the modules that run them.
MARKS = [
    pytest.mark.generated,
    pytest.mark.timeout(0 if PROGRAMS else 600),
]


def run_random(
    programs: SearchStrategy[Any], number: int, run: Callable[[Any], None]
) -> None:
    """Calls ``run`` with `number` programs, always the same unless PROGRAMS says."""

    @settings(
        max_examples=PROGRAMS or number,
        derandomize=not PROGRAMS,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        print_blob=True,
    )
    @given(programs)
    def run_one(program: Any) -> None:
        run(program)

    (seed(os.urandom(8)) if PROGRAMS else lambda f: f)(run_one)()
