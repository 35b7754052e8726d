"""Programs that call everything with anything: none crashes, none hangs.

PCASPY_RANDOM_API=SECONDS takes that long instead of half a minute, with other seeds.
"""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.environment import server_environment
from support.ports import free_port

PROGRAM = Path(__file__).with_name("random_api.py")
LONG = float(os.environ.get("PCASPY_RANDOM_API", "0"))
SECONDS = 20.0 if LONG else 5.0  # of one program
# The same in each process that takes part in one run.
RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(time.time()))
FIRST = random.Random(RUN).randrange(10**9) if LONG else 0
SEEDS = range(FIRST, FIRST + int(LONG / SECONDS or 6))


@pytest.mark.timeout(SECONDS + 240)
@pytest.mark.parametrize("seed", SEEDS)
def test_neither_crashes_nor_hangs(seed):
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "ignore", PROGRAM, str(seed), str(SECONDS)],
        env=server_environment(free_port()),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) > 10, "it took next to no steps"
