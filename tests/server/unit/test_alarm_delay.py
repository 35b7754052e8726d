"""Alarms that are raised later, and messages of alarms."""

import struct
import threading
import time

import pytest

from pcaspy import Driver, PVInfo, Severity, SimplePV
from pcaspy.driver import manager
from pcaspy.native import _links
from support import dbr
from support.wire import DBE_ALARM, EVENT_ADD, LONG_DEADLINE, Circuit

LIMITS = {"lolo": -8, "low": -4, "high": 4, "hihi": 8, "udf": False}
NONE, LOW, HIGH, HIHI = (0, 0), (6, 1), (4, 1), (3, 2)


class Clock:
    """Time that the test sets; looks again at alarms as the server's thread does."""

    def __init__(self, monkeypatch):
        self.now = 1000.0
        self.planned = []
        monkeypatch.setattr(_links, "monotonic", lambda: self.now)

    def add(self, data, due):
        self.planned.append((due, data))

    def go_to(self, when):
        """Seconds since the start."""
        while due := [one for one in self.planned if one[0] <= 1000 + when]:
            first = min(due, key=lambda one: one[0])
            self.planned.remove(first)
            self.now = first[0]
            first[1].look_again()
        self.now = 1000 + when


@pytest.fixture
def clock(monkeypatch, idle):
    clock = Clock(monkeypatch)
    monkeypatch.setattr(idle._pcaspy.delays, "add", clock.add)
    return clock


def driver_with(server, **fields):
    server.createPV("D:", {"A": {**LIMITS, **fields}})
    driver = Driver()
    driver.setParam("A", 0)
    driver.updatePVs()
    return driver


def alarm(driver):
    data = driver.pvDB["A"]
    return data.alarm, data.severity


def played(clock, driver, steps):
    """The alarm after each (time, value); None: no new value."""
    seen = []
    for when, value in steps:
        clock.go_to(when)
        if value is not None:
            driver.setParam("A", value)
        seen.append(alarm(driver))
    return seen


@pytest.mark.parametrize(
    ("steps", "alarms"),
    [
        # It comes by time, once.
        ([(0, 5), (0.9, None), (1, None), (9, None)], [NONE, NONE, HIGH, HIGH]),
        # One that ends earlier is never seen; the next one waits as long.
        ([(0, 5), (0.9, 0), (1.5, 5), (2, None), (2.5, None)], [NONE] * 4 + [HIGH]),
        # Another value that exceeds the same limit changes nothing.
        ([(0, 5), (0.5, 6), (1, None)], [NONE, NONE, HIGH]),
        # A worse one waits for itself, and the lesser one does not wait for it.
        ([(0, 5), (0.9, 9), (1, None), (1.9, None)], [NONE, NONE, HIGH, HIHI]),
        # It gets better at once.
        ([(0, 9), (1, None), (1.5, 5), (1.6, 0)], [NONE, HIHI, HIGH, NONE]),
        # The other side waits.
        ([(0, 5), (1, None), (1.5, -5), (2.5, None)], [NONE, HIGH, NONE, LOW]),
    ],
)
def test_delay(idle, clock, steps, alarms):
    driver = driver_with(idle, alarm_delay=1)
    assert played(clock, driver, steps) == alarms


def test_delay_and_hysteresis(idle, clock):
    driver = driver_with(idle, alarm_delay=1, hyst=2)
    steps = [(0, 5), (0.5, 3), (1, None), (2, 2.5), (3, 1.5), (4, 3), (9, None)]
    # Back by less than the hysteresis is no end, of the waiting either.
    assert played(clock, driver, steps) == [NONE, NONE, HIGH, HIGH, NONE, NONE, NONE]


def test_any_element_of_an_array(idle, clock):
    driver = driver_with(idle, alarm_delay=1, count=3)
    steps = [(0, [0, 5, 0]), (0.5, [5, 0, 0]), (1, None), (2, [0, 0, 0])]
    assert played(clock, driver, steps) == [NONE, NONE, HIGH, NONE]


def test_what_the_driver_has_set_stays(idle, clock):
    driver = driver_with(idle, alarm_delay=1)
    driver.setParam("A", 5)
    driver.setParamStatus("A", 9, 3)
    clock.go_to(2)
    assert alarm(driver) == (9, 3)
    driver.setParam("A", 5)
    assert alarm(driver) == HIGH


def test_the_delay_changes_at_run_time(idle, clock):
    driver = driver_with(idle)
    driver.setParam("A", 9)
    driver.setParamInfo("A", {"alarm_delay": 5})
    assert alarm(driver) == HIHI  # it was there
    assert played(clock, driver, [(1, 5), (2, 9), (6, None), (7, None)]) == [
        *(HIGH, HIGH, HIGH, HIHI)
    ]
    assert played(clock, driver, [(8, 0), (9, 9)]) == [NONE, NONE]
    driver.setParamInfo("A", {"alarm_delay": 0})
    assert alarm(driver) == HIHI
    driver.setParamInfo("A", {"alarm_delay": 5, "hihi": 20})
    assert alarm(driver) == NONE or alarm(driver) == HIGH


def test_enums_and_text_wait_for_nothing(idle, clock):
    idle.createPV(
        "D:", {"E": {"type": "enum", "enums": ["a", "b"], "states": [0, 2], "hyst": 1}}
    )
    driver = Driver()
    driver.setParamInfo("E", {"alarm_delay": 5, "high": 0})
    driver.setParam("E", 1)
    assert (driver.pvDB["E"].alarm, driver.pvDB["E"].severity) == (7, 2)
    assert not clock.planned


def test_many_values_plan_one_look(idle, clock):
    driver = driver_with(idle, alarm_delay=1)
    for _ in range(100):
        driver.setParam("A", 5)
    assert len(clock.planned) == 1


def state(message):
    return int.from_bytes(message.payload[:2], "big"), message.payload[3]


@pytest.mark.parametrize("own_update", [False, True])
def test_clients_are_told_by_time(server, circuit, own_update):
    updated = threading.Event()

    class Own(SimplePV):
        def updateValue(self, dbValue):
            super().updateValue(dbValue)
            updated.set()

    if own_update:
        info = PVInfo({**LIMITS, "alarm_delay": 0.05}, "A", "D:A")
        manager.pvf["D:A"] = own = Own("D:A", info)
        manager.pvs = {"default": {"A": own}}
        driver = Driver()
        driver.setParam("A", 0)
        driver.updatePVs()
    else:
        driver = driver_with(server, alarm_delay=0.05)
    channel = circuit.create("D:A")
    before = driver.pvDB["A"].time
    subid, _first = circuit.subscribe(channel, dbr.TIME + dbr.DOUBLE, mask=DBE_ALARM)
    driver.setParam("A", 9)
    driver.updatePVs()
    update = circuit.expect(EVENT_ADD, LONG_DEADLINE, p2=subid)
    assert state(update) == HIHI
    assert update.payload[16:] == struct.pack(">d", 9)
    assert driver.getParam("A") == 9
    # When it was raised: later than the value.
    after = driver.pvDB["A"].time
    assert (after.secPastEpoch, after.nsec) > (before.secPastEpoch, before.nsec)
    assert updated.is_set() == own_update


def test_what_waits_to_be_posted_goes_on_waiting(idle, clock):
    """The alarm alone is told; monitors of values hear of it with updatePVs."""
    driver = driver_with(idle, alarm_delay=1)
    with Circuit(("127.0.0.1", idle.tcp_port)) as circuit:
        channel = circuit.create("D:A")
        value, _first = circuit.subscribe(channel, dbr.DOUBLE, mask=1)
        alarms, _first = circuit.subscribe(channel, dbr.STS + dbr.DOUBLE, mask=4)
        driver.setParam("A", 5)
        clock.go_to(2)
        assert state(circuit.expect(EVENT_ADD, LONG_DEADLINE, p2=alarms)) == HIGH
        driver.updatePVs()
        circuit.expect(EVENT_ADD, LONG_DEADLINE, p2=value)


def test_the_thread_ends_with_the_server_and_goes_on_with_it(idle):
    def threads():
        return [t for t in threading.enumerate() if t.name == "pcaspy alarm delay"]

    others = threads()
    driver = driver_with(idle, alarm_delay=0.05)
    assert threads() == others
    driver.setParam("A", 5)
    (thread,) = [t for t in threads() if t not in others]
    idle.close()
    thread.join(LONG_DEADLINE)
    assert not thread.is_alive()
    driver.setParam("A", 0)
    driver.setParam("A", 5)
    assert alarm(driver) == NONE
    idle.start()
    deadline = time.monotonic() + LONG_DEADLINE
    while alarm(driver) != HIGH:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_is_replaced_meanwhile_is_not_looked_at(idle, clock):
    driver = driver_with(idle, alarm_delay=1)
    driver.setParam("A", 5)
    idle.createPV("D:", {"A": {"type": "string"}})
    clock.go_to(2)
    assert alarm(driver) == NONE
    assert not clock.planned


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("hhsv", "BAD"), ("hsv", 4), ("lsv", -1), ("llsv", 1.5), ("hhsv", None)),
        *(("hyst", "much"), ("alarm_delay", -1), ("alarm_delay", float("inf"))),
    ],
)
def test_wrong_fields(idle, field, value):
    with pytest.raises(ValueError, match=f"PV 'A': field '{field}' is .*, allowed is"):
        PVInfo({field: value}, "A")
    driver = driver_with(idle)
    with pytest.raises(ValueError, match=f"'{field}'"):
        driver.setParamInfo("A", {field: value})
    assert driver.getParamInfo("A", [field])[field] == PVInfo({}).__getattribute__(
        field
    )


def test_severities_by_name_and_number():
    info = PVInfo({**LIMITS, "hhsv": "INVALID", "hsv": Severity.MAJOR_ALARM, "lsv": 0})
    assert [info.checkAlarm(v) for v in (9, 5, -5, -9)] == [
        (3, 3),
        (4, 2),
        NONE,
        (5, 2),
    ]
    assert (info.hhsv, info.hsv, info.lsv, info.llsv) == (3, 2, 0, 2)


def test_a_limit_of_no_alarm_has_no_order():
    """It does not make the other one of its pair invalid either."""
    info = PVInfo({"low": 5, "high": 2, "lsv": "NO_ALARM"})
    assert [info.checkAlarm(v)[0] for v in (1, 2)] == [0, 4]


def test_message_ends_with_the_alarm(idle):
    driver = driver_with(idle)
    data = driver.pvDB["A"]
    driver.setParamStatus("A", 9, 3, "no answer")
    assert data.mask & 4
    driver.updatePVs()
    driver.setParamStatus("A", 9, 3, "no answer")
    assert not data.mask
    driver.setParamStatus("A", message="still none")
    assert (data.mask, alarm(driver)) == (4, (9, 3))
    for wrong in (5, b"x", None):
        with pytest.raises(TypeError, match=r"PV 'A': message is .*, allowed is a str"):
            driver.setParamStatus("A", 9, 3, wrong)
