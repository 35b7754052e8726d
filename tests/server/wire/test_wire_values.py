"""Counts, empty arrays, strings and conversions (4.2 to 4.4)."""

import math
import struct

import pytest

from support import dbr, wire
from support.targets import OURS
from support.wire import (
    ECA_BADCOUNT,
    ECA_BADTYPE,
    ECA_GETFAIL,
    ECA_NOCONVERT,
    ECA_NORMAL,
    ECA_PUTFAIL,
    ECA_TOLARGE,
    ERROR,
    READ,
    READ_NOTIFY,
    pack,
)

STATE_ALARM, MAJOR_ALARM = 7, 2

# Counts


@pytest.mark.parametrize("count", range(11))
@pytest.mark.parametrize("family", [dbr.PLAIN, dbr.TIME, dbr.CTRL])
def test_exactly_the_asked_count_filled_with_zeros(target, circuit, count, family):
    channel = circuit.create(target.pv("W:LONG"))
    reply = circuit.get(channel, family + dbr.LONG, count)
    expected = [1, -2, 3, *[0] * 7][: count or 3]
    assert (reply.p1, reply.count) == (ECA_NORMAL, len(expected))
    assert target.decode(reply).elements == expected


@pytest.mark.parametrize("name", ["DOUBLE", "STRING", "W:STRING", "W:DOUBLE"])
@pytest.mark.parametrize("beyond", [1, 7, 200])
def test_beyond_the_native_count_is_filled_with_zeros(target, circuit, name, beyond):
    channel = circuit.create(target.pv(name))
    count = channel.count + beyond
    reply = circuit.get(channel, dbr.TIME + channel.type, count)
    assert (reply.p1, reply.count) == (ECA_NORMAL, count)
    blank = b"" if channel.type == dbr.STRING else 0
    assert target.decode(reply).elements[-beyond:] == [blank] * beyond
    subid, update = circuit.subscribe(channel, dbr.TIME + channel.type, count)
    assert target.decode(update).elements == target.decode(reply).elements
    circuit.cancel(channel, subid, dbr.TIME + channel.type, count)


def test_the_old_read_with_count_zero(target, circuit):
    channel = circuit.create(target.pv("W:LONG"))
    circuit.send(pack(READ, type=dbr.LONG, count=0, p1=channel.sid, p2=3))
    reply = circuit.expect(READ, p1=channel.cid, p2=3)
    assert reply.count == target.choose(ours=3, reference=0)


def test_count_zero_follows_the_length(target, circuit):
    channel = circuit.create(target.pv("W:SHORT"))
    subid, _first = circuit.subscribe(channel, dbr.SHORT, 0)
    for length in (1, 10, 2, 3):
        elements = [1, -2, 3, 4, 5, 6, 7, 8, 9, 10][:length]
        data = dbr.encode(dbr.SHORT, *elements)
        circuit.write(channel, dbr.SHORT, data, length)
        update = circuit.expect(wire.EVENT_ADD, p2=subid)
        assert (update.count, target.decode(update).elements) == (length, elements)
        reply = circuit.get(channel, dbr.SHORT, 0)
        assert target.decode(reply).elements == elements
    circuit.cancel(channel, subid, dbr.SHORT, 0)


@pytest.mark.parametrize("family", range(1, 5), ids=dbr.FAMILIES[1:])
def test_an_empty_array_with_its_metadata(target, circuit, family):
    channel = circuit.create(target.pv("EMPTY"))
    dbr_type = 7 * family + dbr.DOUBLE
    reply = circuit.get(channel, dbr_type, 0)
    assert (reply.p1, reply.count) == (ECA_NORMAL, 0)
    assert target.decode(reply).elements == []
    subid, update = circuit.subscribe(channel, dbr_type, 0)
    assert (update.p1, update.count) == (ECA_NORMAL, 0)
    assert target.decode(update).elements == []
    circuit.cancel(channel, subid, dbr_type, 0)


def test_a_plain_update_of_an_empty_array_has_eight_zero_bytes(target, circuit):
    """Without a payload, clients take it for the confirmation of a cancel."""
    channel = circuit.create(target.pv("EMPTY"))
    subid, update = circuit.subscribe(channel, dbr.DOUBLE, 0)
    assert (update.p1, update.count) == (ECA_NORMAL, 0)
    assert update.payload == target.choose(ours=bytes(8), reference=b"")
    circuit.send(pack(wire.EVENT_CANCEL, type=dbr.DOUBLE, p1=channel.sid, p2=subid))
    circuit.expect(wire.EVENT_ADD, p1=channel.sid, p2=subid)


def test_a_plain_get_of_an_empty_array(target, circuit):
    channel = circuit.create(target.pv("EMPTY"))
    reply = circuit.get(channel, dbr.DOUBLE, 0)
    assert (reply.p1, reply.count) == (ECA_NORMAL, 0)
    assert not any(reply.payload)


def test_an_array_can_be_emptied(target, circuit):
    channel = circuit.create(target.pv("W:LONG"))
    try:
        assert circuit.put(channel, dbr.LONG, b"", 0).p1 == ECA_NORMAL
        reply = circuit.get(channel, dbr.TIME + dbr.LONG, 0)
        assert (reply.count, target.decode(reply).elements) == (0, [])
    finally:
        circuit.put(channel, dbr.LONG, dbr.encode(dbr.LONG, 1, -2, 3), 3)


@pytest.mark.parametrize("count", [0x20000001, 0x7FFFFFFF, 0xFFFFFFFF])
def test_counts_that_overflow_32_bits_in_a_read(ours, count):
    with ours.circuit() as circuit:
        channel = circuit.create(ours.pv("W:DOUBLE"))
        circuit.send(
            pack(READ_NOTIFY, type=dbr.DOUBLE, count=count, p1=channel.sid, p2=9)
        )
        answer = circuit.receive()
        if answer.command == ERROR:
            assert answer.p2 == ECA_TOLARGE
        else:
            assert (answer.command, answer.p1, answer.p2) == (
                READ_NOTIFY,
                ECA_TOLARGE,
                9,
            )
            assert len(answer.payload) <= 16
        assert circuit.drain() == []


# Strings


def test_a_scalar_string_is_always_40_bytes(target, circuit):
    channel = circuit.create(target.pv("STRING"))
    assert len(circuit.get(channel, dbr.STRING).payload) == 40
    circuit.send(pack(READ, type=dbr.STRING, count=1, p1=channel.sid, p2=3))
    reply = circuit.expect(READ, p2=3)
    assert len(reply.payload) == target.choose(ours=40, reference=8)


@pytest.mark.parametrize("size", [8, 16, 24, 32, 40])
def test_one_string_is_written_with_any_size_from_8_to_40(target, circuit, size):
    channel = circuit.create(target.pv("STRING"))
    text = b"abcdefghijklmnopqrstuvwxyz0123456789ABCD"[: size - 1]
    assert circuit.put(channel, dbr.STRING, text + b"\0").p1 == ECA_NORMAL
    assert target.decode(circuit.get(channel, dbr.STRING)).scalar == text
    assert circuit.put(channel, dbr.STRING, b"hello\0").p1 == ECA_NORMAL


def test_a_string_is_cut_at_39(target, circuit):
    channel = circuit.create(target.pv("STRING"))
    circuit.put(channel, dbr.STRING, b"A" * 40)
    assert target.decode(circuit.get(channel, dbr.STRING)).scalar == b"A" * 39
    circuit.put(channel, dbr.STRING, b"hello\0")


def test_a_string_of_any_bytes_passes_through(target, circuit):
    channel = circuit.create(target.pv("STRING"))
    text = bytes([0xFF, 0xFE, 0x80, 0x0A, 0x1B, 0xC3])
    circuit.put(channel, dbr.STRING, text + b"\0")
    assert target.decode(circuit.get(channel, dbr.STRING)).scalar == text
    circuit.put(channel, dbr.STRING, b"hello\0")


def test_arrays_of_strings_carry_40_bytes_each(target, circuit):
    channel = circuit.create(target.pv("W:STRING"))
    data = dbr.encode(dbr.STRING, "a", "", "x" * 39)
    assert circuit.put(channel, dbr.STRING, data, 3).p1 == ECA_NORMAL
    reply = circuit.get(channel, dbr.STRING, 0)
    assert target.decode(reply).elements == [b"a", b"", b"x" * 39]
    assert len(reply.payload) == 120
    circuit.put(channel, dbr.STRING, dbr.encode(dbr.STRING, "one", "two", "three"), 3)


# Conversions on reading


@pytest.mark.parametrize(
    ("name", "number", "text"),
    [
        ("TARGET", 3.14159265, b"3.142"),
        ("TARGET", -0.5, b"-0.500"),
        ("TARGET", 123456.0, b"123456.000"),
        ("TARGET", float("nan"), b"nan"),
        ("TARGET", float("inf"), b"inf"),
        ("TARGET2", -12345, b"-12345"),
    ],
)
def test_number_to_string(target, circuit, name, number, text):
    channel = circuit.create(target.pv(name))
    circuit.put(channel, channel.type, dbr.encode(channel.type, number))
    seen = target.decode(circuit.get(channel, dbr.STRING)).scalar
    assert seen.strip().lower() == text


def test_char_array_to_strings_is_one_number_each(target, circuit):
    channel = circuit.create(target.pv("W:CHAR"))
    reply = circuit.get(channel, dbr.STRING, 3)
    assert target.decode(reply).elements == [b"97", b"98", b"200"]


@pytest.mark.parametrize(("index", "text"), [(0, b"ZERO"), (1, b"ONE"), (2, b"TWO")])
def test_enum_to_string_and_number(target, circuit, index, text):
    channel = circuit.create(target.pv("ENUM"))
    circuit.put(channel, dbr.ENUM, dbr.encode(dbr.ENUM, index))
    assert target.decode(circuit.get(channel, dbr.STRING)).scalar == text
    assert target.decode(circuit.get(channel, dbr.DOUBLE)).scalar == float(index)
    circuit.put(channel, dbr.ENUM, dbr.encode(dbr.ENUM, 0))


@pytest.mark.parametrize("text", ["5 mm", "17"])
def test_string_to_number(target, circuit, text):
    channel = circuit.create(target.pv("STRING"))
    circuit.put(channel, dbr.STRING, dbr.encode(dbr.STRING, text))
    expected = float(text.split()[0])
    assert target.decode(circuit.get(channel, dbr.DOUBLE)).scalar == expected
    circuit.put(channel, dbr.STRING, b"hello\0")


def test_a_string_that_is_no_number(target, circuit):
    channel = circuit.create(target.pv("STRING"))
    reply = circuit.get(channel, dbr.DOUBLE)
    assert reply.p1 in (ECA_GETFAIL, ECA_NOCONVERT)
    assert (reply.type, reply.count, reply.payload) == (dbr.DOUBLE, 1, bytes(8))


def test_the_old_read_that_fails_is_told_by_an_error(target, circuit):
    channel = circuit.create(target.pv("STRING"))
    circuit.send(pack(READ, type=dbr.DOUBLE, count=1, p1=channel.sid, p2=3))
    assert circuit.expect(ERROR, p1=channel.cid).p2 in (ECA_GETFAIL, ECA_NOCONVERT)


def test_a_failed_read_with_count_zero(target, circuit):
    channel = circuit.create(target.pv("STRING"))
    reply = circuit.get(channel, dbr.TIME + dbr.DOUBLE, 0)
    assert reply.p1 in (ECA_GETFAIL, ECA_NOCONVERT)
    assert (reply.count, reply.payload) == (0, bytes(16))


@pytest.mark.parametrize("base", [dbr.SHORT, dbr.CHAR, dbr.LONG])
@pytest.mark.parametrize("number", [1.9, -1.9, 100.5])
def test_double_to_integer_truncates(target, circuit, number, base):
    channel = circuit.create(target.pv("TARGET"))
    circuit.put(channel, dbr.DOUBLE, dbr.encode(dbr.DOUBLE, number))
    expected = int(number)
    if base == dbr.CHAR:
        expected = target.choose(ours=max(expected, 0), reference=expected & 0xFF)
    assert target.decode(circuit.get(channel, base)).scalar == expected


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (1e300, 0x7FFFFFFF),
        (-1e300, -0x80000000),
        (float("inf"), 0x7FFFFFFF),
    ],
)
def test_double_out_of_range_is_clamped(ours, number, expected):
    with ours.circuit() as circuit:
        channel = circuit.create(ours.pv("TARGET"))
        circuit.put(channel, dbr.DOUBLE, dbr.encode(dbr.DOUBLE, number))
        assert ours.decode(circuit.get(channel, dbr.LONG)).scalar == expected


@pytest.mark.parametrize("number", [1e300, -1e300, 1e-300, -1e-300])
def test_double_beyond_float_is_the_nearest_finite(target, circuit, number):
    channel = circuit.create(target.pv("TARGET"))
    circuit.put(channel, dbr.DOUBLE, dbr.encode(dbr.DOUBLE, number))
    got = target.decode(circuit.get(channel, dbr.FLOAT)).scalar
    limit = 3.4028234663852886e38 if abs(number) > 1 else 1.1754943508222875e-38
    assert got == pytest.approx(math.copysign(limit, number), rel=1e-6)


@pytest.mark.parametrize("number", [float("nan"), -0.0, 5e-324, float("-inf")])
def test_strange_doubles_survive_bit_for_bit(target, circuit, number):
    channel = circuit.create(target.pv("TARGET"))
    data = dbr.encode(dbr.DOUBLE, number)
    assert circuit.put(channel, dbr.DOUBLE, data).p1 == ECA_NORMAL
    assert circuit.get(channel, dbr.DOUBLE).payload == data
    for base in range(7):
        assert circuit.get(channel, base).p1 == ECA_NORMAL
    circuit.put(channel, dbr.DOUBLE, bytes(8))


# Conversions on writing

WRITES = [
    ("TARGET", dbr.STRING, "3.25", dbr.DOUBLE, 3.25),
    ("TARGET", dbr.STRING, "  -7", dbr.DOUBLE, -7.0),
    ("TARGET", dbr.STRING, "5 mm", dbr.DOUBLE, 5.0),
    ("TARGET", dbr.STRING, "1,5", dbr.DOUBLE, 1.0),
    ("TARGET", dbr.STRING, "0x10", dbr.DOUBLE, 16.0),
    ("TARGET", dbr.STRING, "inf", dbr.DOUBLE, float("inf")),
    ("TARGET", dbr.STRING, "1e3", dbr.DOUBLE, 1000.0),
    ("TARGET", dbr.SHORT, -3, dbr.DOUBLE, -3.0),
    ("TARGET", dbr.FLOAT, 0.5, dbr.DOUBLE, 0.5),
    ("TARGET", dbr.CHAR, 200, dbr.DOUBLE, 200.0),
    ("TARGET", dbr.ENUM, 2, dbr.DOUBLE, 2.0),
    ("TARGET", dbr.LONG, -70000, dbr.DOUBLE, -70000.0),
    ("TARGET2", dbr.DOUBLE, 1.7, dbr.LONG, 1),
    ("TARGET2", dbr.DOUBLE, -1.7, dbr.LONG, -1),
    ("TARGET2", dbr.STRING, "42", dbr.LONG, 42),
    ("TARGET2", dbr.STRING, "1.9", dbr.LONG, 1),
    ("TARGET2", dbr.STRING, "1e3", dbr.LONG, 1),
    ("TARGET2", dbr.STRING, "0x1F", dbr.LONG, 31),
    ("TARGET2", dbr.STRING, "010", dbr.LONG, 8),
    ("ENUM", dbr.STRING, "TWO", dbr.ENUM, 2),
    ("ENUM", dbr.STRING, "1", dbr.ENUM, 1),
    ("ENUM", dbr.DOUBLE, 2.0, dbr.ENUM, 2),
    ("ENUM", dbr.LONG, 1, dbr.ENUM, 1),
    ("ENUM", dbr.CHAR, 0, dbr.ENUM, 0),
    ("STRING", dbr.DOUBLE, 2.5, dbr.STRING, None),
    ("STRING", dbr.LONG, -12, dbr.STRING, b"-12"),
    ("SHORT", dbr.LONG, 40000, dbr.SHORT, -25536),
    ("SHORT", dbr.LONG, 7, dbr.SHORT, 7),
    ("CHAR", dbr.LONG, 65, dbr.CHAR, 65),
    ("CHAR", dbr.SHORT, 321, dbr.CHAR, 65),
]


@pytest.mark.parametrize(("name", "base", "sent", "native", "expected"), WRITES)
def test_written_in_another_type(target, circuit, name, base, sent, native, expected):
    channel = circuit.create(target.pv(name))
    reply = circuit.put(channel, base, dbr.encode(base, sent))
    assert (reply.p1, reply.type) == (ECA_NORMAL, base)
    got = target.decode(circuit.get(channel, native)).scalar
    if expected is None:
        assert float(got) == sent
    else:
        assert got == expected
    if name == "STRING":
        circuit.put(channel, dbr.STRING, b"hello\0")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("TARGET", "abc"),
        ("TARGET", "1e999"),
        ("TARGET2", "abc"),
        ("TARGET2", "99999999999"),
        ("ENUM", "two"),
        ("ENUM", "3"),
        ("ENUM", "99"),
    ],
)
def test_text_that_cannot_be_converted_is_refused(target, circuit, name, text):
    channel = circuit.create(target.pv(name))
    before = circuit.get(channel, channel.type).payload
    reply = circuit.put(channel, dbr.STRING, dbr.encode(dbr.STRING, text))
    assert reply.p1 in (ECA_PUTFAIL, ECA_NOCONVERT)
    assert circuit.get(channel, channel.type).payload == before
    assert circuit.drain() == []


@pytest.mark.parametrize("index", [3, 15, 65535])
def test_a_state_that_does_not_exist_is_stored(target, circuit, index):
    channel = circuit.create(target.pv("ENUM"))
    reply = circuit.put(channel, dbr.ENUM, dbr.encode(dbr.ENUM, index))
    assert reply.p1 == ECA_NORMAL
    found = target.decode(circuit.get(channel, dbr.TIME + dbr.ENUM))
    assert found.scalar == index
    if target.name == OURS:
        assert (found.status, found.severity) == (STATE_ALARM, MAJOR_ALARM)


@pytest.mark.parametrize("base", range(7), ids=dbr.BASES)
@pytest.mark.parametrize("name", ["W:DOUBLE", "W:LONG", "W:SHORT"])
def test_arrays_written_in_every_type(target, circuit, name, base):
    channel = circuit.create(target.pv(name))
    numbers = [4, 5, 6, 7]
    words = [str(n) for n in numbers] if base == dbr.STRING else numbers
    assert circuit.put(channel, base, dbr.encode(base, *words), 4).p1 == ECA_NORMAL
    got = target.decode(circuit.get(channel, channel.type, 0)).elements
    assert got == [pytest.approx(n) for n in numbers]


@pytest.mark.parametrize("dbr_type", [*range(7, 35), 37, 38])
def test_compound_types_cannot_be_written(target, dbr_type):
    with target.circuit() as circuit:
        channel = circuit.create(target.pv("TARGET"))
        circuit.put(channel, dbr.DOUBLE, bytes(8))
        size = dbr.size(dbr_type, 1) if dbr_type < 35 else 48
        reply = circuit.put(channel, dbr_type, b"\1" * size)
        if target.name == "ours":
            assert reply.p1 == ECA_BADTYPE
        else:
            assert reply.p1 != ECA_NORMAL
    with target.circuit() as circuit:
        channel = circuit.create(target.pv("TARGET"))
        assert circuit.get(channel, dbr.DOUBLE).payload == bytes(8)


@pytest.mark.parametrize("dbr_type", [dbr.PUT_ACKT, dbr.PUT_ACKS])
def test_alarm_acknowledge_does_not_touch_the_value(target, circuit, dbr_type):
    channel = circuit.create(target.pv("TARGET"))
    circuit.put(channel, dbr.DOUBLE, dbr.encode(dbr.DOUBLE, 8.5))
    reply = circuit.put(channel, dbr_type, struct.pack(">H", 1))
    assert reply.p1 in (ECA_NORMAL, wire.ECA_NOWTACCESS)
    assert target.decode(circuit.get(channel, dbr.DOUBLE)).scalar == 8.5


@pytest.mark.parametrize("name", ["W:DOUBLE", "W:LONG"])
def test_one_element_into_an_array(target, circuit, name):
    channel = circuit.create(target.pv(name))
    data = dbr.encode(channel.type, 9)
    assert circuit.put(channel, channel.type, data, 1).p1 == ECA_NORMAL
    assert target.decode(circuit.get(channel, channel.type, 0)).elements == [9]


@pytest.mark.parametrize("name", ["TARGET", "W:LONG"])
def test_more_elements_than_the_pv_holds(target, circuit, name):
    channel = circuit.create(target.pv(name))
    circuit.put(channel, dbr.LONG, dbr.encode(dbr.LONG, 1), 1)
    count = channel.count + 1
    data = dbr.encode(dbr.LONG, *range(20, 20 + count))
    reply = circuit.put(channel, dbr.LONG, data, count)
    assert reply.p1 == target.choose(ours=ECA_BADCOUNT, reference=ECA_NORMAL)
    got = target.decode(circuit.get(channel, dbr.LONG, 0)).elements
    assert got == target.choose(ours=[1], reference=[*range(20, 20 + channel.count)])
