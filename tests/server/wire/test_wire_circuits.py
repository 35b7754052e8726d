"""Life of circuits: ends of every kind, floods, vanishing PVs, isolation (3, 9)."""

from __future__ import annotations

import resource
import socket
import struct
import time
from pathlib import Path

import pytest

from support import dbr, wire
from support.ports import udp_socket
from support.targets import OURS
from support.wire import (
    CREATE_CH_FAIL,
    ECA_BADCHID,
    ECA_NORMAL,
    ECHO,
    EVENT_ADD,
    READ_NOTIFY,
    VERSION,
    WRITE,
    WRITE_NOTIFY,
    Closed,
    pack,
    search_request,
    udp_search,
    version,
)

ON_OURS = pytest.mark.parametrize("target", [OURS], indirect=True)


def until(condition, seconds=10.0):
    """Wait for a condition that another process brings about."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the deadline has passed"
        time.sleep(0.01)


def reset(circuit):
    """Close with RST."""
    circuit.socket.setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
    )
    circuit.close()


def read(channel, ioid, type=dbr.LONG, count=1):
    """READ_NOTIFY as bytes."""
    return pack(READ_NOTIFY, type=type, count=count, p1=channel.sid, p2=ioid)


def write_notify(channel, number, ioid):
    """WRITE_NOTIFY of one LONG as bytes."""
    data = struct.pack(">i", number)
    return pack(WRITE_NOTIFY, data, type=dbr.LONG, count=1, p1=channel.sid, p2=ioid)


# Ends


def test_half_close_gets_its_answers_first(target):
    with target.circuit() as circuit:
        channel = circuit.create(target.pv("LONG"))
        circuit.send(b"".join(read(channel, n) for n in range(20)))
        circuit.socket.shutdown(socket.SHUT_WR)
        answers = circuit.expect_close()
    if target.name == OURS:
        assert [m.p2 for m in answers] == [*range(20)]
    assert all(m.p1 == ECA_NORMAL for m in answers)


@pytest.mark.parametrize("end", ["close", "reset"])
def test_connect_and_end_many_times(target, bystander, end):
    bystander.check()
    before = target.child.descriptors()
    for _ in range(200):
        circuit = target.circuit(greet=False)
        if end == "reset":
            reset(circuit)
        else:
            circuit.close()
    until(lambda: target.child.descriptors() <= before)
    bystander.check()


def test_reset_in_the_middle_of_everything(target, bystander):
    before = target.child.descriptors()
    for _ in range(20):
        circuit = target.circuit()
        channel = circuit.create(target.pv("BIG"))
        circuit.send(wire.event_request(channel.sid, 1, dbr.LONG, 0))
        circuit.send(b"".join(read(channel, n, count=0) for n in range(20)))
        circuit.send(pack(WRITE, size=4096, type=5, count=1, p1=channel.sid))
        reset(circuit)
    until(lambda: target.child.descriptors() <= before)
    bystander.check()


def test_create_chan_and_an_end_before_the_reply(target, bystander):
    requests = b"".join(wire.create_request(target.pv("LONG"), n) for n in range(100))
    for _ in range(20):
        with target.circuit() as circuit:
            circuit.send(requests)
    bystander.check()


def test_silent_circuits_are_kept(target, bystander):
    circuits = [target.circuit(greet=False) for _ in range(50)]
    bystander.check()
    for circuit in circuits:
        circuit.expect(VERSION)
        circuit.send(version() + pack(ECHO))
        circuit.expect(ECHO)
        circuit.close()


def test_requests_of_one_segment_before_the_first_answer(target):
    with target.circuit(greet=False) as circuit:
        name = target.pv("LONG")
        circuit.send(version() + wire.create_request(name, 1) + pack(ECHO))
        circuit.expect(VERSION)
        circuit.created(1)
        circuit.expect(ECHO)


def test_a_dead_peer_is_found_by_keepalive_not_by_idleness(circuit, target):
    """The server sets SO_KEEPALIVE; the kernel shows it as a timer of the socket."""
    circuit.create(target.pv("LONG"))
    # While its last message is not acknowledged, another timer stands there.
    until(lambda: set(tcp_timers(target.tcp[1])) == {2})


def tcp_timers(port):
    """Kinds of the timers that run at the server's end; 2 is keepalive."""
    found = []
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[1].split(":")[1], 16) == port and fields[3] == "01":
            found.append(int(fields[5].split(":")[0], 16))
    return found


# Many of everything


def test_ten_thousand_channels_on_one_circuit(target, bystander):
    with target.circuit() as circuit:
        number = 10_000
        for first in range(0, number, 500):
            circuit.send(
                b"".join(
                    wire.create_request(target.pv("LONG"), cid)
                    for cid in range(first, first + 500)
                )
            )
            sids = [circuit.created(cid).sid for cid in range(first, first + 500)]
        circuit.send(b"".join(pack(wire.CLEAR_CHANNEL, p1=sid) for sid in sids))
        for sid in sids:
            circuit.expect(wire.CLEAR_CHANNEL, p1=sid)
        bystander.check()
    bystander.check()


def test_create_and_clear_over_and_over(target, circuit):
    seen = set()
    for _ in range(300):
        channel = circuit.create(target.pv("LONG"))
        circuit.send(pack(wire.CLEAR_CHANNEL, p1=channel.sid, p2=channel.cid))
        circuit.expect(wire.CLEAR_CHANNEL, p2=channel.cid)
        seen.add(channel.sid)
    if target.name == OURS:
        assert len(seen) == 300, "a SID came back soon after CLEAR_CHANNEL"


def test_ten_thousand_subscriptions_on_one_circuit(target, bystander):
    with target.circuit() as circuit, target.circuit() as writer:
        channel = circuit.create(target.pv("TARGET"))
        source = writer.create(target.pv("TARGET"))
        number = 10_000
        for first in range(0, number, 500):
            circuit.send(
                b"".join(
                    wire.event_request(channel.sid, n, dbr.DOUBLE)
                    for n in range(first, first + 500)
                )
            )
            for _ in range(500):
                circuit.expect(EVENT_ADD, p1=ECA_NORMAL)
        value = dbr.encode(dbr.DOUBLE, time.monotonic())
        assert writer.put(source, dbr.DOUBLE, value).p1 == ECA_NORMAL
        seen = {circuit.expect(EVENT_ADD, p1=ECA_NORMAL).p2 for _ in range(number)}
        assert seen == set(range(number))
        bystander.check()


def test_a_large_echo(target, circuit):
    payload = bytes(range(256)) * 1024
    circuit.send(pack(ECHO, payload, p1=1, p2=2))
    reply = circuit.receive()
    assert (reply.command, reply.p1, reply.p2) == (ECHO, 1, 2)
    assert reply.payload == payload


def test_a_peer_that_is_gone_when_data_is_sent(target, bystander):
    """The server writes into reset connections; a SIGPIPE would end it."""
    for _ in range(10):
        circuit = target.circuit(receive_buffer=4096)
        channel = circuit.create(target.pv("BIG"))
        circuit.send(b"".join(read(channel, n, count=0) for n in range(10)))
        reset(circuit)
        bystander.check()


@ON_OURS
def test_no_more_descriptors(target, bystander):
    """Accepting pauses without a busy loop; it goes on when descriptors are free."""
    pid = target.child.pid
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    waiting = []
    try:
        limit = target.child.descriptors() + 5
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, hard))
        for _ in range(20):
            waiting.append(target.circuit(greet=False))
        waiting[0].expect(VERSION)
        bystander_still_served(bystander)
        spent = target.child.cpu_seconds()
        with pytest.raises(wire.Silence):
            waiting[-1].receive(0.5)
        assert target.child.cpu_seconds() - spent < 0.25
        for circuit in waiting[:-1]:
            circuit.close()
        waiting[-1].send(version() + pack(ECHO))
        waiting[-1].expect(VERSION, timeout=10)
        waiting[-1].expect(ECHO)
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
        for circuit in waiting:
            circuit.close()
    bystander.check()


def bystander_still_served(bystander):
    """The part of its check that needs no new connection."""
    reply = bystander.circuit.get(bystander.channel, dbr.LONG)
    assert reply.p1 == ECA_NORMAL


# PVs that come and go


@ON_OURS
def test_a_removed_pv_disconnects_its_channels(target, bystander, circuit):
    channel = circuit.create(target.pv("PLAIN"))
    circuit.subscribe(channel, dbr.DOUBLE)
    target.child.ask(do="remove", name="PLAIN")
    circuit.expect(wire.SERVER_DISCONN, p1=channel.cid)
    # Stray requests with the dead SID.
    circuit.send(read(channel, 4))
    circuit.expect(READ_NOTIFY, p1=ECA_BADCHID, p2=4)
    circuit.send(pack(wire.CLEAR_CHANNEL, p1=channel.sid, p2=channel.cid))
    circuit.expect(wire.CLEAR_CHANNEL, p2=channel.cid)
    circuit.send(wire.create_request(target.pv("PLAIN"), 400))
    circuit.expect(CREATE_CH_FAIL, p1=400)
    target.child.ask(do="add", name="PLAIN")
    again = circuit.create(target.pv("PLAIN"))
    assert circuit.get(again, dbr.DOUBLE).p1 == ECA_NORMAL
    bystander.check()


@ON_OURS
def test_requests_race_with_removal(target, bystander):
    for _ in range(10):
        with target.circuit() as circuit:
            channel = circuit.create(target.pv("PLAIN"))
            circuit.subscribe(channel, dbr.DOUBLE)
            target.child.tell(do="remove", name="PLAIN")
            circuit.send(b"".join(read(channel, n, dbr.DOUBLE) for n in range(200)))
            target.child.answer()
            answers = [m for m in circuit.drain() if m.command == READ_NOTIFY]
            assert [m.p2 for m in answers] == [*range(200)]
            assert {m.p1 for m in answers} <= {ECA_NORMAL, ECA_BADCHID}
            target.child.ask(do="add", name="PLAIN")
    bystander.check()


def test_kill_and_restart(target):
    """The port is free again at once and the new server serves the same names."""
    with target.circuit() as circuit:
        circuit.create(target.pv("LONG"))
        target.restart()
        with pytest.raises(Closed):
            circuit.receive()
    with target.circuit() as circuit:
        channel = circuit.create(target.pv("LONG"))
        assert target.decode(circuit.get(channel, dbr.LONG)).scalar == 5
    with udp_socket() as sock:
        datagram = version(sequence=1) + search_request(target.pv("LONG"), 1)
        assert len(udp_search(sock, target.udp, datagram)[0]) == 2
