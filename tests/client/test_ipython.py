"""The client in IPython: `await` at the top level, as in Jupyter."""

import subprocess
import sys

import pytest
from client_support import MAIN_PORT

from support.environment import client_environment

PROGRAM = """
import asyncio, sys, warnings
from IPython.core.interactiveshell import InteractiveShell

warnings.simplefilter("ignore", DeprecationWarning)
shell = InteractiveShell.instance(colors="nocolor")
shell.history_manager.enabled = False
pv, in_jupyter = sys.argv[1], sys.argv[2] == "jupyter"
CELLS = [
    "import aioca, asyncio; from aioca import *",
    f"await caput('{pv}', 3, wait=True)",
    f"await caget('{pv}')",
    f"await caget(['{pv}'], format=FORMAT_TIME)",
    "got = asyncio.Queue()",
    f"monitor = camonitor('{pv}', got.put_nowait); await got.get()",
    f"await caput('{pv}', 4); await got.get()",
    f"aioca.run(caget('{pv}'))",
    f"await caget('{pv}')",
    f"camonitor('{pv}', print)",
]

def show(result):
    error = result.error_before_exec or result.error_in_exec
    print("TOLD", repr(error) if error else repr(result.result))

async def kernel():
    # As ipykernel does it: every cell runs in the loop.
    for cell in CELLS:
        transformed = shell.transform_cell(cell)
        show(await shell.run_cell_async(cell, transformed_cell=transformed))

if in_jupyter:
    asyncio.run(kernel())
else:
    for cell in CELLS:
        show(shell.run_cell(cell))
"""


@pytest.mark.parametrize("kind", ["terminal", "jupyter"])
def test_await_at_the_top_level(p, tmp_path, kind):
    pv = p + "LONG"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, pv, kind],
        env=client_environment(MAIN_PORT, IPYTHONDIR=str(tmp_path)),
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    told = [line[5:] for line in done.stdout.splitlines() if line.startswith("TOLD ")]
    assert told[:7] == [
        "None",
        f"CANothing({pv!r}, ECA_NORMAL: ok)",
        "3",
        "[3]",
        "None",
        "3",  # the subscription goes on in the next cell
        "4",
    ], done.stdout + done.stderr
    ran, again, subscribed = told[7:]
    assert again == "4"
    if kind == "jupyter":
        assert "write `await` in front of the coroutine" in ran
        assert subscribed == f"<Subscription {pv} OPENING>"
    else:
        # IPython runs a cell in its loop only if there is an `await` in it.
        assert ran == "4"
        assert "no running event loop: call this in a coroutine" in subscribed
