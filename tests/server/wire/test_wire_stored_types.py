"""Types that no DBR type has, as records of an IOC with that FTVL send them.

Both servers are asked the same; what they answer is compared.
"""

import struct

import pytest

from support import dbr, wire
from support.targets import OURS, REFERENCE, Target
from support.wire import ECA_NORMAL, ECA_PUTFAIL

INTEGERS = ["INT8", "UINT8", "UINT16", "UINT32", "INT64", "UINT64"]
NUMBERS = [*INTEGERS, "FLOAT32", *(f"W:{name}" for name in INTEGERS)]
READABLE = range(35)
# What fits, or wraps: of a number beyond its range C says nothing where it is a float.
PUTS = [
    *((dbr.STRING, text) for text in ("5", "100", "2.5", "0x10", "7 mm", "127")),
    *((dbr.SHORT, number) for number in (3, -1, 300)),
    *((dbr.FLOAT, number) for number in (2.75, 100.0)),
    *((dbr.ENUM, number) for number in (1, 65535)),
    *((dbr.CHAR, number) for number in (7, 200)),
    *((dbr.LONG, number) for number in (5, -1, 70000, -(2**31))),
    *((dbr.DOUBLE, number) for number in (2.9, 126.0)),
]
LARGE = {  # in range of one type
    "UINT32": [4294967295.0, 3e9],
    "INT64": [float(2**53), -1e18],
    "UINT64": [1e19, float(2**53)],
}
FLOATS_BEYOND = {  # the nearest
    "INT8": [(300.0, "127"), (-1e30, "-128")],
    "UINT8": [(300.0, "255"), (-1.0, "0")],
    "UINT16": [(70000.0, "65535"), (-1.0, "0")],
    "UINT32": [(5e9, "4294967295"), (-1.0, "0")],
    "INT64": [(1e30, str(2**63 - 1)), (float("nan"), "0")],
    "UINT64": [(1e30, str(2**64 - 1)), (-1.0, "0")],
}


class Both:
    """A channel to the same PV on each server."""

    def __init__(self, targets):
        self.targets = targets
        self.circuits = [target.circuit() for target in targets]

    def close(self):
        for circuit in self.circuits:
            circuit.close()

    def ask(self, name, question, other=None):
        """What ``question(circuit, channel, target)`` finds on each."""
        names = (name, other or name)
        return [
            question(circuit, circuit.create(target.pv(pv)), target)
            for circuit, target, pv in zip(
                self.circuits, self.targets, names, strict=True
            )
        ]


@pytest.fixture(scope="module")
def both():
    with Target(OURS) as ours, Target(REFERENCE) as reference:
        made = Both([ours, reference])
        yield made
        made.close()


def without_time(value):
    value.seconds = value.nanoseconds = None
    value.raw = b""
    return repr(value)  # NaN is equal to NaN there


def all_gets(circuit, channel, target, types=READABLE):
    found = {}
    for type_ in types:
        for count in (0, 1, 3):
            reply = circuit.get(channel, type_, count)
            assert reply.p1 == ECA_NORMAL
            key = (dbr.NAMES[type_], count)
            found[key] = (reply.count, without_time(target.decode(reply)))
    return found


def put(type_, value):
    """Its status, and the text of the value that there is then."""

    def question(circuit, channel, _target):
        data = dbr.encode(type_, value.encode() if isinstance(value, str) else value)
        reply = circuit.put(channel, type_, data)
        text = circuit.get(channel, dbr.STRING).payload[:40]
        return reply.p1, text.split(b"\0")[0].decode()

    return question


@pytest.mark.parametrize("name", [*NUMBERS, "COUNTS", "BOOL", "W:ENUM"])
def test_type_and_count(both, name):
    here, there = both.ask(name, lambda _circuit, found, _target: found)
    assert (here.type, here.count) == (there.type, there.count)


@pytest.mark.parametrize("name", NUMBERS)
def test_gets_of_every_type(both, name):
    here, there = both.ask(name, all_gets)
    assert here == there


@pytest.mark.parametrize("name", [*NUMBERS, "COUNTS"])
def test_puts_of_every_type(both, name):
    for type_, value in [*PUTS, *((dbr.DOUBLE, v) for v in LARGE.get(name, ()))]:
        here, there = both.ask(name, put(type_, value))
        assert here == there, (dbr.NAMES[type_], value)
        assert here[0] == ECA_NORMAL


@pytest.mark.parametrize("name", INTEGERS)
def test_text_that_is_no_such_number_is_refused(both, name):
    for text in ("much", "1" * 30, "."):
        here, there = both.ask(name, put(dbr.STRING, text))
        assert here == there
        assert here[0] == ECA_PUTFAIL


@pytest.mark.parametrize("name", INTEGERS)
def test_floats_beyond_the_range_are_the_nearest_number(both, name):
    for value, nearest in FLOATS_BEYOND[name]:
        here, _there = both.ask(name, put(dbr.DOUBLE, value))
        assert here == (ECA_NORMAL, nearest)


def test_all_digits_of_64_bits_as_text(both):
    for text in (str(2**53 + 1), str(-(2**63)), str(2**63 - 1)):
        assert both.ask("INT64", put(dbr.STRING, text)) == [(ECA_NORMAL, text)] * 2
    text = str(2**64 - 1)
    assert both.ask("UINT64", put(dbr.STRING, text)) == [(ECA_NORMAL, text)] * 2


def test_a_step_that_a_double_does_not_see_is_an_event(both):
    steps = [2**53, 2**53 + 1, 2**53 + 2, -(2**62) - 1, -(2**62)]

    def question(circuit, channel, target):
        subid, _first = circuit.subscribe(channel, dbr.STRING)
        texts = []
        for step in steps:
            target.post("COUNTS", step)
            update = circuit.expect(wire.EVENT_ADD, p2=subid)
            texts.append(update.payload[:40].split(b"\0")[0].decode())
        circuit.cancel(channel, subid, dbr.STRING)
        return texts

    here, there = both.ask("COUNTS", question)
    assert here == there == list(map(str, steps))


@pytest.mark.parametrize("base", [dbr.STRING, dbr.ENUM, dbr.LONG, dbr.CHAR])
def test_a_bool_is_a_bo_record(both, base):
    families = [0, dbr.STS, dbr.TIME]
    types = [family + base for family in families]
    types += [dbr.GR + dbr.ENUM, dbr.CTRL + dbr.ENUM]
    for type_, value in [
        (dbr.STRING, "False"),
        (dbr.ENUM, 1),
        (dbr.LONG, 0),
        (dbr.DOUBLE, 1.0),
        (dbr.STRING, "Perhaps"),
        (dbr.STRING, "2"),
    ]:
        here, there = both.ask("BOOL", put(type_, value))
        assert here == there
        here, there = both.ask("BOOL", lambda *about: all_gets(*about, types=types))
        assert here == there


def test_a_number_that_is_no_bool_is_true(both):
    for type_, value in [(dbr.ENUM, 2), (dbr.LONG, -1), (dbr.DOUBLE, 0.5)]:
        here, _there = both.ask("BOOL", put(type_, value))
        assert here == (ECA_NORMAL, "True")


def characters(text):
    """After a put of them: what a monitor begins with, and a get of all there are."""

    def question(circuit, channel, target):
        data = text.encode() + b"\0"
        reply = circuit.put(channel, dbr.CHAR, data, len(data))
        assert reply.p1 == ECA_NORMAL
        subid, update = circuit.subscribe(channel, dbr.CHAR, 0)
        circuit.cancel(channel, subid, dbr.CHAR, 0)
        got = circuit.get(channel, dbr.CHAR, 0)
        values = [bytes(target.decode(m).elements) for m in (update, got)]
        return channel.type, channel.count, values

    return question


@pytest.mark.parametrize("text", ["short", "Ärger " * 12, "", "x" * 98])
def test_a_text_is_a_long_string_record(both, text):
    here, there = both.ask("LONGTEXT", characters(text), "LONGTEXT.VAL$")
    assert here == there
    assert here == (dbr.CHAR, 100, [text.encode() + b"\0"] * 2)


def test_a_text_takes_a_string(both):
    """Which a client sends that knows nothing of long strings."""
    target, circuit = both.targets[0], both.circuits[0]
    channel = circuit.create(target.pv("LONGTEXT"))
    assert circuit.put(channel, dbr.STRING, b"a string\0").p1 == ECA_NORMAL
    got = circuit.get(channel, dbr.CHAR, 0)
    assert got.payload[: got.count] == b"a string\0"


@pytest.mark.parametrize("name", ["W:STRING", "W:ENUM"])
def test_arrays_of_strings_and_of_enums(both, name):
    values = {"W:STRING": [b"a", b"", b"c" * 39], "W:ENUM": [2, 0, 1]}[name]

    def question(circuit, channel, target):
        if channel.type == dbr.STRING:
            data = b"".join(value.ljust(40, b"\0") for value in values)
        else:
            data = struct.pack(f">{len(values)}H", *values)
        reply = circuit.put(channel, channel.type, data, len(values))
        got = circuit.get(channel, dbr.TIME + channel.type, 0)
        return (
            reply.p1,
            channel.count,
            [
                v.split(b"\0")[0] if isinstance(v, bytes) else v
                for v in target.decode(got).elements
            ],
        )

    here, there = both.ask(name, question)
    assert here == there
    assert here[2] == values
