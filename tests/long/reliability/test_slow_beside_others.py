"""Clients that do not read, while others are served at their rate."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest

from support import dbr
from support.environment import server_environment
from support.ports import LOOPBACK, free_port
from support.process import Child
from support.rates import gets_per_second
from support.scale import report, scaled
from support.wire import (
    ECA_NORMAL,
    EVENT_ADD,
    EVENTS_OFF,
    READ_NOTIFY,
    Circuit,
    event_request,
    pack,
)

SERVER = str(Path(__file__).parent / "busy_server.py")
COUNT = 20_000
CLIENTS = scaled(5, 20)
SUBSCRIPTIONS = 10_000


@pytest.fixture
def server():
    with Child.python(SERVER, env=server_environment(free_port())) as child:
        yield child
        assert child.alive()


def never_reads(circuit: Circuit) -> None:
    """subscribed to arrays and never reading"""
    channel = circuit.create("B:ARRAY")
    for subid in range(10):
        circuit.send(event_request(channel.sid, subid, dbr.LONG, 0))


def pipelines_gets(circuit: Circuit) -> None:
    """asking for 1,000 arrays and never reading"""
    channel = circuit.create("B:ARRAY")
    request = pack(READ_NOTIFY, type=dbr.LONG, count=COUNT, p1=channel.sid)
    circuit.send(request * 1000)


def switches_events_off(circuit: Circuit) -> None:
    """in EVENTS_OFF for ever"""
    channel = circuit.create("B:ARRAY")
    circuit.send(event_request(channel.sid, 0, dbr.LONG, 0))
    circuit.expect(EVENT_ADD, p1=ECA_NORMAL, p2=0)
    circuit.send(pack(EVENTS_OFF))
    for subid in range(1, 10):
        circuit.send(event_request(channel.sid, subid, dbr.LONG, 0))


def subscribes_often(circuit: Circuit) -> None:
    """with 10,000 subscriptions and never reading"""
    channel = circuit.create("B:FAST0")
    begun: set[int] = set()
    for first in range(0, SUBSCRIPTIONS, 500):
        circuit.send(
            b"".join(
                event_request(channel.sid, n, dbr.TIME + dbr.LONG)
                for n in range(first, first + 500)
            )
        )
        while not begun.issuperset(range(first, first + 500)):
            begun.add(circuit.expect(EVENT_ADD, p1=ECA_NORMAL).p2)


@pytest.mark.alone
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("slow", "number"),
    [
        (never_reads, CLIENTS),
        (pipelines_gets, CLIENTS),
        (switches_events_off, CLIENTS),
        (subscribes_often, 1),
    ],
)
def test_others_are_served_at_their_rate(
    server: Child, slow: Callable[[Circuit], None], number: int
) -> None:
    """While arrays and numbers are posted, with the slow clients and without them."""
    address = (LOOPBACK, server.ready["tcp_port"])
    with contextlib.ExitStack() as held, Circuit(address) as other:
        channel = other.create("B:MANY7")
        server.ask(do="start", threads=1, arrays=True, pause=0.01)
        rate = gets_per_second(other, channel)
        before = server.resident_bytes()
        for _ in range(number):
            slow(held.enter_context(Circuit(address, receive_buffer=4096)))
        # One round before the measured one: by then their buffers are full.
        gets_per_second(other, channel)
        beside = gets_per_second(other, channel)
        memory = (server.resident_bytes() - before) / number
        server.ask(30, do="stop")
    report(
        f"{number} clients {slow.__doc__}: {memory / 1024:.0f} kB of memory each,"
        f" another client's gets at {beside / rate:.2f} of their rate"
    )
    assert beside > 0.5 * rate
    assert memory < 8 << 20
