"""Status PVs over the life of a server: starts, ends, hangs, forks."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import threading
import time
import weakref

import pytest
from status_support import Asked, beats, wait_until

from pcaspy import Driver, SimpleServer
from pcaspy.native._tables import instance_counts
from pcaspy.status.system import Linux
from pcaspy.testing import IsolatedServer
from pcaspy.tools import ServerThread
from support.wire import (
    ECA_NORMAL,
)

# ---- when ----


def test_before_the_start_and_after_it():
    server = IsolatedServer()
    server.add_status("B:", period=0.1)
    with server:
        server.add_status("C:", period=0.1)
        for prefix in ("B:", "C:"):
            with Asked(server.tcp_port, prefix) as asked:
                for name in ("STARTTOD", "MEM_USED", "CA_CLNT_CNT", "REQ_QUEUED"):
                    assert asked.severity(name) == 0, name  # from the first moment
                first = beats(asked)
                asked.wait_for("HEARTBEAT", lambda n, first=first: n > first)


def test_closed_and_started_again():
    server = IsolatedServer()
    server.add_status("B:", period=0.1)
    for number in (1, 2, 3):
        server.start()
        with Asked(server.tcp_port, "B:") as asked:
            assert asked.value("START_CNT") == number
            assert asked.value("UPTIME") == b"00:00:00"
            asked.wait_for("HEARTBEAT", lambda n: n > 2)
        server.close()
        names = [thread.name for thread in threading.enumerate()]
        assert "pcaspy status" not in names


def test_a_process_call_is_enough():
    server = IsolatedServer(threaded=False)
    server.add_status("B:", period=0.1)
    with server, Asked(server.tcp_port, "B:") as asked:
        first = beats(asked)
        wait_until(lambda: (server.process(0.01), beats(asked) > first)[1])


def test_run(capsys):
    server = IsolatedServer()
    server.createPV("U:", {"X": {}})
    server.add_status("B:", period=0.1)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.tcp_port:
        time.sleep(0.01)
    with Asked(server.tcp_port, "B:") as asked:
        asked.wait_for("HEARTBEAT", lambda n: n > 2)
        assert asked.put("ACCESS", "Test") == ECA_NORMAL
    server.close()
    thread.join()
    assert "serving 1 PV on" in capsys.readouterr().out


def test_in_an_event_loop():
    server = IsolatedServer()
    server.add_status("B:", period=0.1)

    async def main():
        serving = asyncio.ensure_future(server.serve())
        while not server.tcp_port:
            await asyncio.sleep(0.01)

        def look():
            with Asked(server.tcp_port, "B:") as asked:
                first = beats(asked)
                asked.wait_for("HEARTBEAT", lambda n: n > first)
                assert asked.put("ACCESS", "Test") == ECA_NORMAL
                return asked.value("BUSY_TIME")

        busy = await asyncio.to_thread(look)
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        return busy

    assert asyncio.run(main()) == 0


def test_an_event_loop_that_hangs():
    server = IsolatedServer()
    server.add_status("B:", period=0.1)

    async def main():
        serving = asyncio.ensure_future(server.serve())
        while not server.tcp_port:
            await asyncio.sleep(0.01)
        over = threading.Event()

        def look():
            try:
                with Asked(server.tcp_port, "B:") as asked:
                    asked.wait_for("BUSY_TIME", lambda seconds: seconds > 0.3)
                    over.set()
                    asked.wait_for("BUSY_TIME", lambda seconds: seconds == 0)
            finally:
                over.set()

        looking = asyncio.ensure_future(asyncio.to_thread(look))
        await asyncio.sleep(0.2)
        over.wait(60)
        await looking
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)

    asyncio.run(main())


class Slow(Driver):
    """A write that waits to be let go."""

    def __init__(self):
        super().__init__()
        self.go_on = threading.Event()

    def write(self, reason, value):
        self.go_on.wait(60)
        return True


def test_a_driver_that_hangs():
    server = IsolatedServer()
    server.createPV("U:", {"X": {}})
    server.add_status("B:", period=0.1)
    driver = Slow()
    with server, Asked(server.tcp_port, "") as asked:
        assert asked.value("B:BUSY_TIME") == 0
        channel = asked.create("U:X")
        asked.circuit.write(channel, 0, b"1".ljust(8, b"\0"))
        with Asked(server.tcp_port, "B:") as other:
            first = beats(other)
            other.wait_for("BUSY_TIME", lambda seconds: seconds > 2.1)
            assert other.severity("BUSY_TIME") == 1
            assert beats(other) > first  # who looks goes on
            driver.go_on.set()
            other.wait_for("BUSY_TIME", lambda seconds: seconds == 0)


def test_nobody_calls_process():
    server = IsolatedServer(threaded=False)
    server.createPV("U:", {"X": {}})
    server.add_status("B:", period=0.1)
    driver = Driver()
    with server, Asked(server.tcp_port, "") as asked:
        time.sleep(0.7)
        assert asked.value("B:BUSY_TIME") == 0  # nothing waits
        asked.circuit.write(asked.create("U:X"), 0, b"1".ljust(8, b"\0"))
        with Asked(server.tcp_port, "B:") as other:
            other.wait_for("BUSY_TIME", lambda seconds: seconds > 0.5)
            other.wait_for("REQ_QUEUED", lambda count: count == 1)
            wait_until(lambda: (server.process(0.01), driver.getParam("X") == 1)[1])
            other.wait_for("REQ_QUEUED", lambda count: count == 0)
            other.wait_for("BUSY_TIME", lambda seconds: seconds == 0)


NO_DESCRIPTORS = """
import os, resource, sys
from pcaspy.testing import IsolatedServer
from status_support import Asked

server = IsolatedServer()
server.add_status("B:", period=0.1)
with server, Asked(server.tcp_port, "B:") as asked:
    asked.put("FD_UPD_TIME", "1")
    asked.put("MEM_UPD_TIME", "1")
    used = len(os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (used + 50, used + 50))
    taken = []
    try:
        while True:
            taken.append(os.dup(0))
    except OSError:
        pass
    asked.wait_for("FD_FREE", lambda free: free == 0)
    assert asked.severity("FD_FREE") == 2
    assert asked.value("FD_CNT") == asked.value("FD_MAX") == used + 50
    first = asked.value("HEARTBEAT")
    asked.wait_for("HEARTBEAT", lambda beats: beats > first + 3)
    for descriptor in taken:
        os.close(descriptor)
    asked.wait_for("FD_FREE", lambda free: free > 40)
    assert asked.severity("FD_FREE") == 0
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="of /proc")
def test_without_a_free_descriptor():
    here = os.path.dirname(__file__)
    env = {**os.environ, "PYTHONPATH": f"{here}:{here}/../.."}
    done = subprocess.run(
        [sys.executable, "-c", NO_DESCRIPTORS],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_look_that_fails(server, asked, monkeypatch, caplog):
    """It is told once; the others go on."""

    def broken(self):
        raise ValueError("no memory")

    monkeypatch.setattr(Linux, "memory", broken)
    assert asked.put("MEM_UPD_TIME", "1") == ECA_NORMAL
    wait_until(lambda: "memory" in caplog.text)
    first = beats(asked)
    asked.wait_for("HEARTBEAT", lambda n: n > first + 12)
    assert caplog.text.count("status PVs are not updated (memory)") == 1


def test_in_the_child_of_a_fork():
    server = IsolatedServer(threaded=False)
    server.add_status("B:", period=0.1)
    with server:
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                server.close()
                server.start()
                with Asked(server.tcp_port, "B:") as asked:
                    asked.wait_for("HEARTBEAT", lambda n: n > 2)
                    own = asked.value("PROCESS_ID"), asked.value("PARENT_ID")
                os.write(writing, repr((*own, os.getpid(), os.getppid())).encode())
            finally:
                os._exit(0)
        os.waitpid(pid, 0)
        found, parent, child, parent_of_child = eval(os.read(reading, 1000))
        assert (found, parent) == (child, parent_of_child) == (pid, os.getpid())
        with Asked(server.tcp_port, "B:") as asked:
            assert asked.value("PROCESS_ID") == os.getpid()
            first = beats(asked)
            asked.wait_for("HEARTBEAT", lambda n: n > first)


def test_forks_while_it_looks():
    server = IsolatedServer(threaded=False)
    server.add_status("B:", period=0.1)
    with server:
        for _ in range(20):
            pid = os.fork()
            if pid == 0:
                server.close()
                os._exit(7)
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7


def test_a_deleted_server_leaves_nothing():
    gc.collect()
    before = instance_counts()["Pv"]
    server = SimpleServer(
        port=0,
        interfaces=["127.0.0.1"],
        beacon_addresses=[],
        auto_beacon_addresses=False,
    )
    server.add_status("B:", period=0.1)
    gone = weakref.ref(server)
    with ServerThread(server) as thread:
        while not server.tcp_port:
            time.sleep(0.01)
        assert instance_counts()["Pv"] > before + 60
    del thread, server
    gc.collect()
    assert gone() is None
    wait_until(lambda: (gc.collect(), instance_counts()["Pv"] == before)[1])
    assert "pcaspy status" not in [thread.name for thread in threading.enumerate()]


def test_the_next_server_may_have_the_names():
    server = IsolatedServer()
    server.add_status("B:")
    del server
    gc.collect()
    again = IsolatedServer()
    again.createPV("B:", {"HEARTBEAT": {"value": 5}})
    with again, Asked(again.tcp_port, "B:") as asked:
        Driver()
        assert asked.create("UPTIME") is None


def test_who_does_not_want_them_has_no_thread_and_no_module():
    script = """
import sys, threading
from pcaspy.testing import IsolatedServer
with IsolatedServer():
    names = [thread.name for thread in threading.enumerate()]
    mine = ("pcaspy.status", "pcaspy.snoop")
    print([module for module in sys.modules if module.startswith(mine)])
    print([name for name in names if "status" in name])
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n[]\n"
