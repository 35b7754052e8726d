"""pyepics and this client in one process share one libca and one CA context.

epicscorelibs ships libca twice under two names. pyepics opens the one, epicscorelibs'
own binding the other: two copies that overwrite each other's state.
"""

import os
import subprocess
import sys

import pytest

from support.environment import client_environment

PROGRAM = """
import asyncio, ctypes, sys

name, order = sys.argv[1:]

def by_pyepics():
    import epics
    found = epics.caget(name, timeout=10)
    assert found is not None
    return found

def by_aioca():
    import aioca
    async def get():
        return float(await aioca.caget(name, timeout=10))
    return asyncio.run(get())

def import_only():
    import aioca

steps = {"p": by_pyepics, "a": by_aioca, "i": import_only}
values = [steps[step]() for step in order]
assert len({value for value in values if value is not None}) == 1, values
print("ok", len(values))
"""


@pytest.mark.parametrize("order", ["ipapa", "papa", "apap", "iapa"])
def test_both_read_in_any_order(target, order, tmp_path):
    program = tmp_path / "both.py"
    program.write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(program), target.pv("DOUBLE"), order],
        # What is freed is overwritten, so that using it once more shows.
        env={
            **os.environ,
            **client_environment(target.udp[1]),
            "MALLOC_PERTURB_": "165",
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == f"ok {len(order)}\n", done.stdout + done.stderr
    assert done.returncode == 0
