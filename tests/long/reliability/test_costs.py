"""The principle: what a message costs does not grow with what its client set up before.

For each kind of message, processor time of the server for some thousands of them: on a
circuit that has nothing, and on one with 20,000 subscriptions, 5,000 channels and
events that wait, or behind requests that wait for Python.
"""

import itertools
import struct
import sys
import time

import pytest
from attacks import Server, made

from support import dbr, wire
from support.wire import event_request, pack, text

SUBSCRIPTIONS = 20_000
CHANNELS = 5_000
MESSAGES = 8_000
# What may differ: caches that are full of other things. A walk through what was set up
# would make it a thousand.
FACTOR = 12
SECONDS = 0.1
VALUES = itertools.count(100)

pytestmark = [pytest.mark.alone, pytest.mark.timeout(300)]


def processor_seconds(pid):
    """Of the process, by its own clock (as clock_getcpuclockid gives it)."""
    return time.clock_gettime((~pid << 3) | 2)


def write(command, sid, n):
    data = struct.pack(">i", 1)
    return pack(command, data, type=dbr.LONG, count=1, p1=sid, p2=n)


def read(command, sid, n):
    return pack(command, type=dbr.LONG, count=1, p1=sid, p2=n)


def create_and_clear(sid, n):
    # SIDs are not known ahead: one that does not exist is cleared at the same price.
    return wire.create_request("X:OTHER", n) + pack(wire.CLEAR_CHANNEL, p1=n, p2=n)


KINDS = {
    "VERSION": lambda sid, n: wire.version(),
    "CLIENT_NAME": lambda sid, n: pack(wire.CLIENT_NAME, text("somebody")),
    "HOST_NAME": lambda sid, n: pack(wire.HOST_NAME, text("somewhere")),
    "ECHO": lambda sid, n: pack(wire.ECHO),
    "READ_SYNC": lambda sid, n: pack(wire.READ_SYNC),
    "SEARCH": lambda sid, n: wire.search_request("X:OTHER", n),
    "CREATE_CHAN": lambda sid, n: wire.create_request("X:OTHER", n),
    "CREATE_CHAN, CLEAR_CHANNEL": create_and_clear,
    "EVENTS_OFF": lambda sid, n: pack(wire.EVENTS_OFF),
    "EVENTS_OFF, EVENTS_ON": lambda sid, n: pack(
        (wire.EVENTS_OFF, wire.EVENTS_ON)[n % 2]
    ),
    "EVENT_ADD": lambda sid, n: event_request(sid, 1_000_000 + n, dbr.LONG),
    "EVENT_ADD, the same": lambda sid, n: event_request(sid, 1_000_000, dbr.LONG),
    "EVENT_CANCEL": lambda sid, n: read(wire.EVENT_CANCEL, sid, n),
    "READ": lambda sid, n: read(wire.READ, sid, n),
    "READ_NOTIFY": lambda sid, n: read(wire.READ_NOTIFY, sid, n),
    "WRITE": lambda sid, n: write(wire.WRITE, sid, n),
    "WRITE_NOTIFY": lambda sid, n: write(wire.WRITE_NOTIFY, sid, n),
}


@pytest.fixture(scope="module")
def server():
    running = Server(sys.executable, "plain")
    yield running
    running.close()


def answered(circuit, channel):
    """Until all that was sent is answered: a get comes behind puts, too."""
    mark = 0xF0000000 + circuit.new_id()
    circuit.send(read(wire.READ_NOTIFY, channel.sid, mark))
    while circuit.receive(120).p2 != mark:
        pass


def set_up(circuit, server):
    """As much as one client may want."""
    channel = made(circuit, "LONG")
    for first in range(0, SUBSCRIPTIONS, 1000):
        requests = (
            event_request(channel.sid, first + n, dbr.LONG) for n in range(1000)
        )
        circuit.send(b"".join(requests))
        answered(circuit, channel)
    for first in range(0, CHANNELS, 1000):
        names = (wire.create_request("X:PUT", first + n) for n in range(1000))
        circuit.send(b"".join(names))
        answered(circuit, channel)
    circuit.send(pack(wire.EVENTS_OFF))
    answered(circuit, channel)
    other = server.circuit()
    other.put(made(other, "LONG"), dbr.LONG, struct.pack(">i", next(VALUES)))
    other.close()


def cost(server, circuit, kind):
    """Processor time of the server for MESSAGES of that kind."""
    channel = made(circuit, "OTHER")
    answered(circuit, channel)
    messages = [KINDS[kind](channel.sid, n) for n in range(MESSAGES)]
    before = processor_seconds(server.child.pid)
    for first in range(0, MESSAGES, 1000):
        circuit.send(b"".join(messages[first : first + 1000]))
        answered(circuit, channel)
    return processor_seconds(server.child.pid) - before


@pytest.mark.parametrize("kind", KINDS)
def test_a_message_costs_the_same_whatever_was_set_up_before(server, kind):
    poor, rich = server.circuit(), server.circuit()
    cost(server, poor, kind)  # what is warm for one is for the other
    few = cost(server, poor, kind)
    poor.close()
    set_up(rich, server)
    many = cost(server, rich, kind)
    rich.close()
    assert many < FACTOR * few + SECONDS, f"{1e6 * few / MESSAGES:.2f} us a message"
