"""What the control protocol tells of calls that take long."""

import asyncio
import contextlib
import os
import struct
import threading
import time

import control_support
import pytest
from control_support import Hangs, Served, eventually

from pcaspy import Driver
from pcaspy.control.client import ControlError
from support import dbr
from support.wire import Circuit


def test_a_hung_driver_is_shown_at_its_line_and_others_are_answered():
    with Served({"A": {}}, Hangs) as served:
        waiting, other = served.connect(), served.connect()
        answers = []

        def put():
            answers.append(waiting.ask("put", pv=served.prefix + "A", value=3))

        thread = threading.Thread(target=put)
        thread.start()
        try:
            running = eventually(lambda: other.ask("slow")["running"])
            (row,) = running
            assert (row["pv"], row["call"]) == (served.prefix + "A", "write")
            assert row["line"] == "self.go_on.wait(60)  # this line"
            file, _, number = row["where"].rpartition(":")
            assert file == control_support.__file__
            assert int(number) > 0
            assert row["client"].endswith("@localhost (127.0.0.1:0)")
            assert row["seconds"] >= 0.1
            assert other.ask("hello")["pid"] == os.getpid()
            assert not answers
        finally:
            served.driver.go_on.set()
            thread.join()
        assert answers == [{}]
        ended = eventually(lambda: other.ask("slow")["rows"])
        assert (ended[0]["pv"], ended[0]["call"]) == (served.prefix + "A", "write")
        assert ended[0]["line"] == "self.go_on.wait(60)  # this line"
        assert other.ask("slow")["running"] == []
        assert served.server.stats()["longest_call"] >= 100


class Nests(Hangs):
    """Each write handles other requests until it is let go."""

    def write(self, reason, value):
        while not self.go_on.is_set():
            self.server.process(0.01)  # this one


def test_a_driver_that_waits_in_process_is_shown_at_its_line():
    with Served({"A": {}}, Nests) as served:
        served.driver.server = served.server
        waiting = served.connect()
        thread = threading.Thread(
            target=waiting.ask,
            args=("put",),
            kwargs={"pv": served.prefix + "A", "value": 1},
        )
        thread.start()
        try:
            (row,) = eventually(lambda: served.ask("slow")["running"])
            assert row["line"] == "self.server.process(0.01)  # this one"
        finally:
            served.driver.go_on.set()
            thread.join()


def test_a_put_that_is_not_accepted_in_time_is_told_so(monkeypatch):
    from pcaspy.control import service

    monkeypatch.setattr(service, "PATIENCE", 0.2)
    with Served({"A": {}}, Hangs) as served:
        try:
            with pytest.raises(ControlError, match="has not accepted the put"):
                served.ask("put", pv="A", value=3)
        finally:
            served.driver.go_on.set()
        # It was received, so it is carried out.
        eventually(lambda: served.ask("get", pv="A")["elements"] == [3])


class Scanned(Driver):
    def __init__(self):
        super().__init__()
        self.slow = True

    def read(self, reason):
        if self.slow:
            self.slow = False
            time.sleep(0.25)
        return 3


def test_slow_scans_are_shown():
    with Served({"A": {"scan": 0.05}}, Scanned) as served:
        (row,) = eventually(lambda: served.ask("slow")["rows"])
        assert (row["pv"], row["call"]) == (served.prefix + "A", "scan")
        assert row["line"] == "time.sleep(0.25)"
        assert row["client"] is None
        assert row["seconds"] >= 0.25


class Blocks(Driver):
    """Its coroutines keep their event loop from everything else, in their second step.

    What they wait for is not counted.
    """

    async def write(self, reason, value):
        await asyncio.sleep(0.11)
        time.sleep(0.25)  # of write
        self.setParam(reason, value)

    async def read(self, reason):
        await asyncio.sleep(0)
        if self.getParam(reason) < 3:
            self.setParam(reason, 3)
            time.sleep(0.25)  # of read
        return self.getParam(reason)


@pytest.mark.parametrize("serves_in_loop", [False, True])
@pytest.mark.parametrize("call", ["write", "read", "scan"])
def test_a_coroutine_that_blocks_is_shown(call, serves_in_loop):
    pvdb = {"A": {"scan": 0.05} if call == "scan" else {}}
    with contextlib.ExitStack() as ends:
        served = ends.enter_context(Served(pvdb, Blocks, threaded=not serves_in_loop))
        if serves_in_loop:
            thread = threading.Thread(target=asyncio.run, args=(in_loop(served),))
            ends.callback(thread.join)
            ends.callback(served.server.close)
            thread.start()
        with Circuit(served.tcp) as circuit:
            channel = circuit.create(served.prefix + "A")
            if call == "write":
                circuit.put(channel, dbr.DOUBLE, struct.pack(">d", 4))
            elif call == "read":
                circuit.get(channel, dbr.DOUBLE)
        (row,) = eventually(lambda: served.ask("slow")["rows"])
        assert (row["pv"], row["call"]) == (served.prefix + "A", call)
        assert row["line"].endswith(f"# of {'write' if call == 'write' else 'read'}")
        assert (row["client"] is None) == (call == "scan")
        assert 0.25 <= row["seconds"]
        assert served.server.stats()["longest_call"] >= 250


async def in_loop(served):
    await served.server.serve()
