"""Each DBR type as scalar and array, read and subscribed, every byte of it (4.1)."""

import math
import time

import pytest

from support import dbr
from support.wire import ECA_BADTYPE, ECA_GETFAIL, ECA_NORMAL, EVENT_ADD, pack

# PV, its native type, its elements.
SCALARS = {
    "STRING": [b"hello"],
    "SHORT": [7],
    "ENUM": [0],
    "CHAR": [65],
    "LONG": [5],
    "DOUBLE": [3.14159],
}
ARRAYS = {
    "W:STRING": [b"one", b"two", b"three"],
    "W:SHORT": [1, -2, 3],
    "W:CHAR": [97, 98, 200],
    "W:LONG": [1, -2, 3],
    "W:DOUBLE": [0.5, 1.5, 2.5],
}
ALL = {**SCALARS, **ARRAYS}
EPICS_EPOCH = 631152000
NUMERIC_LIMITS = [10, -10, 8, 6, -6, -8]


def as_base(elements, base):
    """What numbers become in another numeric type."""
    if base in (dbr.FLOAT, dbr.DOUBLE):
        return [pytest.approx(e, rel=1e-7) for e in elements]
    if base == dbr.CHAR:
        return [int(e) & 0xFF for e in elements]
    if base == dbr.ENUM:
        return [int(e) & 0xFFFF for e in elements]
    return [int(e) for e in elements]


def check(target, message, dbr_type, elements):
    """One reply or update: exact sizes, the value and what comes with the family."""
    value = target.decode(message)
    assert value.elements == elements
    if dbr_type >= dbr.STS:
        assert (value.status, value.severity) == (0, 0)
    if dbr.TIME <= dbr_type < dbr.GR:
        assert abs(value.seconds + EPICS_EPOCH - time.time()) < 300
        assert value.nanoseconds < 1_000_000_000
    return value


@pytest.mark.parametrize("family", range(5), ids=dbr.FAMILIES)
@pytest.mark.parametrize("name", ALL)
def test_native_type_in_every_family(target, circuit, name, family):
    channel = circuit.create(target.pv(name))
    dbr_type = 7 * family + channel.type
    for count in (len(ALL[name]), 0):
        reply = circuit.get(channel, dbr_type, count)
        assert (reply.p1, reply.type, reply.count) == (
            ECA_NORMAL,
            dbr_type,
            len(ALL[name]),
        )
        check(target, reply, dbr_type, ALL[name])
        subid, update = circuit.subscribe(channel, dbr_type, count)
        assert update.payload == reply.payload or target.name == "reference"
        check(target, update, dbr_type, ALL[name])
        circuit.cancel(channel, subid, dbr_type, count)


@pytest.mark.parametrize("base", range(1, 7), ids=dbr.BASES[1:])
@pytest.mark.parametrize("name", ["SHORT", "CHAR", "LONG", "DOUBLE", "W:LONG"])
def test_every_numeric_type_of_every_number(target, circuit, name, base):
    channel = circuit.create(target.pv(name))
    expected = as_base(ALL[name], base)
    for family in range(5):
        dbr_type = 7 * family + base
        reply = circuit.get(channel, dbr_type, len(expected))
        assert (reply.p1, reply.type) == (ECA_NORMAL, dbr_type)
        check(target, reply, dbr_type, expected)


@pytest.mark.parametrize("base", [dbr.SHORT, dbr.FLOAT, dbr.CHAR, dbr.LONG, dbr.DOUBLE])
@pytest.mark.parametrize("name", ["DOUBLE", "LONG"])
def test_units_and_limits(target, circuit, name, base):
    channel = circuit.create(target.pv(name))
    limits = NUMERIC_LIMITS
    if base == dbr.CHAR:
        limits = target.choose(
            ours=[max(n, 0) for n in limits], reference=[n & 0xFF for n in limits]
        )
    graphic = target.decode(circuit.get(channel, dbr.GR + base))
    control = target.decode(circuit.get(channel, dbr.CTRL + base))
    assert (graphic.units, control.units) == ("eV", "eV")
    assert graphic.limits == limits
    assert control.limits == [*limits, *limits[:2]]


@pytest.mark.parametrize("family", [dbr.GR, dbr.CTRL])
@pytest.mark.parametrize(("name", "precision"), [("DOUBLE", 3), ("W:DOUBLE", 3)])
@pytest.mark.parametrize("base", [dbr.FLOAT, dbr.DOUBLE])
def test_precision(target, circuit, name, precision, base, family):
    channel = circuit.create(target.pv(name))
    value = target.decode(circuit.get(channel, family + base))
    assert value.precision == precision


@pytest.mark.parametrize(
    ("name", "states"),
    [("ENUM", ["ZERO", "ONE", "TWO"]), ("BINARY", ["Off", "On"]), ("DOUBLE", [])],
)
def test_states(target, circuit, name, states):
    channel = circuit.create(target.pv(name))
    for family in (dbr.GR, dbr.CTRL):
        reply = circuit.get(channel, family + dbr.ENUM)
        value = target.decode(reply)
        assert value.states == states
        assert len(reply.payload) == 424


def test_alarm_limits_that_do_not_exist(target, circuit):
    channel = circuit.create(target.pv("PLAIN"))
    value = target.decode(circuit.get(channel, dbr.CTRL + dbr.DOUBLE))
    absent = value.limits[2:6]
    assert all(map(math.isnan, absent))
    assert value.limits[:2] == value.limits[6:] == [0.0, 0.0]


def test_a_pv_never_set_is_undefined_and_invalid(target, circuit):
    channel = circuit.create(target.pv("NEVERSET"))
    value = target.decode(circuit.get(channel, dbr.TIME + dbr.DOUBLE))
    assert (value.status, value.severity) == (17, 3)


@pytest.mark.parametrize("name", ["DOUBLE", "W:LONG", "ENUM"])
def test_stsack_string(target, circuit, name):
    channel = circuit.create(target.pv(name))
    reply = circuit.get(channel, dbr.STSACK_STRING)
    assert (reply.p1, reply.count, len(reply.payload)) == (ECA_NORMAL, 1, 48)
    text = {"DOUBLE": b"3.142", "W:LONG": b"1", "ENUM": b"ZERO"}[name]
    assert reply.payload[:4] == bytes(4)
    assert reply.payload[8:].partition(b"\0")[0] == text
    if target.name == "ours":
        assert not any(reply.payload[8 + len(text) :])


def test_class_name(target, circuit):
    channel = circuit.create(target.pv("DOUBLE"))
    reply = circuit.get(channel, dbr.CLASS_NAME)
    assert (reply.p1, reply.count, len(reply.payload)) == (ECA_NORMAL, 1, 40)
    name, _nul, rest = reply.payload.partition(b"\0")
    assert name.isascii()
    if target.name == "reference":
        assert name == b"ao"
    else:
        assert not any(rest)


@pytest.mark.parametrize("dbr_type", [dbr.PUT_ACKT, dbr.PUT_ACKS])
def test_acknowledge_types_cannot_be_read(target, circuit, dbr_type):
    channel = circuit.create(target.pv("DOUBLE"))
    assert circuit.get(channel, dbr_type).p1 in (ECA_GETFAIL, ECA_BADTYPE)


def test_arrays_padded_to_eight(target, circuit):
    """Odd numbers of small elements, one by one up to the native count."""
    channel = circuit.create(target.pv("W:CHAR"))
    for family in range(5):
        for count in range(1, 18):
            reply = circuit.get(channel, 7 * family + dbr.CHAR, count)
            elements = [97, 98, 200, *[0] * 20][:count]
            assert target.decode(reply).elements == elements


def test_a_time_stamp_moves_forward_with_each_put(target, circuit):
    channel = circuit.create(target.pv("TARGET"))
    stamps = []
    for number in range(5):
        circuit.put(channel, dbr.DOUBLE, dbr.encode(dbr.DOUBLE, 100.0 + number))
        value = target.decode(circuit.get(channel, dbr.TIME + dbr.DOUBLE))
        stamps.append((value.seconds, value.nanoseconds))
    assert stamps == sorted(stamps)
    assert len(set(stamps)) == 5
    assert abs(stamps[-1][0] + EPICS_EPOCH - time.time()) < 5


def test_alarms_travel_with_the_value(target, circuit):
    channel = circuit.create(target.pv("LONG"))
    try:
        for number, alarm in [
            (7, (4, 1)),
            (9, (3, 2)),
            (0, (0, 0)),
            (-7, (6, 1)),
            (-9, (5, 2)),
        ]:
            circuit.put(channel, dbr.LONG, dbr.encode(dbr.LONG, number))
            for family in (dbr.STS, dbr.TIME, dbr.GR, dbr.CTRL):
                reply = circuit.get(channel, family + dbr.LONG)
                value = target.decode(reply)
                assert (value.status, value.severity) == alarm
                assert value.scalar == number
    finally:
        circuit.put(channel, dbr.LONG, dbr.encode(dbr.LONG, 5))


def test_enum_states_carry_alarms(target, circuit):
    channel = circuit.create(target.pv("ENUM"))
    for index, severity in [(1, 1), (2, 2), (0, 0)]:
        circuit.put(channel, dbr.ENUM, dbr.encode(dbr.ENUM, index))
        value = target.decode(circuit.get(channel, dbr.STS + dbr.ENUM))
        status = 7 if severity else 0
        assert (value.scalar, value.status, value.severity) == (index, status, severity)


def test_updates_carry_the_type_of_the_subscription(target, circuit):
    channel = circuit.create(target.pv("TARGET"))
    subids = {}
    for dbr_type in range(35):
        subid = circuit.new_id()
        subids[subid] = dbr_type
        circuit.send(
            pack(
                EVENT_ADD,
                bytes(12) + b"\0\1\0\0",
                type=dbr_type,
                count=1,
                p1=channel.sid,
                p2=subid,
            )
        )
    for _ in subids:
        circuit.expect(EVENT_ADD, p1=ECA_NORMAL)
    circuit.write(channel, dbr.DOUBLE, dbr.encode(dbr.DOUBLE, 66.5))
    seen = {}
    while len(seen) < len(subids):
        update = circuit.expect(EVENT_ADD, p1=ECA_NORMAL)
        assert update.type == subids[update.p2]
        seen[update.p2] = target.decode(update).scalar
    expected = {0: b"66.500", 2: 66.5, 6: 66.5}
    for subid, dbr_type in subids.items():
        assert seen[subid] == expected.get(dbr_type % 7, 66)
