"""First updates that Driver.read gives: each belongs to the subscription that asked."""

from __future__ import annotations

import threading

import pytest

from pcaspy import Driver
from support import dbr, wire
from support.wire import ECA_NORMAL, ECHO, EVENT_ADD, pack

SUBID = 7


class Late(Driver):
    """`read` takes the value at once and gives it when told."""

    def __init__(self):
        super().__init__()
        self.begun = threading.Semaphore(0)
        self.go_on = threading.Semaphore(0)

    def read(self, reason):
        value = self.getParam(reason)
        self.begun.release()
        assert self.go_on.acquire(timeout=10)
        return value

    def change(self, value):
        """Post, while `read` may be at work."""
        self.setParam("A", value)
        self.updatePV("A")


@pytest.fixture
def driver(server):
    server.createPV("", {"A": {"type": "int", "value": 1}})
    driver = Late()
    yield driver
    for _ in range(10):
        driver.go_on.release()


def subscribe(circuit, channel):
    circuit.send(wire.event_request(channel.sid, SUBID, dbr.LONG))


def until(circuit, value):
    """Updates up to the one with `value`."""
    values = []
    while values[-1:] != [value]:
        update = circuit.expect(EVENT_ADD, p1=ECA_NORMAL, p2=SUBID)
        values.append(int.from_bytes(update.payload[:4], "big"))
    return values


def test_an_older_read_is_not_the_first_update_of_a_new_subscription(driver, circuit):
    """What was read for the one that had this SUBID before lies behind the posts."""
    channel = circuit.create("A")
    subscribe(circuit, channel)
    assert driver.begun.acquire(timeout=10)
    driver.change(2)
    subscribe(circuit, channel)  # replaces
    circuit.send(pack(ECHO))
    circuit.expect(ECHO)
    driver.go_on.release()
    assert driver.begun.acquire(timeout=10)
    driver.go_on.release()
    assert until(circuit, 2) == [2]
