"""Values are what they were before a restart, or a message says why not."""

import math
import struct

import numpy
import pytest
from state_support import Kept, values_in

from pcaspy import Alarm, Driver, Severity
from pcaspy.cas import epicsTimeStamp
from pcaspy.native._data import Data
from pcaspy.native._state import Watch, was_set
from pcaspy.testing import IsolatedServer
from support import dbr
from support.wire import Circuit

NAN = struct.unpack(">d", bytes.fromhex("fff8000000000abc"))[0]
FLAGS = ["off", "on", "fault"]
# Fields of a PV, and values that it may have.
ALL = [
    ({}, [0.1 + 0.2, 5e-324, -0.0, math.nan, NAN, math.inf, -math.inf, 1e22, 7]),
    ({"type": "float32"}, [0.1, 3.4e38, math.nan, -math.inf, -0.0]),
    ({"type": "int"}, [-(2**31), 2**31 - 1, 0]),
    ({"type": "short"}, [-(2**15), 5]),
    ({"type": "int8"}, [-128, 127]),
    ({"type": "uint8"}, [0, 255]),
    ({"type": "uint16"}, [65535]),
    ({"type": "uint32"}, [2**32 - 1]),
    ({"type": "int64"}, [-(2**63), 2**63 - 1, 2**53 + 1]),
    ({"type": "uint64"}, [2**64 - 1, 0]),
    ({"type": "bool"}, [True, False]),
    ({"type": "enum", "enums": FLAGS}, [2, "on"]),
    ({"type": "enum", "enums": ["", "", "x"]}, [1, 0]),
    ({"type": "enum", "enums": []}, [3]),
    ({"type": "string"}, ["", "5", 'µ"\n\\\x01 ', b"\xff\xfe", "x" * 39]),
    ({"type": "text", "count": 20}, ["", "größer", "x" * 20]),
    ({"type": "char"}, [65, 0, 255]),
    (
        {"type": "char", "count": 300},
        ["", "abc", [1, 2, 0, 0], [0], [*range(256), 0]],
    ),
    ({"count": 5}, [[1.5, math.nan, NAN, -0.0], [7.0], []]),
    ({"count": 300}, [[0.1 * n for n in range(300)]]),
    ({"type": "uint64", "count": 300}, [[2**64 - 1 - n for n in range(200)], [1, 2]]),
    ({"type": "float32", "count": 200}, [[0.1 * n for n in range(150)]]),
    ({"type": "short", "count": 200}, [[*range(-100, 100)]]),
    ({"type": "bool", "count": 200}, [[True, False] * 100]),
    ({"type": "enum", "enums": FLAGS, "count": 4}, [[2, 0, 1]]),
    ({"type": "string", "count": 3}, [["a", "", "µ"]]),
    (
        {"type": "table", "columns": {"x": "float", "n": "string", "k": "int64"}},
        [
            {"x": [1.5, math.nan], "n": ["p", "µ"], "k": [2**62 + 1, -1]},
            {"x": [], "n": [], "k": []},
            {"x": range(200), "n": ["a"] * 200, "k": range(200)},
        ],
    ),
    (
        {"type": "ndarray"},
        [
            numpy.arange(600, dtype="u2").reshape(20, 30),
            numpy.array([[True, False]]),
            numpy.array([1.5, math.nan, -math.inf], "f4"),
            numpy.zeros((2, 0), "i8"),
        ],
    ),
]
CASES = {
    f"{fields.get('type', 'float')}-{n}-{m}": (fields, value)
    for n, (fields, values) in enumerate(ALL)
    for m, value in enumerate(values)
}


def held(driver, reason):
    """All of a value: elements bit for bit, time, labels; and its alarm."""
    data = driver.getParamDB(reason)
    watch = Watch()
    watch.watch(data, False)
    return repr(watch.take(0)), data.alarm, data.severity


def test_every_value_is_what_it_was(path):
    pvdb = {reason: fields for reason, (fields, _) in CASES.items()}
    with Kept(path, pvdb) as driver:
        for n, (reason, (_, value)) in enumerate(CASES.items()):
            driver.setParam(reason, value, epicsTimeStamp(1_000_000_000 + n, n))
        before = {reason: held(driver, reason) for reason in pvdb}
    with Kept(path, pvdb) as driver:
        for reason in pvdb:
            assert held(driver, reason) == before[reason]


def test_clients_see_the_value_with_its_time_and_the_alarm_of_now(path, saved):
    saved({"A": {}}, A=7.5)
    with Kept(path, {"A": {"high": 5, "value": 1}}, threaded=True) as driver:
        time = driver.getParamDB("A").time
        with Circuit(("127.0.0.1", driver.pvDB.registry.engine.tcp_port)) as circuit:
            answer = circuit.get(circuit.create("X:A"), dbr.TIME + dbr.DOUBLE)
        found = struct.unpack_from(">HHIIxxxxd", answer.payload)
        assert found == (
            Alarm.HIGH_ALARM,
            Severity.MINOR_ALARM,
            time.secPastEpoch,
            time.nsec,
            7.5,
        )


def test_what_was_never_set_is_not_saved(path, saved):
    pvdb = {"A": {"value": 1}, "B": {}}
    saved(pvdb, B=2)
    assert values_in(path) == {"X:B": 2.0}
    with Kept(path, {"A": {"value": 5}, "B": {}}) as driver:
        assert driver.getParam("A") == 5


def test_an_alarm_and_a_field_are_no_value(path):
    """A driver reports that its device does not answer, before it sets anything."""
    pvdb = {name: {"value": 1} for name in "ABC"}
    with Kept(path, pvdb) as driver:
        driver.setParamStatus("A", Alarm.COMM_ALARM, Severity.INVALID_ALARM)
        driver.setParamInfo("B", {"unit": "mm"})
        driver.setParam("C", 2)
    assert values_in(path) == {"X:C": 2.0}


def test_an_alarm_does_not_take_the_place_of_a_value_that_does_not_fit(path, saved):
    saved({"A": {"type": "enum", "enums": ["Off", "On"]}}, A=1)
    with Kept(path, {"A": {"type": "string"}}) as driver:
        driver.setParamStatus("A", Alarm.COMM_ALARM, Severity.INVALID_ALARM)
    with Kept(path, {"A": {"type": "enum", "enums": ["Off", "On"]}}) as driver:
        assert driver.getParam("A") == 1


def test_a_value_that_is_assigned_is_saved(path):
    with Kept(path, {"A": {}}) as driver:
        driver.pvDB["A"].value = 5
    assert values_in(path) == {"X:A": 5.0}


def test_a_parameter_that_no_pv_has_yet_may_be_set():
    data = Data()
    assert not was_set(data)
    data.set(5)
    assert was_set(data)


def test_what_a_driver_sets_at_first_is_overridden(path, saved):
    class Setting(Driver):
        def __init__(self):
            super().__init__()
            self.setParam("A", 1)
            self.setParam("B", 2)

    saved({"A": {}}, A=5)
    with Kept(path, {"A": {}, "B": {}}, Setting) as driver:
        assert driver.getParam("A") == 5
    assert values_in(path) == {"X:A": 5.0, "X:B": 2.0}


def test_a_driver_takes_values_as_it_likes(path, saved, caplog):
    pvdb = {name: {} for name in "ABCDEF"}

    class Careful(Driver):
        def write(self, reason, value):
            raise AssertionError("restored by a write")

        def restore(self, reason, value):
            if reason == "A":
                return super().restore(reason, min(value, 3))
            if reason == "B":
                return False
            if reason == "C":
                raise ValueError("no such position")
            if reason == "D":
                return None  # for later
            return super().restore(reason, value)

    saved(pvdb, A=5, B=6, C=7, D=8, E=9)
    with Kept(path, pvdb, Careful) as driver:
        assert [driver.getParam(name) for name in "ABCDE"] == [3, 0, 0, 0, 9]
        (told,) = [r for r in caplog.records if r.levelname == "ERROR"]
        assert "X:C" in told.getMessage()
    # What was not taken is not lost.
    expected = {"X:A": 3.0, "X:B": 6.0, "X:C": 7.0, "X:D": 8.0, "X:E": 9.0}
    assert values_in(path) == expected


def test_no_client_is_served_before(path, saved):
    class Looking(Driver):
        served = None

        def restore(self, reason, value):
            self.served = self.pvDB.registry.engine.running
            super().restore(reason, value)

    saved({"A": {}}, A=5)
    with Kept(path, {"A": {}}, Looking) as driver:
        assert driver.served is False
        assert driver.getParam("A") == 5


def test_an_async_restore_is_an_error(path, saved, caplog):
    class Wrong(Driver):
        async def restore(self, reason, value):
            raise AssertionError("nobody awaits it")

    saved({"A": {}}, A=5)
    with Kept(path, {"A": {}}, Wrong) as driver:
        assert driver.getParam("A") == 0
    assert "restore() must not be async" in caplog.text


@pytest.mark.parametrize(
    ("before", "value", "after", "expected"),
    [
        ({"type": "int"}, 5, {}, 5.0),
        ({}, 5.0, {"type": "int"}, 5),
        ({"type": "int64"}, 2**53, {"type": "uint64"}, 2**53),
        ({"type": "string"}, "abc", {"type": "text"}, "abc"),
        ({"type": "text"}, "abc", {"type": "char", "count": 10}, "abc"),
        ({}, 0.1, {"type": "float32"}, 0.10000000149011612),
        ({"count": 3}, [1, 2], {"count": 2}, [1, 2]),
        (
            {"type": "enum", "enums": FLAGS},
            1,
            {"type": "enum", "enums": FLAGS[::-1]},
            1,
        ),
        (
            {"type": "enum", "enums": FLAGS},
            2,
            {"type": "enum", "enums": FLAGS[::-1]},
            0,
        ),
        ({"type": "bool"}, True, {"type": "bool", "enums": ["Off", "On"]}, True),
        (
            {"type": "bool", "enums": ["Off", "On"]},
            True,
            {"type": "bool", "enums": ["On", "Off"]},
            False,
        ),
    ],
)
def test_a_value_that_still_has_its_meaning(
    path, saved, caplog, before, value, after, expected
):
    saved({"A": before}, A=value)
    with Kept(path, {"A": after}) as driver:
        found = driver.getParam("A")
        assert (found, type(found)) == (expected, type(expected))
    assert not [record for record in caplog.records if record.name == "pcaspy.state"]


@pytest.mark.parametrize(
    ("before", "value", "after", "words"),
    [
        ({}, 5.5, {"type": "int"}, ["'type'", "-2147483648", "5.5"]),
        ({"type": "int"}, 300, {"type": "uint8"}, ["'type'", "from 0 to 255", "300"]),
        ({"type": "int64"}, 2**53 + 1, {}, ["'type'", "a number"]),
        ({}, math.nan, {"type": "int"}, ["'type'", "nan"]),
        ({"type": "string"}, "abc", {}, ["'type'", "a number", "'abc'"]),
        ({}, 1.0, {"type": "string"}, ["'type'", "a text"]),
        ({}, 1.0, {"type": "enum", "enums": FLAGS}, ["'type'", "'off', 'on'"]),
        ({"type": "enum", "enums": FLAGS}, 1, {}, ["'type'", "'on'"]),
        (
            {"type": "enum", "enums": FLAGS},
            1,
            {"type": "enum", "enums": ["a", "b"]},
            ["'enums'", "'on'", "'a', 'b'"],
        ),
        ({"count": 3}, [1, 2, 3], {"count": 2}, ["'count'", "at most 2"]),
        ({"count": 3}, [1, 2, 3], {}, ["'count'", "at most 1"]),
        ({"count": 3}, [], {}, ["'count'", "no element"]),
        ({"type": "string", "count": 3}, ["a", "b"], {"type": "text"}, ["'type'"]),
        ({"type": "text"}, "abcd", {"type": "text", "count": 3}, ["'count'", "3"]),
        (
            {"type": "table", "columns": {"x": "float"}},
            {"x": [1]},
            {"type": "table", "columns": {"y": "float"}},
            ["'columns'", "'x'", "'y'"],
        ),
        ({"type": "ndarray"}, numpy.zeros(3), {"count": 3}, ["'type'", "ndarray"]),
    ],
)
def test_a_value_that_does_not_fit_any_more(
    path, saved, caplog, before, value, after, words
):
    saved({"A": before, "B": {}}, A=value, B=5)
    before_file = values_in(path)
    with Kept(path, {"A": after, "B": {}}) as driver:
        assert driver.getParam("B") == 5
        assert driver.getParamDB("A").severity == Severity.INVALID_ALARM
    (told,) = [r.getMessage() for r in caplog.records if r.name == "pcaspy.state"]
    assert all(word in told for word in ["PV X:A", "field", "allowed", *words]), told
    assert repr(values_in(path)) == repr(before_file)


def test_groups_and_names(path):
    pvdb = {
        "ALL": {"autosave": True},
        "OFTEN": {"autosave": 0.1},
        "SLOW": {"autosave": "slow"},
        "NEVER": {"autosave": False},
        "NAMED": {},
        "LIKE1": {},
        "OTHER": {},
    }
    autosave = {"slow": 600, "NAMED": True, "X:LIKE?": 600, "NEV*": True}
    with Kept(path, pvdb, autosave=autosave) as driver:
        for reason in pvdb:
            driver.setParam(reason, 1)
        periods = driver.pvDB.registry.keeper.periods()
        assert sorted(periods) == [0.1, 5.0, 600.0]
    names = {"X:ALL", "X:OFTEN", "X:SLOW", "X:NAMED", "X:LIKE1"}
    assert values_in(path).keys() == names


@pytest.mark.parametrize(
    "autosave", [0, -1.0, 0.05, math.nan, math.inf, "", None, [1], b"x"]
)
def test_entries_that_are_wrong(path, autosave):
    server = IsolatedServer(state=path)
    with pytest.raises(ValueError, match=r"PV 'A': field 'autosave' .* a period"):
        server.createPV("X:", {"A": {"autosave": autosave}})


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"autosave": [1]}, ValueError),
        ({"autosave": {"A": 0}}, ValueError),
        ({"autosave": {"A": "x"}}, ValueError),
        ({"autosave": [""]}, ValueError),
        ({"state": 5}, TypeError),
        ({"state": True}, TypeError),
        ({"state": "a\0b"}, ValueError),
    ],
)
def test_options_that_are_wrong(path, options, error):
    with pytest.raises(error, match="allowed"):
        IsolatedServer(**{"state": path, **options})


def test_what_has_no_effect_is_said(path, caplog, monkeypatch):
    monkeypatch.delenv("PCASPY_STATE", raising=False)
    IsolatedServer(autosave=["A"]).createPV("X:", {"A": {"autosave": True}, "Q": {}})
    lost, field = (record.getMessage() for record in caplog.records)
    assert "autosave has no effect" in lost
    assert "PCASPY_STATE" in lost
    assert "PV X:A has the field 'autosave', which has no effect" in field
    caplog.clear()
    with Kept(path, {"A": {}}, autosave=["B", "C*"]):
        pass
    told = [r.getMessage() for r in caplog.records if r.name == "pcaspy.state"]
    assert told[:2] == ["autosave: there is no PV 'B'", "autosave: there is no PV 'C*'"]
    assert "nothing is saved" in told[2]
    assert not path.exists()
    assert not list(path.parent.iterdir())


def test_the_environment_says_where(path, monkeypatch):
    monkeypatch.setenv("PCASPY_STATE", str(path))
    with Kept(None, {"A": {}}) as driver:
        driver.setParam("A", 5)
    assert values_in(path) == {"X:A": 5.0}
    with Kept(False, {"A": {}}) as driver:
        assert driver.getParam("A") == 0


# ---- what comes later ----


def test_pvs_and_drivers_that_are_made_while_it_serves(path, saved):
    pvdb = {"A": {}, "B": {"port": "b"}}

    class Other(Driver):
        port = "b"

        def __init__(self):
            super().__init__()
            self.ready = True

        def restore(self, reason, value):
            assert self.ready
            super().restore(reason, value * 2)

    with Kept(path, pvdb) as driver:
        driver.setParam("A", 5)
        Other().setParam("B", 6)
    with IsolatedServer(threaded=False, state=path, autosave=True) as server:
        driver = Driver()
        server.createPV("X:", {"A": {}})
        assert driver.getParam("A") == 5
        server.createPV("X:", {"B": {"port": "b"}})
        other = Other()
        assert other.getParam("B") == 12
        other.setParam("B", 7)
    assert values_in(path) == {"X:A": 5.0, "X:B": 7.0}


def test_a_class_that_derives_from_a_driver_is_complete_when_it_restores(path, saved):
    class Base(Driver):
        def __init__(self):
            super().__init__()

    class Derived(Base):
        def __init__(self):
            super().__init__()
            self.factor = 3

        def restore(self, reason, value):
            super().restore(reason, value * self.factor)

    saved({"A": {}}, A=5)
    with IsolatedServer(threaded=False, state=path, autosave=True) as server:
        server.createPV("X:", {"A": {}})
        assert Derived().getParam("A") == 15


def test_a_pv_that_is_made_again_has_its_last_value(path):
    with IsolatedServer(threaded=False, state=path, autosave=True) as server:
        held = server._pcaspy
        server.createPV("X:", {"A": {}, "B": {}})
        driver = Driver()
        driver.setParam("A", 5)
        driver.setParam("B", 6)
        del held.pvf["X:A"], held.pvs["default"]["A"], driver.pvDB["A"]
        server.createPV("X:", {"A": {"unit": "mm", "type": "int"}})
        assert driver.getParam("A") == 5
        assert type(driver.getParam("A")) is int
        again = Driver()
        assert again.getParam("A") == 5
        assert again.getParam("B") == 6


def test_another_pv_of_the_same_reason_takes_the_value_there_is(path, saved):
    with IsolatedServer(threaded=False, state=path, autosave=True) as server:
        server.createPV("Y:", {"A": {}})
        Driver().setParam("A", 1)
    with IsolatedServer(threaded=False, state=path, autosave=True) as server:
        server.createPV("X:", {"A": {}})
        driver = Driver()
        driver.setParam("A", 5)
        server.createPV("Y:", {"A": {}})  # the file has another value of this one
        assert driver.getParam("A") == 5
    assert values_in(path) == {"X:A": 5.0, "Y:A": 5.0}


def test_values_of_pvs_that_are_not_served_stay_in_the_file(path, saved):
    saved({"A": {}, "B": {}}, A=1, B=2)
    saved({"A": {}}, A=3)
    saved({"A": {}}, A=4)
    assert values_in(path) == {"X:A": 4.0, "X:B": 2.0}
    with Kept(path, {"B": {}}) as driver:
        assert driver.getParam("B") == 2


ABC = {"type": "enum", "enums": ["a", "b", "c"]}
BECOMES = [
    ({}, 2.5, {"type": "int", "value": 1}, 1),  # which does not fit
    ({}, 2.0, {"type": "int", "value": 1}, 2),
    ({"type": "string"}, "7", {"value": 1}, 1),
    (ABC, 2, {"type": "enum", "enums": ["c", "b"], "value": 1}, 0),
    (ABC, 0, {"type": "enum", "enums": ["c", "b"], "value": 1}, 1),
    ({"type": "int"}, 300, {"type": "uint8", "value": 1}, 1),
    ({"type": "int"}, 30, {"type": "uint8", "value": 1}, 30),
    ({"count": 5}, [1, 2, 3, 4, 5], {"count": 3, "value": [7, 7]}, [7, 7]),
    ({"count": 5}, [1, 2], {"count": 3, "value": [7, 7]}, [1, 2]),
    ({"type": "char", "count": 9}, "abc", {"type": "string", "value": "x"}, "abc"),
    ({"type": "table", "columns": {"a": "int"}}, {"a": [1]}, {"value": 1}, 1),
    (ABC, 2, dict(ABC, hihi=9), 2),
]


@pytest.mark.parametrize("was", range(len(BECOMES)))
def test_a_pv_that_is_made_again_as_another_has_what_fits(path, was):
    """As it does after a restart."""
    before, value, after, expected = BECOMES[was]
    kept = Kept(path, {"A": before, "B": {}})
    with kept as driver:
        driver.setParam("A", value)
        del kept.server._pcaspy.pvf["X:A"]
        kept.server.createPV("X:", {"A": after})
        assert driver.getParam("A") == expected
    with Kept(path, {"A": after, "B": {}}) as driver:
        assert driver.getParam("A") == expected


def test_a_server_that_starts_again_keeps_its_values(path):
    kept = Kept(path, {"A": {}})
    for n in range(3):
        with kept as driver:
            assert driver.getParam("A") == n
            driver.setParam("A", n + 0.5)
        assert values_in(path) == {"X:A": n + 0.5}
        driver.setParam("A", n + 1)  # while it is closed
    with kept:
        pass
    assert values_in(path) == {"X:A": 3.0}


def test_an_alarm_that_a_driver_gave_is_not_restored(path):
    with Kept(path, {"A": {}}) as driver:
        driver.setParam("A", 5)
        driver.setParamStatus("A", Alarm.COMM_ALARM, Severity.INVALID_ALARM)
    with Kept(path, {"A": {}}) as driver:
        assert driver.getParamDB("A").severity == Severity.NO_ALARM


def test_a_value_of_nothing_is_not_saved(path, saved):
    saved({"A": {"type": "string"}}, A="abc")
    with Kept(path, {"A": {"type": "string"}}) as driver:
        driver.setParam("A", None)
    assert values_in(path) == {"X:A": "abc"}
