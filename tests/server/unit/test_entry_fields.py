"""Fields of a pvdb entry that the released package does not have."""

from __future__ import annotations

import re

import pytest

from pcaspy import Alarm, Driver, Severity
from pcaspy.testing import IsolatedServer
from support import dbr, wire
from support.ports import LOOPBACK
from support.wire import Circuit

NOWTACCESS, PUTFAIL, NORMAL = 376, 160, 1
READ, ALL = 1, 3
UDF = (17, 3)


@pytest.fixture
def serve():
    """Starts a server with some PVs: serve(pvdb, defined=...)."""
    servers = []

    def start(pvdb, **options):
        server = IsolatedServer(**options)
        server.createPV("P:", pvdb)
        driver = Driver()
        server.__enter__()
        servers.append(server)
        circuit = Circuit((LOOPBACK, server.tcp_port))
        servers.append(circuit)
        return driver, circuit

    yield start
    for one in reversed(servers):
        one.__exit__(None, None, None)


def state(circuit, name):
    """(status, severity) that a client gets."""
    got = circuit.get(circuit.create(f"P:{name}"), dbr.STS + dbr.DOUBLE, 1)
    value = dbr.decode(got.type, got.count, got.payload)
    return value.status, value.severity


def put(circuit, channel, *elements, type=dbr.DOUBLE):
    data = dbr.encode(type, *elements)
    return circuit.put(channel, type, data, len(elements)).p1


# ---- udf, and SimpleServer(defined=True) ----

ENTRIES = {
    "PLAIN": {},
    "GIVEN": {"value": 3},
    "HIGH": {"value": 30, "hihi": 20, "lolo": -20},
    "NONE": {"value": None},
    "DEFINED": {"udf": False},
    "ENUM": {"type": "enum", "enums": ["a", "b"], "states": [0, 2], "value": "b"},
}


def test_values_are_undefined_until_they_are_set(serve):
    driver, circuit = serve(ENTRIES)
    for name in ("PLAIN", "GIVEN", "HIGH", "ENUM"):
        assert state(circuit, name) == UDF
        assert driver.getParamDB(name).udf
    assert state(circuit, "DEFINED") == (0, 0)


def test_values_that_are_given_are_defined_where_the_server_says_so(serve):
    driver, circuit = serve(ENTRIES, defined=True)
    assert state(circuit, "PLAIN") == UDF
    assert state(circuit, "GIVEN") == (0, 0)
    assert not driver.getParamDB("GIVEN").udf
    hihi = (Alarm.HIHI_ALARM, Severity.MAJOR_ALARM)
    assert state(circuit, "HIGH") == hihi
    assert (driver.getParamDB("HIGH").alarm, driver.getParamDB("HIGH").severity) == hihi
    assert state(circuit, "ENUM") == (Alarm.STATE_ALARM, Severity.MAJOR_ALARM)
    assert driver.getParamDB("NONE").udf


def test_the_same_value_given_and_not_given(serve):
    """Entries that share their fields and the value do not share the alarm."""
    _, circuit = serve({"A": {"value": 0}, "B": {}, "C": {"value": 0}}, defined=True)
    assert [state(circuit, name) for name in "ABC"] == [(0, 0), UDF, (0, 0)]


# ---- readonly ----


def test_nobody_writes_a_readonly_pv(serve):
    driver, circuit = serve({"A": {"readonly": True}, "B": {}})
    rights = {}
    for name in "AB":
        channel = circuit.create(f"P:{name}")
        rights[name] = channel.rights
        assert put(circuit, channel, 5) == (NOWTACCESS if name == "A" else NORMAL)
    assert rights == {"A": READ, "B": ALL}
    driver.setParam("A", 7)  # the driver does
    driver.updatePVs()
    got = circuit.get(circuit.create("P:A"), dbr.DOUBLE, 1)
    assert dbr.decode(dbr.DOUBLE, 1, got.payload).scalar == 7


def test_clients_are_told_when_it_changes(serve):
    driver, circuit = serve({"A": {}})
    channel = circuit.create("P:A")
    for readonly, rights, status in [(True, READ, NOWTACCESS), (False, ALL, NORMAL)]:
        driver.setParamInfo("A", {"readonly": readonly})
        told = circuit.expect(wire.ACCESS_RIGHTS, timeout=60, p1=channel.cid)
        assert told.p2 == rights
        assert put(circuit, channel, 5) == status


# ---- enforce_limits ----

RANGE = {"lolim": -10, "hilim": 10}


@pytest.mark.parametrize(
    ("how", "value", "status", "kept"),
    [
        (True, 10, NORMAL, 10),
        (True, 10.5, PUTFAIL, 1),
        ("refuse", -11, PUTFAIL, 1),
        ("clamp", 99, NORMAL, 10),
        ("clamp", -99, NORMAL, -10),
        ("clamp", float("nan"), PUTFAIL, 1),
        (True, float("nan"), PUTFAIL, 1),
        (False, 99, NORMAL, 99),
    ],
)
def test_puts_outside_of_the_limits(serve, how, value, status, kept):
    driver, circuit = serve({"A": {**RANGE, "value": 1, "enforce_limits": how}})
    channel = circuit.create("P:A")
    assert put(circuit, channel, value) == status
    assert driver.getParam("A") == kept


@pytest.mark.parametrize(
    ("fields", "value", "status", "kept"),
    [
        ({"drvl": -1, "drvh": 2}, 3, PUTFAIL, 1),
        ({"drvl": -1, "drvh": 2}, -1, NORMAL, -1),
        ({"drvh": 2}, 3, PUTFAIL, 1),
        ({"drvh": 2}, -10, NORMAL, -10),  # the other limit is that of displays
        ({"drvl": 0}, -1, PUTFAIL, 1),
        ({"drvl": -99, "drvh": 99}, 50, NORMAL, 50),
        ({"drvl": 5, "drvh": 5}, 50, NORMAL, 50),  # there is nothing in between
    ],
)
def test_drive_limits(serve, fields, value, status, kept):
    entry = {**RANGE, **fields, "value": 1, "enforce_limits": True}
    driver, circuit = serve({"A": entry})
    channel = circuit.create("P:A")
    data = dbr.encode(dbr.DOUBLE, value)
    assert circuit.put(channel, dbr.DOUBLE, data, 1).p1 == status
    circuit.send(wire.pack(wire.WRITE, data, type=dbr.DOUBLE, count=1, p1=channel.sid))
    if status != NORMAL:
        assert circuit.expect(wire.ERROR, timeout=60).p2 == status
    assert put(circuit, channel, kept) == NORMAL  # after the put without callback
    assert driver.getParam("A") == kept


@pytest.mark.parametrize(
    ("fields", "control"),
    [
        ({}, (10, -10)),
        ({"drvl": -1, "drvh": 2}, (2, -1)),
        ({"drvh": 2}, (2, -10)),
        ({"drvl": -1}, (10, -1)),
    ],
)
def test_clients_get_the_drive_limits_as_control_limits(serve, fields, control):
    driver, circuit = serve({"A": {**RANGE, "hihi": 8, **fields}})
    channel = circuit.create("P:A")

    def limits():
        got = circuit.get(channel, dbr.CTRL + dbr.DOUBLE, 1)
        upper, lower, *_alarms, upper_control, lower_control = dbr.decode(
            got.type, 1, got.payload
        ).limits
        return upper, lower, upper_control, lower_control

    assert limits() == (10, -10, *control)
    driver.setParamInfo("A", {"drvh": 7, "drvl": 6})
    assert limits() == (10, -10, 7, 6)
    assert driver.getParamInfo("A", ["drvl", "drvh", "hilim"]) == {
        "drvl": 6,
        "drvh": 7,
        "hilim": 10,
    }


@pytest.mark.parametrize(("value", "kept"), [(9, 2), (-9, 1)])
def test_a_whole_number_moves_to_one_between_the_limits(serve, value, kept):
    entry = {"type": "int", "drvl": 0.5, "drvh": 2.5, "enforce_limits": "clamp"}
    driver, circuit = serve({"A": entry})
    assert put(circuit, circuit.create("P:A"), value, type=dbr.LONG) == NORMAL
    assert driver.getParam("A") == kept


def test_no_whole_number_is_between_the_limits(serve):
    entry = {"type": "int", "drvl": 0.2, "drvh": 0.8, "enforce_limits": "clamp"}
    driver, circuit = serve({"A": entry})
    assert put(circuit, circuit.create("P:A"), 9, type=dbr.LONG) == PUTFAIL
    assert driver.getParam("A") == 0


def test_a_whole_number_stays_one(serve):
    entry = {**RANGE, "type": "int", "enforce_limits": "clamp"}
    driver, circuit = serve({"A": entry})
    assert put(circuit, circuit.create("P:A"), 99, type=dbr.LONG) == NORMAL
    kept = driver.getParam("A")
    assert (kept, type(kept)) == (10, int)


def test_arrays_and_text(serve):
    entry = {**RANGE, "enforce_limits": "clamp"}
    driver, circuit = serve(
        {
            "LIST": {**entry, "count": 3},
            "TEXT": {**entry, "type": "string"},
            "CHARS": {**entry, "type": "char", "count": 10},
        }
    )
    assert put(circuit, circuit.create("P:LIST"), 1, 20, -20) == NORMAL
    assert list(driver.getParam("LIST")) == [1, 10, -10]
    text = circuit.create("P:TEXT")
    assert put(circuit, text, b"50", type=dbr.STRING) == NORMAL
    assert driver.getParam("TEXT") == "50"
    chars = circuit.create("P:CHARS")
    assert put(circuit, chars, *b"hello", type=dbr.CHAR) == NORMAL
    assert driver.getParam("CHARS") == "hello"


def test_limits_that_the_driver_moves(serve):
    driver, circuit = serve({"A": {**RANGE, "enforce_limits": True}})
    channel = circuit.create("P:A")
    assert put(circuit, channel, 50) == PUTFAIL
    driver.setParamInfo("A", {"hilim": 100})
    assert put(circuit, channel, 50) == NORMAL
    driver.setParamInfo("A", {"enforce_limits": False})
    assert put(circuit, channel, 500) == NORMAL


# ---- bool ----


def test_a_bool_is_an_enum_of_two_states(serve):
    labels = {"enums": ["Closed", "Open"], "states": [0, 1]}
    driver, circuit = serve(
        {
            "A": {"type": "bool"},
            "B": {"type": "bool", **labels, "value": "Open"},
            "C": {"type": "bool", "value": True},
        }
    )
    shown = {"A": (["False", "True"], 0), "B": (["Closed", "Open"], 1)}
    for name, (states, value) in {**shown, "C": (shown["A"][0], 1)}.items():
        channel = circuit.create(f"P:{name}")
        assert channel.type == dbr.ENUM
        got = circuit.get(channel, dbr.CTRL + dbr.ENUM, 1)
        decoded = dbr.decode(got.type, 1, got.payload)
        assert (decoded.states, decoded.scalar) == (states, value)
    channel = circuit.create("P:A")
    assert put(circuit, channel, b"True", type=dbr.STRING) == NORMAL
    assert driver.getParam("A") == 1
    assert put(circuit, channel, b"Maybe", type=dbr.STRING) == PUTFAIL
    driver.setParam("A", False)
    driver.updatePVs()
    got = circuit.get(channel, dbr.STRING, 1)
    assert dbr.decode(dbr.STRING, 1, got.payload).scalar == b"False"


def test_a_pv_becomes_a_bool(serve):
    driver, _ = serve({"A": {"type": "enum", "enums": ["x", "y", "z"]}})
    driver.setParamInfo("A", {"type": "bool"})
    assert driver.getParamInfo("A", ["enums"]) == {"enums": ["False", "True"]}
    text = "PV 'P:A': field 'enums' is ['x'], allowed are two labels for type 'bool'"
    with pytest.raises(ValueError, match=re.escape(text)):
        driver.setParamInfo("A", {"type": "bool", "enums": ["x"]})
    assert driver.getParamInfo("A", ["enums"]) == {"enums": ["False", "True"]}


# ---- alias, desc ----


@pytest.mark.parametrize("alias", ["OTHER", ["OTHER", "THIRD"]])
def test_another_name_is_the_same_pv(serve, alias):
    driver, circuit = serve({"A": {"alias": alias, "value": 1, "desc": "a motor"}})
    assert put(circuit, circuit.create("P:OTHER"), 5) == NORMAL
    got = circuit.get(circuit.create("P:A"), dbr.DOUBLE, 1)
    assert dbr.decode(dbr.DOUBLE, 1, got.payload).scalar == 5
    assert driver.getParamInfo("A", ["desc"]) == {"desc": "a motor"}


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("alias", 5, "a name, or a sequence of names"),
        ("alias", ["A", ""], "a name, or a sequence of names"),
        ("desc", 5, "a str"),
        ("drvl", "low", "a number"),
        ("drvh", None, "a number"),
        ("enforce_limits", "cut", "False, True or 'refuse', or 'clamp'"),
    ],
)
def test_what_is_not_allowed(field, value, allowed):
    with IsolatedServer(threaded=False) as server:
        text = f"PV 'A': field {field!r} is {value!r}, allowed is {allowed}"
        with pytest.raises(ValueError, match=re.escape(text)):
            server.createPV("P:", {"A": {field: value}})
