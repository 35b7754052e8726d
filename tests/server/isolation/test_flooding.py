"""Threads that post without a pause wait for the server, and for no client.

Random clients come, read, stop reading and go meanwhile. Whoever reads gets values that
never go back, and at the end the last ones.
"""

import random
import struct
import time
from pathlib import Path

import pytest

from support.environment import server_environment
from support.ports import LOOPBACK, free_port
from support.process import Child
from support.wire import (
    ECA_NORMAL,
    EVENT_ADD,
    WRITE_NOTIFY,
    Circuit,
    event_request,
    pack,
)

SERVER = Path(__file__).parent / "flooding_server.py"
DBR_LONG = 5
DEADLINE = 60.0
POSTERS, EACH = 2, 3
STEPS = 40


class Reader:
    """A client with a subscription for each PV of the posters."""

    def __init__(self, address, small):
        self.circuit = Circuit(address, receive_buffer=4096 if small else None)
        self.last = {}
        channels = [
            self.circuit.create(f"FLOOD:N{poster}_{i}")
            for poster in range(POSTERS)
            for i in range(EACH)
        ]
        for subid, channel in enumerate(channels):
            self.circuit.send(event_request(channel.sid, subid, DBR_LONG))

    def read(self):
        message = self.circuit.receive(DEADLINE)
        if message.command != EVENT_ADD:
            return
        value = struct.unpack_from(">i", message.payload)[0]
        assert value >= self.last.get(message.p2, 0), "a value went back"
        self.last[message.p2] = value

    def read_on(self):
        """Until each PV has a new value."""
        seen = dict(self.last)
        deadline = time.monotonic() + DEADLINE
        while any(self.last.get(i, 0) <= seen.get(i, 0) for i in range(POSTERS * EACH)):
            assert time.monotonic() < deadline, "no new values"
            self.read()

    def read_to(self, counts):
        """Until each PV has its poster's last value."""
        wanted = {p * EACH + i: counts[p] for p in range(POSTERS) for i in range(EACH)}
        deadline = time.monotonic() + DEADLINE
        while self.last != wanted:
            assert time.monotonic() < deadline, f"{self.last} instead of {wanted}"
            self.read()


class Flood:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.server = Child.python(str(SERVER), env=server_environment(free_port()))
        self.address = (LOOPBACK, self.server.ready["tcp_port"])
        self.readers = [Reader(self.address, False)]
        self.putter = Circuit(self.address)
        self.put_channel = self.putter.create("FLOOD:PUT")
        self.server.ask(command="start")

    def come(self):
        self.readers.append(Reader(self.address, self.random.random() < 0.5))

    def go(self):
        if len(self.readers) > 1:
            which = self.random.randrange(len(self.readers))
            self.readers.pop(which).circuit.close()

    def read(self):
        self.random.choice(self.readers).read_on()

    def put(self):
        """A put callback is answered, though Driver.write waits for the posters."""
        value = struct.pack(">i", self.random.randrange(1000))
        sid, ioid = self.put_channel.sid, self.putter.new_id()
        request = pack(WRITE_NOTIFY, value, type=DBR_LONG, count=1, p1=sid, p2=ioid)
        self.putter.send(request)
        self.putter.expect(WRITE_NOTIFY, DEADLINE, p1=ECA_NORMAL, p2=ioid)

    def fork(self):
        assert self.server.ask(DEADLINE, command="fork") == 7

    def pause(self):
        self.server.ask(DEADLINE, command="halt")
        self.server.ask(command="start")

    def all_have_the_last(self):
        counts = self.server.ask(DEADLINE, command="halt")
        for reader in self.readers:
            reader.read_to(counts)

    def end(self):
        for reader in self.readers:
            reader.circuit.close()
        self.putter.close()
        assert self.server.stop() == 0


@pytest.fixture(params=range(5))
def flood(request):
    flood = Flood(request.param)
    yield flood
    flood.end()


def test_random_clients(flood):
    actions = (flood.come, flood.go, flood.read, flood.put, flood.fork, flood.pause)
    for _ in range(STEPS):
        flood.random.choice(actions)()
    flood.all_have_the_last()


def test_close_while_posting():
    flood = Flood(0)
    flood.come()
    flood.readers[0].read_on()
    flood.server.ask(DEADLINE, command="close")
    flood.server.ask(DEADLINE, command="halt")
    flood.end()
