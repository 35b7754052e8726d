"""Programs that cancel and close at random end well, and leave nothing behind.

STORM_SECONDS=n in the environment runs storms that long, with seeds that are new each
time. `make sanitize` runs the short ones on a build with sanitizers.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from test_client_memory import run

SIDE = Path(__file__).parent / "storm_side.py"
SECONDS = float(os.environ.get("STORM_SECONDS", "0"))
SEEDS = random.sample(range(10**6), 3) if SECONDS else [1, 2, 3]


@pytest.mark.timeout(0 if SECONDS else 200)
@pytest.mark.parametrize("seed", SEEDS)
def test_storm(seed):
    seconds = SECONDS or 5
    done = run(SIDE, str(seed), str(seconds), seconds=seconds + 150)
    assert (done.returncode, done.stdout) == (0, "OK\n"), done.stderr[-5000:]
