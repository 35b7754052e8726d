"""How programs run a server: `run()`, ServerThread in a ``with`` block, and reprs."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading

import pytest

from pcaspy import Driver, SimpleServer
from pcaspy.testing import IsolatedServer
from pcaspy.tools import ServerThread
from support import dbr
from support.environment import server_environment
from support.ports import LOOPBACK, free_port
from support.wire import Circuit

PROGRAM = """
from pcaspy import Driver, SimpleServer
server = SimpleServer()
server.createPV("P:", {"A": {"value": 3}, "B": {}})
driver = Driver()
server.run()
print("ended", server.tcp_port)
"""


@pytest.fixture
def program():
    """A program in server.run(), and what its first line says."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        env=server_environment(free_port()),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    yield process, process.stdout.readline()
    process.kill()
    process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_it(program, number):
    process, line = program
    told = re.fullmatch(
        r"serving 2 PVs on 127\.0\.0\.1: searches on UDP port \d+, connections on TCP"
        r" port (\d+); Ctrl-C ends it\n",
        line,
    )
    with Circuit((LOOPBACK, int(told[1]))) as circuit:
        assert circuit.get(circuit.create("P:A"), dbr.LONG).payload[:4] == b"\0\0\0\3"
    process.send_signal(number)
    out, errors = process.communicate(timeout=60)
    assert (process.returncode, out, errors) == (0, "ended 0\n", "")


def test_another_thread_closes_it(capsys):
    with IsolatedServer(threaded=False) as server:
        closer = threading.Timer(0.1, server.close)
        closer.start()
        server.run()
        closer.join()
        assert server.tcp_port == 0
    assert capsys.readouterr().out.startswith("serving 0 PVs on 127.0.0.1: ")


def test_run_leaves_the_signals_as_they_were():
    before = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
    with IsolatedServer(threaded=False) as server:
        threading.Timer(0.05, server.close).start()
        server.run()
    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == before


def test_a_thread_for_a_block():
    with IsolatedServer(threaded=False) as server:
        server.createPV("P:", {"A": {"value": 3}})
        driver = Driver()
        with ServerThread(server) as thread:
            with Circuit((LOOPBACK, server.tcp_port)) as circuit:
                channel = circuit.create("P:A")
                assert circuit.put(channel, dbr.LONG, dbr.encode(dbr.LONG, 9)).p1 == 1
            assert thread.is_alive()
        assert not thread.is_alive()
        assert driver.getParam("A") == 9


def test_a_thread_that_outlives_the_main_thread_says_so():
    """The process goes on, as with the released package, but not in silence."""
    program = PROGRAM.replace(
        "server.run()",
        "from pcaspy.tools import ServerThread\nimport threading, time\n"
        "thread = ServerThread(server)\nthread.start()\n"
        "def end():\n"
        "    while threading.main_thread().is_alive(): time.sleep(0.01)\n"
        "    time.sleep(0.5)\n    thread.stop()\n"
        "threading.Thread(target=end).start()",
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=server_environment(free_port()),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stderr.count("the main thread has ended") == 1


def test_reprs():
    class Mine(Driver):
        port = "mine"

    with IsolatedServer(threaded=False) as server:
        server.createPV("P:", {"A": {"port": "mine"}})
        driver = Mine()
        kind = type(server).__name__
        assert repr(server) == f"<{kind}, 1 PV, on port {server.tcp_port}>"
        server.createPV("P:", {"B": {}})
        server.close()
        assert repr(server) == f"<{kind}, 2 PVs, not serving>"
        assert repr(driver) == "<Mine of port 'mine', 1 parameter>"
        pv = server._pcaspy.pvf["P:A"]
        assert repr(pv) == "<SimplePV 'P:A', 'A' of port 'mine'>"
    assert repr(SimpleServer.__new__(SimpleServer)) == "<SimpleServer, gone>"
    assert repr(Mine.__new__(Mine)) == "<Mine of port 'mine', 0 parameters>"


def test_process_without_an_argument():
    with IsolatedServer(threaded=False) as server:
        server.process()
        server.process(delay=0.0)
