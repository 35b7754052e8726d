"""While Python is busy, everything that needs no Python goes on (ours alone).

Nothing here is measured with a clock: the Driver waits for an event that each test sets
last, so an answer that comes before it did not need the Driver.
"""

from __future__ import annotations

import contextlib
import os
import struct

import pytest

from support import dbr, wire
from support.ports import udp_socket
from support.targets import OURS
from support.wire import (
    ECA_NORMAL,
    ECA_PUTFAIL,
    EVENT_ADD,
    WRITE_NOTIFY,
    pack,
    search_request,
    udp_search,
    version,
)

pytestmark = pytest.mark.parametrize("target", [OURS], indirect=True)


def write_notify(channel, number, ioid):
    """WRITE_NOTIFY of one LONG as bytes."""
    data = struct.pack(">i", number)
    return pack(WRITE_NOTIFY, data, type=dbr.LONG, count=1, p1=channel.sid, p2=ioid)


@contextlib.contextmanager
def held(target):
    """Every `Driver.write` waits until the end of the block."""
    target.child.ask(do="hold")
    try:
        yield
    finally:
        target.child.ask(do="release")


def check_data_plane(target):
    """A new client connects, gets, is found by search and gets its echoes."""
    with target.circuit() as circuit:
        for name in ("DOUBLE", "BIG", "STRING"):
            channel = circuit.create(target.pv(name))
            reply = circuit.get(channel, dbr.TIME + channel.type, 0)
            assert reply.p1 == ECA_NORMAL
        assert circuit.drain() == []
    with udp_socket() as sock:
        datagram = version(sequence=1) + search_request(target.pv("LONG"), 1)
        assert len(udp_search(sock, target.udp, datagram)[0]) == 2


def test_a_write_that_waits_stops_nobody_else(target):
    with target.circuit() as busy, target.circuit() as watcher:
        channel = busy.create(target.pv("TARGET2"))
        watched = watcher.create(target.pv("W:DOUBLE"))
        subid, _first = watcher.subscribe(watched, dbr.DOUBLE, 0)
        with held(target):
            busy.send(write_notify(channel, 1, 1))
            check_data_plane(target)
            # Posted from a thread of the server while the write waits.
            for number in range(20):
                target.post("W:DOUBLE", [float(number)])
                update = watcher.expect(EVENT_ADD, p2=subid)
                assert target.decode(update).elements == [float(number)]
            check_data_plane(target)
        busy.expect(WRITE_NOTIFY, p1=ECA_NORMAL, p2=1)
    target.post("W:DOUBLE", [0.5, 1.5, 2.5])


def test_puts_of_other_clients_are_queued_in_order(target):
    with target.circuit() as busy, target.circuit() as other:
        first = busy.create(target.pv("TARGET"))
        channel = other.create(target.pv("TARGET2"))
        subid, _first = other.subscribe(channel, dbr.LONG)
        with held(target):
            busy.send(write_notify(first, 1, 1))
            other.send(b"".join(write_notify(channel, 500 + n, n) for n in range(50)))
            check_data_plane(target)
        busy.expect(WRITE_NOTIFY, p1=ECA_NORMAL, p2=1)
        answers, values = [], []
        while len(answers) < 50 or values[-1:] != [549]:
            message = other.receive()
            if message.command == WRITE_NOTIFY:
                assert message.p1 == ECA_NORMAL
                answers.append(message.p2)
            else:
                assert message.p2 == subid
                values.append(target.decode(message).scalar)
        assert answers == [*range(50)]
        assert values == sorted(values)


def test_a_later_read_on_the_circuit_sees_the_write(target):
    """It waits for the write; the echo behind it keeps its place in the stream."""
    with target.circuit() as circuit:
        channel = circuit.create(target.pv("TARGET2"))
        with held(target):
            circuit.send(
                write_notify(channel, 777, 1)
                + pack(wire.READ_NOTIFY, type=dbr.LONG, count=1, p1=channel.sid, p2=2)
            )
            check_data_plane(target)
        circuit.expect(WRITE_NOTIFY, p1=ECA_NORMAL, p2=1)
        reply = circuit.expect(wire.READ_NOTIFY, p1=ECA_NORMAL, p2=2)
        assert target.decode(reply).scalar == 777


def test_a_flood_of_put_callbacks_that_wait_is_bounded(target):
    number = 20_000
    with target.circuit() as circuit, target.circuit() as watcher:
        channel = circuit.create(target.pv("TARGET2"))
        flood = b"".join(write_notify(channel, n, n) for n in range(number))
        with held(target):
            circuit.socket.setblocking(False)
            sent = 0
            with contextlib.suppress(BlockingIOError):
                while sent < len(flood):
                    sent += circuit.socket.send(flood[sent : sent + 65536])
            check_data_plane(target)
            watcher.create(target.pv("LONG"))
        circuit.send(flood[sent:])
        statuses = {}
        while len(statuses) < number:
            message = circuit.expect(WRITE_NOTIFY, timeout=20)
            assert message.p2 not in statuses, "two answers for one IOID"
            statuses[message.p2] = message.p1
        assert set(statuses.values()) <= {ECA_NORMAL, ECA_PUTFAIL}
        last_good = max(n for n, status in statuses.items() if status == ECA_NORMAL)
        reply = circuit.get(channel, dbr.LONG)
        assert target.decode(reply).scalar == last_good


def test_closing_while_the_write_waits(target, bystander):
    with held(target):
        for number in range(20):
            with target.circuit() as circuit:
                channel = circuit.create(target.pv("TARGET"))
                circuit.send(write_notify(channel, 4000 + number, 1))
        check_data_plane(target)
    bystander.check()
    with target.circuit() as circuit:
        # Received, so carried out, although its circuit was gone by then.
        channel = circuit.create(target.pv("TARGET"))
        value = target.decode(circuit.get(channel, dbr.DOUBLE)).scalar
        assert 4000 <= value < 4020


def test_a_held_gil_stops_no_data(target, tmp_path):
    """One C call holds the GIL, as a computation in the main thread does."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with target.circuit() as circuit:
        channel = circuit.create(target.pv("LONG"))
        target.child.tell(do="hold_gil", fifo=str(fifo))
        descriptor = os.open(fifo, os.O_WRONLY)  # returns when the server has opened it
        try:
            for _ in range(5):
                check_data_plane(target)
                assert target.decode(circuit.get(channel, dbr.LONG)).scalar == 5
        finally:
            os.write(descriptor, b"x")
            os.close(descriptor)
        target.child.answer()
        data = struct.pack(">i", 5)
        assert circuit.put(channel, dbr.LONG, data).p1 == ECA_NORMAL
