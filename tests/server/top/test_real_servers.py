"""The view of servers as they are, with clients of both protocols."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest
from top_view import view

from pcaspy.top import link
from support.environment import client_environment, server_environment, without_epics
from support.peers import peer_python
from support.process import Child

SIDE = Path(__file__).parent / "real_side.py"
PVA = """
import sys, p4p.client.thread
context = p4p.client.thread.Context("pva")
kept = context.monitor("real:ticks", lambda value: None)
sys.stdin.read()
context.close()
"""


def start(name="real", more=0):
    """A server."""
    return Child.python(str(SIDE), str(more), name, env=server_environment(0))


@contextlib.contextmanager
def client(*command, env):
    """A client that runs until the end."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, stdin=subprocess.PIPE, env=env, **quiet)
    try:
        yield
    finally:
        process.kill()
        process.communicate()


def aioca(server, *words):
    env = client_environment(server.ready["udp_port"])
    return client(sys.executable, "-m", "aioca", *words, env=env)


async def put(seen, pv, *keys):
    """Searches a PV and puts a value to it."""
    await opened(seen, pv)
    await seen.sees("Enter puts", "now ")
    await seen.press(*keys, "enter")


async def opened(seen, pv):
    """Searches a PV and opens the dialog."""
    await seen.search(f"real:{pv}")
    await seen.press("enter")
    table = seen.app.screen.table
    await seen.until(lambda: table.total() == 1 and f">real:{pv}" in seen.text())
    await seen.press("p")


async def test_a_server_with_clients(runtime):
    with (
        start() as server,
        aioca(server, "monitor", "real:ticks", "real:limit", "real:nowhere"),
        aioca(server, "put", "-w", "60", "-c", "real:slow", "50"),
        client(
            str(peer_python("p4p")),
            *("-c", PVA),
            env={
                **without_epics(),
                "EPICS_PVA_ADDR_LIST": "127.0.0.1",
                "EPICS_PVA_AUTO_ADDR_LIST": "NO",
                "EPICS_PVA_BROADCAST_PORT": str(server.ready["pva_udp_port"]),
            },
        ),
    ):
        async with view("real", size=(150, 30)) as seen:
            await seen.sees("real:mode", "Off", "MAJOR HIHI", "[2000 elements]")
            await seen.sees(f"PID {server.pid}", "8 PVs", "3 clients")
            await seen.until(lambda: float(seen.row("real:ticks").split()[-1]) > 5)
            await seen.until(lambda: seen.row("real:ticks").split()[-2] == "2")

            await seen.press("2")
            await seen.sees(" ca ", " pva ")
            await seen.search("ca")
            await seen.lacks(" pva ")
            await seen.press("enter", "enter")
            await seen.sees("Monitors", "real:")
            await seen.press("escape", "escape")

            await seen.press("3")
            await seen.sees("real:slow", "real_side.py:26", "time.sleep(value)", "now")
            await seen.press("4")
            await seen.sees("real:nowhere", "127.0.0.1")
            await seen.press("5")
            await seen.sees("open circuits")


async def test_puts_to_a_server(runtime):
    with start() as server:
        async with view("real", size=(150, 30)) as seen:
            await seen.sees("real:mode")
            await put(seen, "pos", "1", "2", ".", "5")
            await seen.sees("put to real:position", "12.50")
            await put(seen, "pos", "1", "0", "1")
            await seen.until(
                lambda: not seen.app.screen.is_modal or "101" in seen.text()
            )
            await seen.press("escape", "escape")
            await seen.sees("real:mode")
            await put(seen, "mode", "down")
            await seen.sees("put to real:mode", "Auto")
            await put(seen, "name", "[", "b", "]")
            await seen.sees("put to real:name", "[b]")
            await opened(seen, "fixed")
            await seen.sees("it is read only")
            await seen.press("escape", "enter")
            await seen.sees("refused: read only")
    assert server.stop() == 0


async def test_a_server_that_is_killed_and_started_again(runtime, monkeypatch):
    monkeypatch.setattr(link, "RETRY", 0.1)
    first = start()
    async with view("real", size=(150, 30)) as seen:
        await seen.sees(f"PID {first.pid}", "real:mode")
        first.kill()
        first.stop()
        await seen.sees("waits for real", "real:mode")
        with start() as second:
            await seen.sees(f"PID {second.pid}")
            await seen.lacks("waits for")


async def test_many_pvs_of_a_server(runtime):
    with start(more=100_000):
        async with view("real", size=(100, 24)) as seen:
            await seen.sees("100,008 PVs", "real:limit")
            await seen.press("end")
            await seen.sees(">real:trace", "real:ticks", "real:more099999")
            await seen.press("home", *["greater_than_sign"] * 2)
            await seen.sees("Alarm▼", "MAJOR HIHI", ">real:mode", "real:limit")
            await seen.search("more09998")
            await seen.sees(">real:more099980", "real:more099989")


@pytest.mark.parametrize("number", [0, 1])
async def test_two_servers_of_one_name_are_told_apart(runtime, number):
    with start() as one, start() as two:
        wanted = (one, two)[number]
        async with view(str(wanted.pid)) as seen:
            await seen.sees(f"PID {wanted.pid}", "real:mode")
