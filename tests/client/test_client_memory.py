"""No order of cancelling, closing and answering ends the process or holds it up."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SIDE = HERE / "memory_side.py"
CASES = re.findall(r"@case\n(?:async )?def (\w+)", SIDE.read_text())


def run(*command: str | Path, seconds: float = 55) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-X", "faulthandler", *map(str, command)],
        env={**os.environ, "PYTHONPATH": str(HERE.parent)},
        text=True,
        capture_output=True,
        timeout=seconds,
        check=False,
    )


@pytest.mark.parametrize("case", CASES)
def test_case(case):
    done = run(SIDE, case)
    assert (done.returncode, done.stdout) == (0, "OK\n"), done.stderr[-5000:]
