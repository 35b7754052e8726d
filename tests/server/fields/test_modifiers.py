"""`$`, `[start:increment:end]` and filters, each as on an IOC with equal records."""

from __future__ import annotations

import struct

import pytest

from support import dbr, wire

# An IOC shows text in types without a time in all its bytes: TIME types are compared.
# Names, as an IOC answers to them: found or not, created or not, and what they show.
NAMES = """
AO.
AO.VAL$
AO$
AO.$
AO.DESC$
AO.EGU$
AO.RTYP$
AO.HHSV$
AO.PREC$
AO.STAT$
MO.ZRST$
MO.VAL$
BO.ONAM$
SO$
SO.$
SO.VAL$
WC$
WC.VAL$
WS.[1]
WS.[1:2]
AO.DESC$[0:3]
AO.DESC$[-3:]
AO.DESC$[2]
SO.$[1]
SO.$[0:2]
SO.$[1:2]
SO.$[10:20]
SO.$[-5:]
SO.$[0:39]
SO.$[3:]
SO.${}
SO.${"arr":{"s":1,"e":3}}
WF[0:3]
WF.[0:3]
WF.VAL[0:3]
WF.VAL[1]
WF.[1]
WF.[-1]
WF.[3:]
WF.[:3]
WF.[0:2:5]
WF.[::2]
WF.[:2:]
WF.[3:2:-3]
WF.[5:2]
WF.[20]
WF.[20:30]
WF.[-20:3]
WF.[]
WF.[:]
WF.[::]
WF.[0:0:3]
WF.[0:-1:3]
WF.[a]
WF.[1
WF.[1]x
WF.[1]{}
WF.[1:2:3:4]
WF.[ 1 : 3 ]
WF.[0x1:3]
WF.[01]
WF.[010]
WF.[+1]
WF.[1e1]
WF.[1.5]
WF.[1,2]
WF.[99999999999]
WF.[-3:-1]
WF.[:-3]
WF.[1][0]
WF.{"arr":{"s":1,"i":2,"e":5}}
WF{"arr":{"s":1}}
WF.{arr:{s:1,e:-2}}
WF.{'arr':{'s':1}}
WF.{"arr":{}}
WF.{"arr":{"x":1}}
WF.{"arr":{"i":0}}
WF.{"arr":{"i":-1}}
WF.{"arr":{"s":"1"}}
WF.{"arr":{"s":"0x2"}}
WF.{"arr":{"s":"abc"}}
WF.{"arr":{"s":""}}
WF.{"arr":{"s":1.5}}
WF.{"arr":{"s":1e0}}
WF.{"arr":{"i":1e10}}
WF.{"arr":[1,2]}
WF.{"arr":1}
WF.{"arr":null}
WF.{"arr":{"s":1},"arr":{"s":1}}
WF.{"nope":{}}
WF.{}
WF.{ }
WF.{
WF.{"arr":{"s":1}}x
WF.{"arr":{"s":1},}
WF.{"arr":{"s":99999999999}}
WF.{"arr":{"s":null}}
WF.{"arr":{"s":true}}
WF.{"arr":{"s":-4,"e":-2}}
WF.[1:3]{"arr":{"s":1}}
AO.[0]
AO.[0:3]
AO.[1]
AO.EGU[0]
AO.{"dbnd":{"abs":1}}
AO.VAL{"dbnd":{"rel":1}}
AO.{"dbnd":{"d":1}}
AO.{"dbnd":{"d":1,"m":"abs"}}
AO.{"dbnd":{"d":1,"m":"foo"}}
AO.{"dbnd":{"m":1,"d":2}}
AO.{"dbnd":{}}
AO.{"dbnd":{"d":"1"}}
AO.{"dbnd":{"d":"x"}}
AO.{"dbnd":{"abs":true}}
AO.{"dbnd":{"abs":null}}
AO.{"dbnd":{"abs":[1]}}
AO.{"dbnd":{"abs":.5}}
AO.{"dbnd":{"abs":Infinity}}
AO.{"dec":{"n":2}}
AO.{"dec":{"n":0}}
AO.{"dec":{"n":-1}}
AO.{"dec":{}}
AO.{"dec":{"n":"2"}}
AO.{"dec":{"n":2.5}}
AO.{"dec":{"n":99999999999999999999}}
AO.{"ts":{"num":1}}
AO.{"ts":{"num":"DBL"}}
AO.{"ts":{"str":"foo"}}
AO.{"ts":[]}
AO.{"ts":{"x":1}}
AO.{"sync":{"while":"x"}}
AO.{/*c*/"dec":{"n":1}}
AO.{"dec":{"n":1}}$
AO.DESC$$
AO.FOO$
AO.FOO{}
AO.HHSV{"dbnd":{"abs":1}}
MO.[0]
MO.STAT[0]
AO.EGU{}
AO.{}}
AO.[0]{}[0]
""".split("\n")[1:-1]  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def values(ours, ioc):
    """The same in both."""
    for side in (ours, ioc):
        waveform = side.create("WF")
        numbers = struct.pack(">6d", *range(6))
        assert side.circuit.put(waveform, dbr.DOUBLE, numbers, 6).p1 == 1
        strings = dbr.encode(dbr.STRING, "one", "two", "three")
        assert side.circuit.put(side.create("WS"), dbr.STRING, strings, 3).p1 == 1
        assert side.put("SO", "hello") == 1


def answer(side, name):
    channel = side.create(name)
    found = {"searched": side.searched(name), "created": channel is not None}
    if channel is None:
        return found
    found.update(type=channel.type, count=channel.count, rights=channel.rights)
    for count in (0, channel.count):
        reply = side.circuit.get(channel, dbr.TIME + channel.type, count)
        found[f"get {count}"] = reply.p1, reply.count
        if reply.p1 == 1 and reply.count:
            value = dbr.decode(reply.type, reply.count, reply.payload, zeroed=False)
            found[f"elements {count}"] = value.elements
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_name_with_modifiers(ours, ioc, name):
    assert answer(ours, name) == answer(ioc, name)


TIMES = {
    '{"ts":{"num":"dbl"}}': (dbr.DOUBLE, 1),
    '{"ts":{"num":"sec"}}': (dbr.DOUBLE, 1),
    '{"ts":{"num":"nsec"}}': (dbr.DOUBLE, 1),
    '{"ts":{"num":"ts"}}': (dbr.DOUBLE, 2),
    '{"ts":{"num":"dbl","epoch":"unix"}}': (dbr.DOUBLE, 1),
    '{"ts":{"str":"iso"}}': (dbr.STRING, 1),
    '{"ts":{"str":"epics","num":"dbl"}}': (dbr.STRING, 1),
}
UNIX = 631152000


@pytest.mark.parametrize("record", ["AO", "WF"])
@pytest.mark.parametrize("filters", TIMES)
def test_the_time_as_the_value(ours, ioc, record, filters):
    """Each shows its own time: that of its TIME structure."""
    for side in (ours, ioc):
        channel = side.create(f"{record}.{filters}")
        assert (channel.type, channel.count) == TIMES[filters]
        reply = side.circuit.get(channel, dbr.TIME + channel.type, channel.count)
        value = dbr.decode(reply.type, reply.count, reply.payload, zeroed=False)
        seconds, nanoseconds = value.seconds, value.nanoseconds
        first = value.elements[0]
        if "nsec" in filters:
            assert first == nanoseconds
        elif "sec" in filters or 'num":"ts' in filters:
            assert first == seconds
        elif channel.type == dbr.DOUBLE:
            epoch = UNIX if "unix" in filters else 0
            assert first == pytest.approx(seconds + epoch + nanoseconds / 1e9, abs=1e-6)
        else:
            text = first.decode()
            assert text[10] == ("T" if "iso" in filters else " ")
            assert text[19:26] == f".{round(nanoseconds / 1000):06}"[:7]


def test_the_present_time(ours, ioc):
    for side in (ours, ioc):
        stamps = []
        for _ in range(2):
            channel = side.create('AO.{"ts":{}}')
            reply = side.circuit.get(channel, dbr.TIME + dbr.DOUBLE)
            value = dbr.decode(reply.type, reply.count, reply.payload, zeroed=False)
            stamps.append((value.seconds, value.nanoseconds))
            plain = side.get("AO", dbr.TIME)
        assert (plain.seconds, plain.nanoseconds) < stamps[0] < stamps[1]


# ---- puts ----


def characters(text):
    return text.encode() + b"\0"


PUTS = [
    ("SO.$", dbr.CHAR, characters("short"), "SO"),
    ("SO.$", dbr.CHAR, characters("x" * 39), "SO"),
    ("SO.$", dbr.CHAR, b"y" * 40, "SO"),
    ("AO.DESC$", dbr.CHAR, characters("d" * 40), "AO.DESC$"),
    ("AO.DESC$", dbr.CHAR, characters("again"), "AO.DESC"),
    ("AO.EGU$", dbr.CHAR, characters("fifteen letters"), "AO.EGU$"),
    ("MO.ZRST$", dbr.CHAR, characters("a label"), "MO.ZRST"),
    ("AO.NAME$", dbr.CHAR, characters("other"), "AO.DESC"),
    ('AO.{"dbnd":{"abs":3}}', dbr.DOUBLE, dbr.encode(dbr.DOUBLE, 33.5), "AO"),
    ('AO.HOPR{"ts":{}}', dbr.DOUBLE, dbr.encode(dbr.DOUBLE, 77), "AO.HOPR"),
    ('AO.{"ts":{"num":"dbl"}}', dbr.DOUBLE, dbr.encode(dbr.DOUBLE, 34.5), "AO"),
    ("WF.[1]", dbr.DOUBLE, dbr.encode(dbr.DOUBLE, 99), "WF"),
    ("WF.[1:2]", dbr.DOUBLE, dbr.encode(dbr.DOUBLE, 98, 97), "WF"),
    ('WF.{"arr":{"s":1}}', dbr.DOUBLE, dbr.encode(dbr.DOUBLE, 1, 2, 3), "WF"),
]


@pytest.mark.parametrize("put", PUTS, ids=lambda put: put[0])
def test_puts(ours, ioc, put):
    name, type_, data, look = put
    count = len(data) // dbr.ELEMENT_SIZE[type_]
    said = []
    for side in (ours, ioc):
        channel = side.create(name)
        said.append(
            (
                side.circuit.put(channel, type_, data, count).p1,
                side.get(look, dbr.TIME).elements,
            )
        )
    assert said[0] == said[1]


# ---- monitors ----

STEPS = [
    *(("AO", str(v)) for v in (20.5, 21, 21.5, 22, 23, 23, 85, 86, 87, 88.5)),
    ("AO.EGU", "q"), ("AO.HIHI", "97"), ("AO", "20"), ("AO", "-4"), ("AO", "-4.1"),
    ("AO", "-4.9"), ("AO", "20"), ("AO", "20.1"), ("AO", "23"),
]  # fmt: skip
FILTERED = [
    "AO", 'AO.{"dbnd":{"abs":1.5}}', 'AO.{"dbnd":{"rel":10}}', 'AO.{"dec":{"n":2}}',
    'AO.{"dec":{"n":3}}', 'AO.{"dbnd":{}}', 'AO.{"dbnd":{"abs":1},"dec":{"n":2}}',
    'AO.{"dec":{"n":2},"dbnd":{"abs":1}}', 'AO.HIHI{"dbnd":{"abs":5}}', "AO.EGU$",
    'AO.EGU${"dec":{"n":2}}', 'AO.SEVR{"dbnd":{"abs":1}}', 'SO.{"dbnd":{"abs":5}}',
    "SO.$", "SO.$[0:2]", 'SO.{"dec":{"n":2}}', 'LO.{"dbnd":{"abs":2}}',
    'MO.{"dbnd":{"abs":1}}', "WF.[1:2]", 'WF.{"dbnd":{"abs":5}}',
    'WF.[1]{"dbnd":{"abs":5}}', 'WF.{"dec":{"n":2}}',
]  # fmt: skip
OTHERS = [
    *(("SO", text) for text in ("1", "2", "7", "x", "7", "a longer text")),
    *(("LO", text) for text in ("5", "6", "8", "20")),
    *(("MO", text) for text in ("A", "B", "C")),
]
ARRAYS = [[1, 2, 3], [1, 2, 3.5], [1], [5, 6, 7, 8], [7, 7, 7]]


class Updates:
    """What one side sends to subscriptions of these names."""

    def __init__(self, side, names, mask):
        self.side, self.circuit = side, side.open()
        self.got = {name: [] for name in names}
        mark = side.create("MARK", self.circuit)
        channels = [(name, side.create(name, self.circuit)) for name in names]
        self.mark, _first = self.circuit.subscribe(mark, dbr.LONG)
        self.names = {}
        for name, channel in channels:
            subid, first = self.circuit.subscribe(
                channel, dbr.TIME + channel.type, 0, mask
            )
            self.names[subid] = name
            self.keep(name, first)

    def keep(self, name, message):
        value = dbr.decode(message.type, message.count, message.payload, zeroed=False) \
            if message.count else None  # fmt: skip
        told = value and (value.elements, value.severity)
        if not self.got[name] or self.got[name][-1] != told:
            self.got[name].append(told)

    def step(self, name, put, wanted):
        put(self.side, name)
        assert self.side.put("MARK", str(wanted)) == 1
        while True:
            message = self.circuit.receive(wire.LONG_DEADLINE)
            if message.command != wire.EVENT_ADD:
                continue
            if message.p2 != self.mark:
                self.keep(self.names[message.p2], message)
            elif dbr.decode(dbr.LONG, 1, message.payload).scalar == wanted:
                break
        for got in self.got.values():
            got.append("|")


def put_text(text):
    return lambda side, name: side.put(name, text)


def put_array(numbers):
    def put(side, name):
        data = dbr.encode(dbr.DOUBLE, *numbers)
        side.circuit.put(side.create(name), dbr.DOUBLE, data, len(numbers))

    return put


@pytest.mark.parametrize("mask", [wire.DBE_VALUE, wire.DBE_VALUE | wire.DBE_ALARM, 15])
def test_monitors(ours, ioc, mask):
    for side in (ours, ioc):
        for field, value in (
            ("HIHI", 90), ("HIGH", 80), ("LOW", 5), ("LOLO", 1), ("MDEL", 0),
            ("ADEL", 0), ("HOPR", 100), ("DRVL", -99), ("DRVH", 99), ("EGU", "w"),
        ):  # fmt: skip
            assert side.put(f"AO.{field}", str(value)) == 1
        assert side.put("AO", "20") == 1
    both = [Updates(side, FILTERED, mask) for side in (ours, ioc)]
    steps = [(name, put_text(text)) for name, text in STEPS + OTHERS]
    steps += [("WF", put_array(numbers)) for numbers in ARRAYS]
    for number, (name, put) in enumerate(steps):
        for updates in both:
            updates.step(name, put, 1000 * mask + number + 1)
    here, there = both
    for name in FILTERED:
        if name.startswith("LO") and mask != wire.DBE_VALUE:
            continue  # whose limits make alarms here
        assert here.got[name] == there.got[name], name
    for updates in both:
        updates.circuit.close()
