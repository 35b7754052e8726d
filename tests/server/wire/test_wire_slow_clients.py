"""Clients that do not read: bounded memory, nobody else waits, the last value arrives.

Rows 39 to 41 of the robustness table.
"""

from __future__ import annotations

import struct

import pytest

from support import dbr, wire
from support.targets import OURS
from support.wire import ECA_NORMAL, EVENT_ADD, EVENTS_OFF, EVENTS_ON, pack

COUNT = 100_000
MEGABYTE = 1 << 20
ON_OURS = pytest.mark.parametrize("target", [OURS], indirect=True)


@pytest.fixture
def writer(target):
    """A second circuit that puts."""
    with target.circuit() as made:
        yield made


@pytest.fixture
def stuck(target):
    """A circuit with small buffers, whose owner reads when the test says so."""
    with target.circuit(receive_buffer=4096) as made:
        yield made


def big(number):
    """A large array, all elements the same: a torn one would show."""
    return struct.pack(">i", number) * COUNT


def first_elements(circuit, subid, last):
    """First element of each update until `last`; every array must be whole."""
    seen = []
    while seen[-1:] != [last]:
        update = circuit.expect(EVENT_ADD, p2=subid, p1=ECA_NORMAL)
        (number,) = struct.unpack_from(">i", update.payload)
        assert update.payload == big(number)
        seen.append(number)
    return seen


def test_the_last_value_reaches_a_client_that_did_not_read(target, stuck, writer):
    source = writer.create(target.pv("BIG"))
    channel = stuck.create(target.pv("BIG"))
    subid, _first = stuck.subscribe(channel, dbr.LONG, 0)
    for number in range(1, 41):
        writer.write(source, dbr.LONG, big(number), COUNT)
    assert writer.get(source, dbr.LONG).payload[:4] == struct.pack(">i", 40)
    seen = first_elements(stuck, subid, 40)
    assert seen == sorted(seen)
    assert writer.put(source, dbr.LONG, big(7), COUNT).p1 == ECA_NORMAL


def test_a_client_that_never_reads_delays_nobody(target, stuck, bystander, writer):
    source = writer.create(target.pv("TARGET2"))
    channel = stuck.create(target.pv("BIG"))
    stuck.send(b"".join(read(channel, ioid) for ioid in range(50)))
    for number in range(200):
        data = dbr.encode(dbr.LONG, number)
        assert writer.put(source, dbr.LONG, data).p1 == ECA_NORMAL
    bystander.check()


def read(channel, ioid):
    """READ_NOTIFY of the whole array."""
    return pack(wire.READ_NOTIFY, type=dbr.LONG, count=COUNT, p1=channel.sid, p2=ioid)


@ON_OURS
def test_pipelined_gets_of_a_client_that_never_reads(target, stuck, bystander):
    """Their answers are 800 MB; the server stops executing them long before."""
    channel = stuck.create(target.pv("BIG"))
    before = target.child.resident_bytes()
    stuck.send(b"".join(read(channel, ioid) for ioid in range(2000)))
    bystander.check()
    assert target.child.resident_bytes() - before < 32 * MEGABYTE
    # It wakes up: nothing was lost, and the order was kept.
    for ioid in range(2000):
        stuck.expect(wire.READ_NOTIFY, p1=ECA_NORMAL, p2=ioid)
    assert target.child.resident_bytes() - before < 32 * MEGABYTE


@ON_OURS
@pytest.mark.parametrize("off", [False, True], ids=["not reading", "EVENTS_OFF"])
def test_subscriptions_of_a_client_that_sleeps(target, stuck, writer, bystander, off):
    """Forty subscriptions and sixty posts of 400 KB: 960 MB if all were kept."""
    source = writer.create(target.pv("BIG"))
    channel = stuck.create(target.pv("BIG"))
    for subid in range(40):
        stuck.send(wire.event_request(channel.sid, subid, dbr.LONG, 0))
        stuck.expect(EVENT_ADD, p2=subid)
    if off:
        stuck.send(pack(EVENTS_OFF))
        assert stuck.drain() == []
    before = target.child.resident_bytes()
    for number in range(1, 61):
        assert writer.put(source, dbr.LONG, big(number), COUNT).p1 == ECA_NORMAL
    bystander.check()
    assert target.child.resident_bytes() - before < 64 * MEGABYTE
    if off:
        stuck.send(pack(EVENTS_ON))
    last = dict.fromkeys(range(40), 0)
    while set(last.values()) != {60}:
        update = stuck.expect(EVENT_ADD, p1=ECA_NORMAL)
        (number,) = struct.unpack_from(">i", update.payload)
        assert number >= last[update.p2]
        last[update.p2] = number
    assert writer.put(source, dbr.LONG, big(7), COUNT).p1 == ECA_NORMAL


@ON_OURS
def test_small_updates_for_a_client_that_never_reads(target, stuck, writer, bystander):
    """Fifty thousand posts to two hundred subscriptions, then the last value."""
    source = writer.create(target.pv("TARGET2"))
    channel = stuck.create(target.pv("TARGET2"))
    for subid in range(200):
        stuck.send(wire.event_request(channel.sid, subid, dbr.TIME + dbr.LONG))
        stuck.expect(EVENT_ADD, p2=subid)
    before = target.child.resident_bytes()
    for number in range(1, 50_001):
        writer.write(source, dbr.LONG, struct.pack(">i", number))
    assert writer.get(source, dbr.LONG).payload[:4] == struct.pack(">i", 50_000)
    bystander.check()
    assert target.child.resident_bytes() - before < 32 * MEGABYTE
    # check() has put a smaller number; every subscription ends with the same one.
    end = target.decode(writer.get(source, dbr.LONG)).scalar
    last = {}
    while set(last.values()) != {end} or len(last) < 200:
        update = stuck.expect(EVENT_ADD, p1=ECA_NORMAL)
        last[update.p2] = target.decode(update).scalar
