"""Drivers at their worst: torn values, floods of posts, exceptions and nonsense."""

import struct
from pathlib import Path

import numpy as np
import pytest

from support import dbr
from support.environment import server_environment
from support.ports import LOOPBACK, free_port
from support.process import Child
from support.scale import report, scaled
from support.wire import ECA_NORMAL, ECA_PUTFAIL, WRITE_NOTIFY, Circuit, pack

SERVER = str(Path(__file__).parent / "busy_server.py")


@pytest.fixture
def server():
    with Child.python(SERVER, env=server_environment(free_port())) as child:
        yield child
        assert child.alive()


def connect(server):
    return Circuit((LOOPBACK, server.ready["tcp_port"]))


def put(channel, number, ioid):
    data = struct.pack(">i", number)
    return pack(WRITE_NOTIFY, data, type=dbr.LONG, count=1, p1=channel.sid, p2=ioid)


@pytest.mark.timeout(300)
def test_no_value_is_torn(server):
    """Arrays change as fast as a thread sets them; each get has its own checksum."""
    number = scaled(200, 5000)
    with connect(server) as circuit:
        channel = circuit.create("B:ARRAY")
        server.ask(do="start", arrays=True)
        different = set()
        for _ in range(number):
            reply = circuit.get(channel, dbr.LONG, 20_000)
            array = np.frombuffer(reply.payload, ">i4", 20_000)
            assert array[-1] == array[:-1].sum(dtype=np.int64) % 1_000_003
            assert (np.diff(array[:-1]) == 1).all()
            different.add(int(array[0]))
        server.ask(do="stop")
    assert len(different) > 1
    report(f"{number} gets of an array being set: none torn, {len(different)} values")


@pytest.mark.timeout(300)
def test_fifty_threads_post_without_a_pause(server):
    """Each subscriber ends with the last value; numbers never go back."""
    with connect(server) as circuit, connect(server) as other:
        subscribed, last = {}, {}
        for n in range(50):
            channel = circuit.create(f"B:FAST{n}")
            subid, _first = circuit.subscribe(channel, dbr.LONG)
            subscribed[subid] = f"FAST{n}"
        echo = other.create("B:ECHO")
        server.ask(60, do="start", threads=50)  # they take the GIL from the starter
        for ioid in range(scaled(5, 200)):
            assert other.put(echo, dbr.LONG, struct.pack(">i", ioid)).p1 == ECA_NORMAL
        posted = server.ask(60, do="stop")
        while last != posted:
            message = circuit.receive()
            name = subscribed[message.p2]
            (number,) = struct.unpack_from(">i", message.payload)
            assert number >= last.get(name, 0)
            last[name] = number
    report(f"50 threads, {sum(posted.values())} posts: every last value arrived")


def test_drivers_that_raise_return_nonsense_or_never_complete(server):
    with connect(server) as circuit, connect(server) as other:
        names = ("RAISES", "NONSENSE", "NEVER", "ECHO")
        channels = {name: circuit.create("B:" + name) for name in names}
        for round_ in range(scaled(20, 2000)):
            circuit.send(put(channels["RAISES"], round_, 1))
            circuit.expect(WRITE_NOTIFY, p1=ECA_PUTFAIL, p2=1)
            circuit.send(put(channels["NONSENSE"], round_, 2))
            circuit.expect(WRITE_NOTIFY, p2=2)
        circuit.send(b"".join(put(channels["NEVER"], n, 100 + n) for n in range(50)))
        circuit.send(put(channels["ECHO"], 77, 3))
        circuit.expect(WRITE_NOTIFY, p1=ECA_NORMAL, p2=3)
        assert other.get(other.create("B:ECHO"), dbr.LONG).payload[:4] == bytes(
            [0, 0, 0, 77]
        )
