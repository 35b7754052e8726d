"""A real Jupyter kernel: a cell that makes a server is run, changed and run again."""

import json
import subprocess
from pathlib import Path

import pytest

from support.environment import client_environment, server_environment
from support.peers import ROOT, peer_python
from support.ports import free_port

pytestmark = pytest.mark.timeout(300)

SIDE = Path(__file__).parent / "notebook_side.py"
SERVER = """\
from pcaspy import Driver, SimpleServer
from pcaspy.tools import ServerThread

server = SimpleServer()
server.createPV("NB:", {"TEMP": {"value": VALUE, "udf": False}})
driver = Driver()
thread = ServerThread(server)
thread.start()
"""
GET = "await caget('NB:TEMP', timeout=60)"
END = "thread.stop(); thread.join(); server.close()"
WAIT = """\
import asyncio, time
async def until(what):
    deadline = time.monotonic() + 100
    while not what():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
"""
REPLACED = (
    "PV NB:TEMP served by a server of an earlier run of a cell, which is closed: this"
    " one replaces it\n"
)
TWICE = (
    "PV NB:TEMP served by another server of this process, too: clients find either one."
    " close() the server that is not needed\n"
)


@pytest.fixture
def run():
    """Runs cells in a kernel to the end: what each of them has put out."""

    def run_cells(*runs):
        port = free_port()
        python = peer_python("jupyter")
        done = subprocess.run(
            [str(python), str(SIDE)],
            input=json.dumps(runs),
            env={
                **server_environment(port),
                **client_environment(port),
                "PYTHONPATH": str(ROOT / "src"),
            },
            capture_output=True,
            text=True,
            timeout=280,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        told = [json.loads(line) for line in done.stdout.splitlines()]
        for cell in told:  # libca's words about circuits that end are not ours
            lines = cell["err"].splitlines(keepends=True)
            cell["err"] = "".join(line for line in lines if "served by" in line)
        return told

    return run_cells


def test_a_cell_that_is_run_again_replaces_its_server(run):
    told = run(
        (0, SERVER.replace("VALUE", "1")),
        (1, "from aioca import caget, camonitor, caput\n" + GET),
        (2, "got = []\nmonitor = camonitor('NB:TEMP', got.append)\n" + WAIT),
        (3, "await until(lambda: got)\nold = server, thread, server.tcp_port"),
        (0, SERVER.replace("VALUE", "2")),
        (1, GET),
        (3, "await until(lambda: got[-1] == 2)\nold[1].join(100)"),
        (4, "old[1].is_alive(), old[2] == server.tcp_port, repr(old[0])"),
        (
            5,
            "await caput('NB:TEMP', 3, wait=True, timeout=60)\ndriver.getParam('TEMP')",
        ),
        (6, "import gc\nold = None\n_ = gc.collect()"),
        (0, SERVER.replace("VALUE", "4")),
        (1, GET),
        (7, "monitor.close()\n" + END),
    )
    results = [cell["result"] for cell in told if cell["result"] is not None]
    closed = '"<SimpleServer, 1 PV, not serving>"'.replace('"', "'")
    assert results == ["1.0", "2.0", f"(False, True, {closed})", "3.0", "4.0"]
    errors = [cell["err"] for cell in told]
    again = [4, 10]
    assert [errors[at] for at in again] == [REPLACED, REPLACED]
    assert all(not text for at, text in enumerate(errors) if at not in again)


def test_a_server_that_several_cells_make(run):
    lines = SERVER.splitlines(keepends=True)
    first, second = "".join(lines[:4]), "".join(lines[4:])
    told = run(
        (0, first),
        (1, second.replace("VALUE", "1")),
        (2, "from aioca import caget, camonitor, caput\n" + GET),
        (0, first),
        (1, second.replace("VALUE", "2")),
        (2, GET),
        (3, END),
    )
    assert [told[at]["result"] for at in (2, 5)] == ["1.0", "2.0"]
    assert [cell["err"] for cell in told] == ["", "", "", "", REPLACED, "", ""]


def test_what_no_run_made_again_stays(run):
    """Two servers of one cell, and PVs that a later cell adds to the older server."""
    two = SERVER.replace("VALUE", "1") + "other = SimpleServer(port=0)\n"
    two += 'other.createPV("NB:", {"TEMP": {}})\nother.start()'
    told = run(
        (0, two),
        (1, "server.tcp_port > 0, other.tcp_port > 0"),
        (2, 'later = SimpleServer(port=0)\nlater.createPV("NB:", {"A": {}})'),
        (3, 'later.createPV("NB:", {"TEMP": {}})'),
        (1, "server.tcp_port > 0, other.tcp_port > 0, thread.is_alive()"),
        (4, "other.close()\nlater.close()\n" + END),
    )
    assert told[1]["result"] == "(True, True)"
    assert told[4]["result"] == "(True, True, True)"
    assert [cell["err"] for cell in told] == [TWICE, "", "", 2 * TWICE, "", ""]
