"""Failures of drivers: the first ones in full, the others by number."""

import logging

import pytest

from pcaspy.host.failures import FIRST, WHILE, Failures

log = logging.getLogger("pcaspy.test")


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def failures(clock):
    return Failures(clock)


def test_the_first_ones_are_told_in_full(failures, caplog):
    error = ValueError("no")
    for _ in range(FIRST):
        failures.tell(log, logging.ERROR, "PV a", "write failed", error)
    assert len(caplog.records) == FIRST
    assert {record.getMessage() for record in caplog.records} == {"PV a: write failed"}
    assert caplog.records[-1].exc_info[1] is error


def test_the_others_are_told_by_number_when_their_while_is_over(
    failures, caplog, clock
):
    for _ in range(FIRST + 7):
        failures.tell(log, logging.WARNING, "PV a", "refused")
    failures.turn()
    assert len(caplog.records) == FIRST
    clock.now += WHILE + 1
    failures.turn()
    assert caplog.records[-1].getMessage() == "PV a: refused: ... and 7 more like it"
    assert caplog.records[-1].levelno == logging.WARNING
    failures.turn()
    assert len(caplog.records) == FIRST + 1


def test_the_next_one_after_a_while_is_told_behind_the_number(failures, caplog, clock):
    for _ in range(FIRST + 1):
        failures.tell(log, logging.ERROR, "PV a", "write failed")
    clock.now += WHILE
    failures.tell(log, logging.ERROR, "PV a", "write failed", None, " for b")
    texts = [record.getMessage() for record in caplog.records[-2:]]
    assert texts == [
        "PV a: write failed: ... and 1 more like it",
        "PV a: write failed for b",
    ]


def test_each_pv_and_kind_has_its_own_number(failures, caplog):
    for who in ("PV a", "PV b"):
        for what in ("write failed", "read failed"):
            for _ in range(FIRST + 2):
                failures.tell(log, logging.ERROR, who, what)
    assert len(caplog.records) == 4 * FIRST
    failures.end()
    assert len(caplog.records) == 4 * FIRST + 4
    failures.end()
    assert len(caplog.records) == 4 * FIRST + 4


@pytest.mark.parametrize("ends", [False, True])
def test_others_may_fail_while_the_numbers_are_told(failures, clock, ends):
    """Coroutines of drivers fail in a thread of their own."""
    told = []

    class Another(logging.Handler):
        def emit(self, record):
            told.append(record.getMessage())
            failures.tell(silent, logging.ERROR, f"PV {len(told)}", "failed")

    silent, loud = (logging.getLogger(f"pcaspy.test.{name}") for name in "sl")
    silent.propagate = loud.propagate = False
    silent.addHandler(logging.NullHandler())
    for name in "ab":
        for _ in range(FIRST + 1):
            failures.tell(loud, logging.ERROR, f"PV {name}", "failed")
    handler = Another()
    loud.addHandler(handler)
    try:
        clock.now += WHILE + 1
        failures.end() if ends else failures.turn()
    finally:
        loud.removeHandler(handler)
    assert told == [f"PV {name}: failed: ... and 1 more like it" for name in "ab"]
