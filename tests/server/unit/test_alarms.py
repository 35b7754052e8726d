"""Alarm limits and states, and the deadbands of events."""

import math

import numpy as np
import pytest

from pcaspy import Alarm, Driver, PVInfo, Severity
from pcaspy.alarm import AlarmStrings, SeverityStrings
from pcaspy.driver import manager
from support.deadbands import DEADBANDS, MOVES

NAN = math.nan
LIMITS = {"lolo": 1, "low": 2, "high": 8, "hihi": 10}
NONE, LOLO, LOW, HIGH, HIHI = (0, 0), (5, 2), (6, 1), (4, 1), (3, 2)


@pytest.mark.parametrize(
    ("value", "alarm"),
    [
        (0, LOLO),
        (1, LOLO),
        (2, LOW),
        (5, NONE),
        (8, HIGH),
        (10, HIHI),
        (math.inf, HIHI),
        (-math.inf, LOLO),
        (NAN, NONE),
        ([5, 9], HIGH),
        ([5, 11], HIHI),
        ([0, 11], LOLO),
        ([2, 9], LOW),
        ([NAN, 9], HIGH),
        ([NAN, NAN], NONE),
        (np.linspace(3, 7, 1000), NONE),
        (np.array([3, 9], "f4"), HIGH),
    ],
)
def test_limits(value, alarm):
    info = PVInfo({**LIMITS, "count": 1000})
    assert info.checkAlarm(value) == alarm


@pytest.mark.parametrize("type", ["int", "short", "float"])
def test_limits_of_each_type(type):
    info = PVInfo({**LIMITS, "type": type, "count": 3})
    assert info.checkAlarm([3, 4, 9]) == HIGH
    assert info.checkAlarm(np.array([3, 4, 9], "i8")) == HIGH


def test_characters_have_no_limits():
    info = PVInfo({**LIMITS, "type": "char", "count": 3})
    assert info.checkAlarm([3, 4, 9]) == NONE


@pytest.mark.parametrize(
    ("spec", "value", "alarm"),
    [
        ({"high": 5}, 0, NONE),
        ({"high": 5}, -100, NONE),
        ({"high": 5}, 5, HIGH),
        ({"low": -5}, 0, NONE),
        ({"low": -5}, -5, LOW),
        ({"low": 5, "high": 2}, 3, NONE),
        ({"high": NAN, "low": 1}, 0, LOW),
        ({"high": NAN, "low": 1}, 9, NONE),
    ],
)
def test_a_limit_that_is_not_given_does_not_exist(spec, value, alarm):
    assert PVInfo(spec).checkAlarm(value) == alarm


@pytest.mark.parametrize(
    ("index", "alarm"), [(0, (0, 0)), (1, (7, 2)), (2, (7, 1)), (5, (7, 2))]
)
def test_states(index, alarm):
    info = PVInfo({"type": "enum", "enums": ["a", "b", "c"], "states": [0, 2, 1]})
    assert info.checkAlarm(index) == alarm


@pytest.mark.parametrize("type", ["string", "char"])
def test_text_has_no_alarm(type):
    assert PVInfo({**LIMITS, "type": type, "count": 20}).checkAlarm("text") == NONE


def test_deadband_of_monitors():
    info = PVInfo({"mdel": 2})
    masks = [info.checkValue(value) for value in (1, 2, 3, 4, 5, 6, 5.5)]
    assert masks == [2, 2, 3, 2, 2, 3, 2]


@pytest.mark.parametrize(
    ("spec", "values", "masks"),
    [
        ({}, [0, 0.5, 0.5, NAN], [0, 3, 0, 3]),
        ({"mdel": -1, "adel": -1}, [0, 0], [3, 3]),
        ({"count": 3}, [[0, 0, 0], [0, 0, 0]], [3, 3]),
        ({"type": "string"}, ["", "a", "a"], [0, 3, 0]),
        ({"type": "char", "count": 9}, ["", ""], [3, 3]),
        ({"type": "enum", "enums": ["a", "b"]}, [0, 1, 1], [0, 3, 0]),
    ],
)
def test_events_of_values(spec, values, masks):
    info = PVInfo(spec)
    assert [info.checkValue(value) for value in values] == masks


def worth(distance, mdel, adel):
    """The events of a change: DBE_VALUE, DBE_LOG."""
    return (distance > mdel) * 1 | (distance > adel) * 2


@pytest.mark.parametrize("mdel", DEADBANDS)
@pytest.mark.parametrize("adel", DEADBANDS)
@pytest.mark.parametrize("kind", [float, np.float64, np.float32])
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # inf - inf
def test_checkValue_measures_as_an_ioc_does(mdel, adel, kind):
    for last, new, distance in MOVES:
        info = PVInfo({"mdel": mdel, "adel": adel, "value": kind(last)})
        assert info.checkValue(kind(new)) == worth(distance, mdel, adel), (last, new)
        marked = [new if distance > width else last for width in (mdel, adel)]
        assert repr([float(info.mlst), float(info.alst)]) == repr(marked)


@pytest.mark.parametrize("mdel", DEADBANDS)
@pytest.mark.parametrize("adel", DEADBANDS)
def test_setParam_measures_as_an_ioc_does(idle, mdel, adel):
    fields = {"mdel": mdel, "adel": adel}
    pvdb = {str(i): {**fields, "value": move[0]} for i, move in enumerate(MOVES)}
    idle.createPV("M:", pvdb)
    driver = Driver()
    for reason in pvdb:
        driver.setParamStatus(reason, 0, 0)
    driver.updatePVs()
    for reason, (last, new, distance) in zip(pvdb, MOVES, strict=True):
        driver.setParam(reason, new)
        info = manager.pvs[driver.port][reason].info
        assert driver.pvDB[reason].mask == worth(distance, mdel, adel), (last, new)
        marked = [new if distance > width else last for width in (mdel, adel)]
        assert repr([info.mlst, info.alst]) == repr(marked)


@pytest.mark.parametrize("first", [NAN, math.inf, 0.0])
def test_the_first_number_of_a_pv_without_one_is_a_change(idle, first):
    idle.createPV("N:", {"A": {"value": None, "mdel": 5, "adel": 5}})
    driver = Driver()
    driver.updatePVs()
    driver.setParam("A", first)
    assert driver.pvDB["A"].mask & 3 == 3
    driver.updatePVs()
    driver.setParam("A", first)
    assert driver.pvDB["A"].mask == 0


def test_numbers_and_nan_in_turn(idle):
    idle.createPV("T:", {"A": {"value": NAN, "mdel": 2, "adel": 9}})
    driver = Driver()
    driver.setParamStatus("A", 0, 0)
    masks = []
    for value in (NAN, 5, 6, NAN, NAN, 6, 8.5, 14):
        driver.updatePVs()
        driver.setParam("A", value)
        masks.append(driver.pvDB["A"].mask)
    assert masks == [0, 3, 0, 3, 0, 3, 1, 1]


def test_names():
    assert Severity.nameOf(Severity.MAJOR_ALARM) == "MAJOR"
    assert Alarm.nameOf(Alarm.UDF_ALARM) == "UDF"
    assert (Alarm.nameOf(22), Severity.nameOf(-1)) == ("22", "-1")
    assert len(SeverityStrings) == 4
    assert len(AlarmStrings) == 22
