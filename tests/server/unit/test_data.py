"""Data: what setParam, setParamStatus, updatePV and assignments do to it."""

import array
import re

import numpy as np
import pytest

from pcaspy import Driver, PVInfo, SimplePV, cas
from pcaspy.driver import Data, manager

PVDB = {
    "F": {"hihi": 10, "prec": 3},
    "I": {"type": "int"},
    "S": {"type": "string"},
    "C": {"type": "char", "count": 20},
    "C1": {"type": "char"},
    "E": {"type": "enum", "enums": ["x", "y"], "states": [0, 2]},
    "W": {"count": 3},
    "SCAN": {"scan": 1000},
}


class Quiet(Driver):
    pass


@pytest.fixture
def driver(idle):
    idle.createPV("D:", PVDB)
    return Quiet()


def state(data):
    return data.value, data.alarm, data.severity, data.flag, data.mask


def test_begins_undefined(driver):
    data = driver.getParamDB("F")
    assert state(data) == (0, 17, 3, False, 0)
    assert data.udf is True
    assert re.fullmatch(
        r"value=0 alarm=UDF severity=INVALID flag=False mask=0 time=\d+\.\d+", str(data)
    )


def test_first_good_value_is_an_alarm_event(driver):
    driver.setParam("F", 0)
    assert state(driver.pvDB["F"]) == (0, 0, 0, True, cas.DBE_ALARM)
    driver.setParam("F", 11)
    assert state(driver.pvDB["F"]) == (11, 3, 2, True, 7)
    driver.updatePVs()
    assert state(driver.pvDB["F"]) == (11, 3, 2, False, 0)
    driver.setParam("F", 11)
    assert state(driver.pvDB["F"]) == (11, 3, 2, False, 0)
    assert driver.pvDB["F"].udf is True


def test_attributes_of_its_own_are_no_entries_of_its_dict(driver):
    """They are members of the class: what is in the dict, programs have put there."""
    data = driver.getParamDB("F")
    driver.setParam("F", 1)
    driver.setParamStatus("F", 2, 3)
    data.fail_read()
    driver.updatePVs()
    assert vars(data) == {}
    data.mine = 1
    assert vars(data) == {"mine": 1}


def test_status_keeps_the_time(driver):
    driver.setParam("F", 1, cas.epicsTimeStamp(5, 6))
    driver.setParamStatus("F", 3, 1)
    driver.setParamStatus("F", severity=2)
    data = driver.pvDB["F"]
    assert (data.alarm, data.severity, repr(data.time)) == (3, 2, "epicsTimeStamp(5,6)")
    driver.updatePVs()
    driver.setParamStatus("F", 3, 2)  # as it is
    assert state(data)[3:] == (False, 0)


def test_scanned_pvs_are_not_posted_by_update(driver):
    driver.setParam("SCAN", 5)
    driver.updatePVs()
    driver.updatePV("SCAN")
    assert driver.pvDB["SCAN"].flag is True


@pytest.mark.parametrize(
    ("reason", "given", "kept"),
    [
        ("F", 3, 3),
        ("F", "3.5", 3.5),
        ("F", np.float32(0.5), 0.5),
        ("F", True, True),
        ("I", np.int8(-3), -3),
        ("E", "y", 1),
        ("E", 7, 7),
        ("S", "z" * 60, "z" * 60),
        ("C", "abc", "abc"),
        ("C", b"\xff\x00", b"\xff\x00"),
        ("C", [1, 2], [1, 2]),
        ("C1", "A", "A"),
        ("C1", 65, 65),
        ("W", 5, 5),
        ("W", [1, 2, 3, 4], [1, 2, 3, 4]),
        ("W", (1, 2), (1, 2)),
    ],
)
def test_values_as_they_were_given(driver, reason, given, kept):
    driver.setParam(reason, given)
    assert driver.getParam(reason) == kept
    assert type(driver.getParam(reason)) is type(kept) or isinstance(given, np.generic)


@pytest.mark.parametrize(
    ("reason", "value"),
    [
        ("F", None),
        ("F", "three"),
        ("F", {}),
        ("F", []),
        ("F", object()),
        ("I", [None]),
        ("E", "z"),
        ("W", ["a"]),
        ("W", np.array(["a"])),
    ],
)
def test_what_does_not_fit_changes_nothing(driver, reason, value):
    before = state(driver.pvDB[reason])
    with pytest.raises((TypeError, ValueError), match=f"D:{reason}"):
        driver.setParam(reason, value)
    assert state(driver.pvDB[reason]) == before


def test_unknown_reason(driver):
    with pytest.raises(KeyError):
        driver.setParam("NONE", 1)


def test_too_many_elements_warn_once(driver, caplog):
    for _ in range(3):
        driver.setParam("W", [1, 2, 3, 4])
    assert [r.getMessage() for r in caplog.records] == [
        "D:W: more than 3 elements are left out"
    ]


@pytest.mark.parametrize("dtype", ["f8", "f4", "i8", "u2", "?", ">f8"])
def test_arrays_are_copied(driver, dtype):
    given = np.ones(3, dtype)
    driver.setParam("W", given)
    given[:] = 0
    kept = driver.getParam("W")
    assert isinstance(kept, np.ndarray)
    assert list(kept) == [1, 1, 1]
    kept[0] = 0
    assert list(driver.getParam("W")) == [0, 1, 1]


def test_lists_are_copied(driver):
    given = [1, 2, 3]
    driver.setParam("W", given)
    given[0] = 9
    assert driver.getParam("W") == [1, 2, 3]


@pytest.mark.parametrize(
    "value",
    [
        np.arange(6.0)[::2],
        np.arange(6, dtype=">i4")[:3],
        np.ones((1, 3)),
        array.array("h", [1, 2, 3]),
        range(3),
        memoryview(b"abc"),
    ],
)
def test_odd_arrays_are_taken(driver, value):
    driver.setParam("W", value)
    driver.pvDB["W"].post()


def test_assignment_is_honoured(driver):
    data = driver.pvDB["F"]
    data.value = 4.5
    data.alarm, data.severity = 5, 1
    data.time = cas.epicsTimeStamp(7, 8)
    data.mask = 3
    data.flag = True
    assert str(data) == "value=4.5 alarm=LOLO severity=MINOR flag=True mask=3 time=7.8"
    driver.updatePVs()
    assert (data.flag, data.mask) == (False, 0)


def test_updates_cost_what_changed(driver):
    driver.setParam("F", 1)
    driver.setParam("F", 2)
    assert driver.pvDB.changed.count(driver.pvDB["F"]) == 1
    driver.updatePVs()
    assert driver.pvDB["F"] not in driver.pvDB.changed


def test_set_params_sets_and_posts(driver):
    driver.setParams({"F": 3, "I": 4}, cas.epicsTimeStamp(1, 2))
    assert (driver.getParam("F"), driver.getParam("I")) == (3, 4)
    assert driver.pvDB["F"].flag is False
    assert str(driver.pvDB["I"].time) == "1.2"


def test_timestamps_have_to_be_ones(driver):
    with pytest.raises(TypeError, match="epicsTimeStamp"):
        driver.setParam("F", 1, 12.5)


def test_changed_fields_are_property_events(driver):
    driver.setParam("F", 5)
    driver.updatePVs()
    driver.setParamInfo("F", {"hihi": 4, "unit": "eV", "nonsense": 1})
    assert state(driver.pvDB["F"]) == (5, 3, 2, True, cas.DBE_ALARM | cas.DBE_PROPERTY)
    assert driver.getParamInfo("F", ["unit", "nonsense", "name"]) == {
        "unit": "eV",
        "name": "D:F",
    }


def test_enums_can_be_changed(driver):
    with pytest.raises(ValueError, match="1 enums and 2 states"):
        driver.setParamEnums("E", ["a"], [1, 2])
    driver.setParamEnums("E", ["a", "b", "c"])
    driver.setParam("E", "c")
    assert driver.getParam("E") == 2
    assert driver.getParamInfo("E", ["states"]) == {"states": [0, 0, 0]}


def test_changed_enums_leave_the_alarm_until_the_next_value(driver):
    driver.setParam("E", "y")
    assert driver.pvDB["E"].severity == 2
    driver.setParamEnums("E", ["x", "y"], [0, 1])
    assert driver.pvDB["E"].severity == 2
    driver.setParam("E", "y")
    assert driver.pvDB["E"].severity == 1


def test_all_fields(driver):
    assert set(driver.getParamInfo("F")) == set(
        "states prec unit lolim hilim hihi lolo high low scan asyn adel mdel asg port"
        " enums count type value".split()
    )


class Doubling(PVInfo):
    def checkValue(self, newValue):
        return 8

    def checkAlarm(self, value):
        return 15, 1


class Counting(SimplePV):
    updates = 0

    def updateValue(self, dbValue):
        type(self).updates += 1
        super().updateValue(dbValue)


def test_overridden_hooks_are_called(driver):
    info = Doubling({}, "X", "D:X")
    manager.pvf["D:X"] = pv = Counting("D:X", info)
    manager.pvs["default"]["X"] = pv
    driver.setParam("X", 1)
    assert state(driver.pvDB["X"]) == (1, 15, 1, True, 12)
    driver.updatePV("X")
    assert (Counting.updates, driver.pvDB["X"].mask) == (1, 0)


def test_data_alone():
    data = Data()
    data.set([1, 2])
    assert (data.value, data.handle) == ([1, 2], None)
    data.post()


@pytest.mark.parametrize(
    ("args", "text"),
    [
        ((1.5e9,), "epicsTimeStamp(868848000,0)"),
        ((1500000000, 5), "epicsTimeStamp(868848000,5)"),
        ((1500000000.25,), "epicsTimeStamp(868848000,250000000)"),
    ],
)
def test_time_stamps_of_posix(args, text):
    assert repr(cas.epicsTimeStamp.fromPosixTimeStamp(*args)) == text


def test_time_stamps_as_text():
    assert str(cas.epicsTimeStamp(12, 5)) == "12.5"
    assert cas.epicsTimeStamp().secPastEpoch > 1_000_000_000
