"""Alarms of ours and of the IOC of epicscorelibs: the same records, the same puts.

Compared are alarms that gets show, each event of monitors, and acknowledgement.
"""

import itertools
import math
import random
import struct

import pytest

from pcaspy import Driver
from pcaspy.testing import IsolatedServer
from support import dbr
from support.environment import server_environment
from support.ports import LOOPBACK, free_port
from support.process import Child
from support.targets import SERVERS
from support.wire import (
    DBE_ALARM,
    DBE_LOG,
    DBE_VALUE,
    ECA_NORMAL,
    EVENT_ADD,
    LONG_DEADLINE,
    READ_NOTIFY,
    WRITE_NOTIFY,
    Circuit,
    pack,
)

PREFIX = "AL:"
SEVERITIES = ("NO_ALARM", "MINOR", "MAJOR", "INVALID")
LIMITS = (("lolo", "llsv"), ("low", "lsv"), ("high", "hsv"), ("hihi", "hhsv"))
END = (100, 101)  # the last values, which no others are


def random_entry(chance, kind):
    """A pvdb entry of such a record, with limits in any order that pcaspy uses."""
    hihi, lolo = sorted(chance.sample(range(-8, 9), 2), reverse=True)
    high, low = sorted(chance.sample(range(-8, 9), 2), reverse=True)
    entry = {"hihi": hihi, "high": high, "low": low, "lolo": lolo}
    for _limit, severity in LIMITS:
        entry[severity] = chance.choice(SEVERITIES)
    if chance.random() < 0.2:
        entry["high"] = entry["hihi"]
    entry["hyst"] = chance.choice([0, 1, 2, 5, 40, -1])
    entry["type"] = "int" if kind in ("longin", "longout") else "float"
    return entry


def cases():
    """{name: (record type, entry)}, and some that are there for one thing."""
    chance = random.Random(7062)
    made = {}
    kinds = itertools.cycle(["ai", "ao", "longin"])
    for number in range(24):
        kind = next(kinds)
        made[f"R{number}"] = kind, random_entry(chance, kind)
    plain = {"lolo": -8, "low": -4, "high": 4, "hihi": 8, "type": "float"}
    made["PLAIN"] = "ai", plain
    made["HYST"] = "ai", {**plain, "hyst": 1.5}
    made["HYSTNAN"] = "ai", {**plain, "hyst": math.nan}
    made["HYSTINF"] = "ao", {**plain, "hyst": math.inf}
    made["NOTHING"] = "ai", {**plain, **{severity: 0 for _limit, severity in LIMITS}}
    made["ZERO"] = "ai", {**plain, "low": 0, "high": 1, "hyst": 0.5}
    made["LIMITNAN"] = "ao", {**plain, "hihi": math.nan, "hyst": 2}
    made["ACK"] = "ao", {**plain, "hyst": 1, "prec": 0}
    return made


CASES = cases()
IOC_DEFAULTS = {"llsv": "MAJOR", "lsv": "MINOR", "hsv": "MINOR", "hhsv": "MAJOR"}


def record(name, kind, entry):
    """The record as text of a database."""
    fields = {**IOC_DEFAULTS, **entry, "PINI": "YES"}
    del fields["type"]
    for _limit, severity in LIMITS:
        if isinstance(fields[severity], int):
            fields[severity] = SEVERITIES[fields[severity]]
    body = " ".join(f'field({key.upper()}, "{value}")' for key, value in fields.items())
    return f'record({kind}, "$(P){name}") {{ {body} }}\n'


class Session:
    """A circuit whose events are kept while it waits for answers."""

    def __init__(self, address):
        self.circuit = Circuit(address)
        self.events = {}

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.circuit.close()

    def answer(self, command, ioid):
        while True:
            message = self.circuit.receive(LONG_DEADLINE)
            if message.command == EVENT_ADD:
                self.events[message.p2].append(message.payload)
            elif message.command == command and message.p2 == ioid:
                return message

    def put(self, channel, type, data):
        ioid = self.circuit.new_id()
        self.circuit.send(
            pack(WRITE_NOTIFY, data, type=type, count=1, p1=channel.sid, p2=ioid)
        )
        return self.answer(WRITE_NOTIFY, ioid).p1

    def get(self, channel, type):
        ioid = self.circuit.new_id()
        self.circuit.send(
            pack(READ_NOTIFY, type=type, count=1, p1=channel.sid, p2=ioid)
        )
        return self.answer(READ_NOTIFY, ioid).payload

    def subscribe(self, channel, type, mask):
        subid, first = self.circuit.subscribe(channel, type, mask=mask)
        self.events[subid] = [first.payload]
        return subid

    def take_events(self, subid, end, number):
        """The events up to the last of `number` that end with these bytes."""
        events = self.events[subid]
        while [payload[-len(end) :] for payload in events].count(end) < number:
            message = self.circuit.receive(LONG_DEADLINE)
            self.events[message.p2].append(message.payload)
        return self.events.pop(subid)

    def events_to_the_end(self, subid):
        """The events up to the text 99 behind 1."""
        events = self.events[subid]
        while [text_of(payload) for payload in events[-2:]] != [b"1", b"99"]:
            message = self.circuit.receive(LONG_DEADLINE)
            self.events[message.p2].append(message.payload)
        return events


def text_of(payload):
    """The text of a DBR_STSACK_STRING."""
    return payload[8:].split(b"\0")[0]


@pytest.fixture(scope="module")
def ours():
    with IsolatedServer() as server:
        entries = {name: {**entry, "udf": False} for name, (_k, entry) in CASES.items()}
        server.createPV(PREFIX, entries)
        driver = Driver()
        for name in CASES:  # as a record with PINI
            driver.setParam(name, 0)
        driver.updatePVs()
        yield (LOOPBACK, server.tcp_port), driver


@pytest.fixture(scope="module")
def ioc(tmp_path_factory):
    database = tmp_path_factory.mktemp("ioc") / "alarms.db"
    big = 'record(waveform, "$(P)BIG") { field(FTVL, "LONG") field(NELM, "100000") }\n'
    records = "".join(record(name, *case) for name, case in CASES.items())
    database.write_text(big + records)  # the script fills BIG
    child = Child.python(
        str(SERVERS / "reference_server.py"),
        str(database),
        PREFIX,
        env=server_environment(free_port()),
    )
    yield LOOPBACK, int(child.ready["tcp_port"])
    child.stop()


@pytest.fixture
def here(ours):
    with Session(ours[0]) as session:
        yield session


@pytest.fixture
def there(ioc):
    with Session(ioc) as session:
        yield session


def state(payload):
    return struct.unpack(">hh", payload[:4])


# All values in one alarm, by the hysteresis or the severities.
UNCHANGING = ("NOTHING", "R4", "R20")


def double(value):
    return struct.pack(">d", value)


def short(value):
    return struct.pack(">h", value)


def play(session, name, values):
    """What gets and monitors tell of these puts."""
    channel = session.circuit.create(PREFIX + name)
    type = dbr.STS + dbr.DOUBLE
    all_events = session.subscribe(channel, type, DBE_VALUE | DBE_LOG | DBE_ALARM)
    alarms = session.subscribe(channel, type, DBE_ALARM)
    states = []
    for value in [*values, *END]:
        assert session.put(channel, dbr.DOUBLE, double(value)) == ECA_NORMAL
        states.append(state(session.get(channel, type)))
    # This is an event, too, of an alarm that both of END have.
    assert session.put(channel, dbr.PUT_ACKS, short(3)) == ECA_NORMAL
    told = [
        session.take_events(subid, double(END[-1]), number)
        for subid, number in ((all_events, 2), (alarms, 1))
    ]
    return states, [
        [(*state(p), *struct.unpack(">d", p[8:16])) for p in t] for t in told
    ]


def random_values(name, number=40):
    """A walk that crosses the limits often, and some jumps."""
    kind, _entry = CASES[name]
    chance = random.Random(name)
    step = 1 if kind == "longin" else 0.5
    value, values = 0, []
    for _ in range(number):
        value = chance.choice([value - step, value + step, 2 * step, -value, value])
        value = max(-12, min(12, value + chance.choice([0, 0, 4, -4])))
        values.append(value)
    return values


@pytest.mark.parametrize("name", [name for name in CASES if name != "ACK"])
def test_the_same_values_raise_the_same_alarms(here, there, name):
    values = random_values(name)
    mine, theirs = play(here, name, values), play(there, name, values)
    assert mine[0] == theirs[0], f"{CASES[name]}: {values}"
    assert mine[1] == theirs[1], f"{CASES[name]}: {values}"
    assert len(set(mine[0])) > 1 or name in UNCHANGING


def test_not_a_number_ends_no_alarm_for_the_hysteresis(here, there):
    """An IOC calls it undefined, and pcaspy no alarm."""
    values = [0, 9, math.nan, 7, math.nan, 6, -9, math.nan, -7, -6, math.nan, 0]
    mine, theirs = (play(session, "HYST", values)[0] for session in (here, there))
    nan = [i for i, value in enumerate(values) if math.isnan(value)]
    assert {mine[i] for i in nan} == {(0, 0)}
    assert {theirs[i] for i in nan} == {(17, 3)}
    rest = [i for i in range(len(values)) if i not in nan]
    assert [mine[i] for i in rest] == [theirs[i] for i in rest]
    assert mine[3] == mine[1] != mine[5]


def change_ioc(session, name, fields):
    for field, value in fields.items():
        channel = session.circuit.create(f"{PREFIX}{name}.{field.upper()}")
        text = str(value).encode() + b"\0"
        assert session.put(channel, dbr.STRING, text) == ECA_NORMAL


def test_limits_severities_and_hysteresis_change_at_run_time(ours, here, there):
    chance = random.Random(11)
    driver = ours[1]
    mine, theirs = (s.circuit.create(PREFIX + "ZERO") for s in (here, there))
    ranges = {"hihi": (5, 9), "high": (1, 4), "low": (-4, 0), "lolo": (-9, -5)}
    seen = set()
    for step in range(80):
        field = chance.choice([*ranges, "hyst", "hsv", "hhsv"]) if step % 2 else None
        if field is None:
            number = double(chance.randint(-20, 20) / 2)
            assert here.put(mine, dbr.DOUBLE, number) == ECA_NORMAL
            assert there.put(theirs, dbr.DOUBLE, number) == ECA_NORMAL
        else:
            if field in ranges:
                value = chance.randint(*ranges[field])
            else:
                value = chance.choice(SEVERITIES if "sv" in field else [0, 1, 3])
            driver.setParamInfo("ZERO", {field: value})
            driver.updatePVs()
            change_ioc(there, "ZERO", {field: value})
        if field == "hyst":
            continue  # an IOC looks at it with the next value
        type = dbr.CTRL + dbr.DOUBLE
        left, right = here.get(mine, type), there.get(theirs, type)
        # Alarm and the four alarm limits, NaN where the severity is NO_ALARM.
        assert (left[:4], left[32:64]) == (right[:4], right[32:64]), step
        seen.add(left[:4])
    assert len(seen) > 4


# Actions on an alarm, each a put.
RAISE = {"HIHI": 9, "HIGH": 5, "none": 0, "LOW": -5, "LOLO": -9}


def action(name):
    if name in RAISE:
        return dbr.DOUBLE, double(RAISE[name])
    type, value = name.split("=")
    return (dbr.PUT_ACKT if type == "ACKT" else dbr.PUT_ACKS), short(int(value))


def acknowledged(session, actions):
    """What DBR_STSACK_STRING tells after each action, and its events."""
    channel = session.circuit.create(PREFIX + "ACK")
    subids = [
        session.subscribe(channel, dbr.STSACK_STRING, mask)
        for mask in (DBE_VALUE, DBE_ALARM, DBE_VALUE | DBE_LOG | DBE_ALARM)
    ]
    told = []
    for name in actions:
        assert session.put(channel, *action(name)) == ECA_NORMAL
        told.append((name, *struct.unpack(">4H", session.get(channel, 37)[:8])))
    for value in (9, 1, 99):  # the end: the last two are events of all three
        session.put(channel, dbr.DOUBLE, double(value))
    return told, [without_acks(session.events_to_the_end(subid)) for subid in subids]


def without_acks(events):
    """An IOC reads those of an event when it sends it."""
    return [(*state(payload), text_of(payload)) for payload in events]


NAMED = (
    "HIHI none ACKS=1 ACKS=2 HIGH none HIHI ACKS=0 ACKT=0 none ACKT=1 ACKS=3".split()
)


@pytest.mark.parametrize("seed", [None, *range(4)])
def test_acknowledgement(here, there, seed):
    chance = random.Random(seed)
    actions = NAMED
    if seed is not None:
        puts = [f"ACKS={n}" for n in range(4)] + ["ACKT=0", "ACKT=1", "ACKT=1"]
        actions = [chance.choice([*RAISE, *puts]) for _ in range(60)]
    actions = ["ACKT=1", "none", "ACKS=3", *actions]
    mine, theirs = acknowledged(here, actions), acknowledged(there, actions)
    assert mine[0] == theirs[0]
    assert mine[1] == theirs[1]
