"""Masks, EVENTS_OFF and ON, cancel, order and the last value (5, 3.7)."""

import pytest

from support import dbr, wire
from support.deadbands import DEADBANDS, MOVES
from support.wire import (
    DBE_ALARM,
    DBE_LOG,
    DBE_PROPERTY,
    DBE_VALUE,
    ECA_NORMAL,
    EVENT_ADD,
    EVENTS_OFF,
    EVENTS_ON,
    pack,
)


@pytest.fixture
def writer(target):
    """A second circuit that puts, so that updates stand alone on the first."""
    with target.circuit() as made:
        yield made


def put_number(circuit, channel, number):
    """A put callback of one number in the channel's type."""
    reply = circuit.put(channel, channel.type, dbr.encode(channel.type, number))
    assert reply.p1 == ECA_NORMAL


def until(target, circuit, subid, number):
    """All values of a subscription up to and with `number`."""
    values = []
    for update in circuit.updates(subid):
        values.append(target.decode(update).elements[0])
        if values[-1] == number:
            return values
    raise AssertionError("unreachable")


@pytest.mark.parametrize("mask", range(1, 16))
def test_the_first_update_comes_with_any_mask(target, circuit, mask):
    channel = circuit.create(target.pv("DOUBLE"))
    subid, update = circuit.subscribe(channel, dbr.TIME + dbr.DOUBLE, 1, mask)
    assert (update.p1, update.count) == (ECA_NORMAL, 1)
    circuit.cancel(channel, subid, dbr.TIME + dbr.DOUBLE)


def test_unknown_bits_of_a_mask_are_ignored(target, circuit, writer):
    channel = circuit.create(target.pv("TARGET"))
    unknown = target.choose(ours=0xFFF0, reference=0xF0)  # it knows 8 bits only
    subid, update = circuit.subscribe(channel, dbr.DOUBLE, 1, unknown | DBE_VALUE)
    assert update.p1 == ECA_NORMAL
    put_number(writer, writer.create(target.pv("TARGET")), 31.0)
    assert until(target, circuit, subid, 31.0)


@pytest.mark.parametrize(
    ("mask", "wanted"),
    [
        (DBE_VALUE, True),
        (DBE_LOG, True),
        (DBE_VALUE | DBE_LOG, True),
        (DBE_PROPERTY, False),
    ],
)
def test_a_value_that_changes(target, circuit, writer, mask, wanted):
    channel = circuit.create(target.pv("TARGET"))
    source = writer.create(target.pv("TARGET"))
    put_number(writer, source, 40.0)
    subid, _first = circuit.subscribe(channel, dbr.DOUBLE, 1, mask)
    # The witness sees every event: what was not sent ahead of its update never will be.
    witness, _first = circuit.subscribe(channel, dbr.DOUBLE, 1, 15)
    put_number(writer, source, 41.0)
    seen = []
    for _ in range(1 + wanted):
        update = circuit.expect(EVENT_ADD)
        assert target.decode(update).scalar == 41.0
        seen.append(update.p2)
    assert sorted(seen) == ([subid, witness] if wanted else [witness])
    assert circuit.drain() == []


def test_an_alarm_mask_sees_only_changes_of_the_alarm(target, circuit, writer):
    channel = circuit.create(target.pv("LONG"))
    source = writer.create(target.pv("LONG"))
    put_number(writer, source, 5)
    alarms, _first = circuit.subscribe(channel, dbr.STS + dbr.LONG, 1, DBE_ALARM)
    values, _first = circuit.subscribe(channel, dbr.STS + dbr.LONG, 1, DBE_VALUE)
    seen = {alarms: [], values: []}
    for number in (4, 7, 6, 9, 8, 3, 5):
        put_number(writer, source, number)
    while not seen[values] or seen[values][-1][0] != 5:
        update = circuit.expect(EVENT_ADD)
        got = target.decode(update)
        seen[update.p2].append((got.scalar, got.status, got.severity))
    for update in circuit.drain():
        got = target.decode(update)
        seen[update.p2].append((got.scalar, got.status, got.severity))
    assert [n for n, _, _ in seen[values]] == [4, 7, 6, 9, 8, 3, 5]
    assert seen[alarms] == [(7, 4, 1), (9, 3, 2), (3, 0, 0)]


def test_the_same_value_again_is_no_change(target, circuit, writer):
    channel = circuit.create(target.pv("TARGET"))
    source = writer.create(target.pv("TARGET"))
    put_number(writer, source, 50.0)
    subid, _first = circuit.subscribe(channel, dbr.DOUBLE)
    for number in (50.0, 50.0, 51.0):
        put_number(writer, source, number)
    assert until(target, circuit, subid, 51.0) == [51.0]


@pytest.mark.parametrize("deadband", DEADBANDS)
@pytest.mark.parametrize("mask", [DBE_VALUE, DBE_LOG])
def test_which_changes_of_a_number_are_sent(target, circuit, writer, deadband, mask):
    channel = circuit.create(target.pv("TARGET"))
    source = writer.create(target.pv("TARGET"))
    target.set_deadband("TARGET", deadband)
    try:
        put_number(writer, source, -99.0)
        subid, _first = circuit.subscribe(channel, dbr.DOUBLE, 1, mask)
        for last, new, distance in MOVES:
            for number in (last, new, -99.0):
                put_number(writer, source, number)
            sent = [last, new] if distance > deadband else [last]
            seen = until(target, circuit, subid, -99.0)
            assert repr(seen) == repr([*sent, -99.0]), (last, new)
    finally:
        target.set_deadband("TARGET", 0)


def test_a_property_mask_sees_new_units(target, circuit):
    channel = circuit.create(target.pv("PLAIN"))
    dbr_type = dbr.CTRL + dbr.DOUBLE
    target.set_units("PLAIN", "V")
    try:
        properties, first = circuit.subscribe(channel, dbr_type, 1, DBE_PROPERTY)
        values, _first = circuit.subscribe(channel, dbr_type, 1, DBE_VALUE)
        assert target.decode(first).units == "V"
        target.set_units("PLAIN", "kV")
        update = circuit.expect(EVENT_ADD, p2=properties)
        assert target.decode(update).units == "kV"
        assert all(m.p2 != values for m in circuit.drain())
    finally:
        target.set_units("PLAIN", "V")


def test_updates_come_in_the_order_of_the_posts(target, circuit, writer):
    channel = circuit.create(target.pv("TARGET2"))
    source = writer.create(target.pv("TARGET2"))
    put_number(writer, source, -1)
    subid, _first = circuit.subscribe(channel, dbr.LONG)
    for number in range(500):
        writer.write(source, dbr.LONG, dbr.encode(dbr.LONG, number))
    values = until(target, circuit, subid, 499)
    assert values == sorted(values)
    assert len(set(values)) == len(values)


def test_every_circuit_gets_the_update(target, writer):
    source = writer.create(target.pv("TARGET2"))
    put_number(writer, source, 600)
    circuits = [target.circuit() for _ in range(10)]
    try:
        subids = []
        for circuit in circuits:
            channel = circuit.create(target.pv("TARGET2"))
            subids.append(circuit.subscribe(channel, dbr.LONG)[0])
        put_number(writer, source, 601)
        for circuit, subid in zip(circuits, subids, strict=True):
            assert until(target, circuit, subid, 601) == [601]
    finally:
        for circuit in circuits:
            circuit.close()


def test_a_post_from_inside_the_server(target, circuit):
    channel = circuit.create(target.pv("W:DOUBLE"))
    subid, _first = circuit.subscribe(channel, dbr.TIME + dbr.DOUBLE, 0)
    target.post("W:DOUBLE", [4.5, 5.5])
    update = circuit.expect(EVENT_ADD, p2=subid, p1=ECA_NORMAL)
    assert target.decode(update).elements == [4.5, 5.5]
    target.post("W:DOUBLE", [0.5, 1.5, 2.5])


def test_cancel_one_of_two(target, circuit, writer):
    channel = circuit.create(target.pv("TARGET"))
    source = writer.create(target.pv("TARGET"))
    put_number(writer, source, 60.0)
    gone, _first = circuit.subscribe(channel, dbr.DOUBLE)
    stays, _first = circuit.subscribe(channel, dbr.DOUBLE)
    circuit.cancel(channel, gone, dbr.DOUBLE)
    put_number(writer, source, 61.0)
    circuit.expect(EVENT_ADD, p2=stays)
    assert circuit.drain() == []


def test_nothing_follows_a_cleared_channel(target, circuit, writer):
    channel = circuit.create(target.pv("TARGET"))
    source = writer.create(target.pv("TARGET"))
    for _ in range(3):
        circuit.subscribe(channel, dbr.DOUBLE)
    circuit.send(pack(wire.CLEAR_CHANNEL, p1=channel.sid, p2=channel.cid))
    circuit.expect(wire.CLEAR_CHANNEL, p1=channel.sid, p2=channel.cid)
    put_number(writer, source, 62.0)
    assert circuit.drain() == []


def test_two_subscriptions_of_different_types_and_counts(target, circuit, writer):
    channel = circuit.create(target.pv("W:LONG"))
    source = writer.create(target.pv("W:LONG"))
    short, _first = circuit.subscribe(channel, dbr.SHORT, 2)
    text, _first = circuit.subscribe(channel, dbr.STRING, 0)
    data = dbr.encode(dbr.LONG, 8, 9, 10, 11)
    assert writer.put(source, dbr.LONG, data, 4).p1 == ECA_NORMAL
    updates = {m.p2: m for m in (circuit.expect(EVENT_ADD) for _ in range(2))}
    assert target.decode(updates[short]).elements == [8, 9]
    assert target.decode(updates[text]).elements == [b"8", b"9", b"10", b"11"]


# EVENTS_OFF and EVENTS_ON


def test_events_off_keeps_only_the_newest_value(target, circuit, writer):
    channel = circuit.create(target.pv("TARGET2"))
    source = writer.create(target.pv("TARGET2"))
    put_number(writer, source, -1)
    subid, _first = circuit.subscribe(channel, dbr.LONG)
    circuit.send(pack(EVENTS_OFF))
    assert circuit.drain() == []
    for number in range(100):
        put_number(writer, source, number)
    # Replies go on, updates do not.
    assert target.decode(circuit.get(channel, dbr.LONG)).scalar == 99
    assert circuit.drain() == []
    circuit.send(pack(EVENTS_ON))
    values = until(target, circuit, subid, 99)
    assert values == target.choose(ours=[99], reference=values)
    assert len(values) <= 2
    put_number(writer, source, 100)
    assert until(target, circuit, subid, 100) == [100]


def test_events_on_sends_nothing_for_what_did_not_change(target, circuit, writer):
    channel = circuit.create(target.pv("TARGET2"))
    still = circuit.create(target.pv("LONG"))
    source = writer.create(target.pv("TARGET2"))
    put_number(writer, source, 1)
    changed, _first = circuit.subscribe(channel, dbr.LONG)
    circuit.subscribe(still, dbr.LONG)
    circuit.send(pack(EVENTS_OFF))
    circuit.drain()
    put_number(writer, source, 2)
    circuit.send(pack(EVENTS_ON))
    circuit.expect(EVENT_ADD, p2=changed)
    assert circuit.drain() == []


def test_a_subscription_made_in_events_off(target, circuit):
    channel = circuit.create(target.pv("LONG"))
    circuit.send(pack(EVENTS_OFF))
    circuit.send(wire.event_request(channel.sid, 500, dbr.LONG))
    early = circuit.drain()
    circuit.send(pack(EVENTS_ON))
    first = early[0] if early else circuit.receive()
    assert (first.command, first.p2, first.p1) == (EVENT_ADD, 500, ECA_NORMAL)
    assert circuit.drain() == []


def test_events_on_without_off_and_many_toggles(target, circuit, writer):
    channel = circuit.create(target.pv("TARGET2"))
    source = writer.create(target.pv("TARGET2"))
    put_number(writer, source, 1)
    subid, _first = circuit.subscribe(channel, dbr.LONG)
    circuit.send(pack(EVENTS_ON))
    circuit.send((pack(EVENTS_OFF) + pack(EVENTS_ON)) * 5000 + pack(EVENTS_ON))
    assert circuit.drain() == []
    put_number(writer, source, 2)
    assert until(target, circuit, subid, 2) == [2]


def test_events_off_stops_one_circuit_only(target, circuit, writer):
    channel = circuit.create(target.pv("TARGET2"))
    source = writer.create(target.pv("TARGET2"))
    put_number(writer, source, 1)
    circuit.subscribe(channel, dbr.LONG)
    circuit.send(pack(EVENTS_OFF))
    circuit.drain()
    with target.circuit() as other:
        subid, _first = other.subscribe(other.create(target.pv("TARGET2")), dbr.LONG)
        put_number(writer, source, 2)
        assert until(target, other, subid, 2) == [2]
    assert circuit.drain() == []
