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


def behind_a_put(circuit, channel):
    """A put callback that waits for process(), as will all that comes behind it."""
    data = dbr.encode(dbr.LONG, 5)
    circuit.send(
        pack(wire.WRITE_NOTIFY, data, type=dbr.LONG, count=1, p1=channel.sid, p2=1)
    )


@pytest.mark.parametrize(("mask", "values"), [(wire.DBE_PROPERTY, [5]), (1, [5, 6])])
def test_a_subscription_behind_a_put_keeps_its_mask(idle, mask, values):
    idle.createPV("", {"A": {"type": "int"}})
    driver = Driver()
    with wire.Circuit(("127.0.0.1", idle.tcp_port)) as circuit:
        channel = circuit.create("A")
        behind_a_put(circuit, channel)
        circuit.send(wire.event_request(channel.sid, SUBID, dbr.LONG, 1, mask))
        # It sees every event: what was not sent ahead of its update never will be.
        circuit.send(wire.event_request(channel.sid, SUBID + 1, dbr.LONG, 1, 15))
        seen = {SUBID: [], SUBID + 1: []}
        while not seen[SUBID + 1]:
            idle.process(0.01)
            collect(circuit, seen)
        driver.setParam("A", 6)
        driver.updatePVs()
        while seen[SUBID + 1][-1] != 6:
            collect(circuit, seen)
        assert seen[SUBID] == values


def collect(circuit, seen):
    """Adds the updates that have come by now to `seen`, by SUBID."""
    for message in circuit.drain():
        if message.command == EVENT_ADD:
            seen[message.p2].append(int.from_bytes(message.payload[:4], "big"))


def test_a_subscription_that_is_cancelled_behind_a_put_never_starts(idle):
    idle.createPV("", {"A": {"type": "int"}})
    Driver()
    with wire.Circuit(("127.0.0.1", idle.tcp_port)) as circuit:
        channel = circuit.create("A")
        behind_a_put(circuit, channel)
        subscribe(circuit, channel)
        circuit.send(
            pack(wire.EVENT_CANCEL, type=dbr.LONG, count=1, p1=channel.sid, p2=SUBID)
        )
        circuit.expect(EVENT_ADD, p2=SUBID)  # says that it is cancelled
        circuit.send(wire.event_request(channel.sid, SUBID + 1, dbr.LONG))
        seen = {SUBID: [], SUBID + 1: []}
        while not seen[SUBID + 1]:
            idle.process(0.01)
            collect(circuit, seen)
        assert seen == {SUBID: [], SUBID + 1: [5]}


def test_a_read_that_is_at_work_is_not_answered_after_clear(driver, circuit):
    first, second = circuit.create("A"), circuit.create("A")

    def get(channel, ioid):
        header = {"type": dbr.LONG, "count": 1, "p1": channel.sid, "p2": ioid}
        circuit.send(pack(wire.READ_NOTIFY, **header))
        assert driver.begun.acquire(timeout=10)

    get(first, 1)
    circuit.send(pack(wire.CLEAR_CHANNEL, p1=first.sid, p2=first.cid))
    circuit.expect(wire.CLEAR_CHANNEL, p2=first.cid)
    driver.go_on.release()
    get(second, 2)
    driver.go_on.release()
    answer = circuit.receive()
    assert (answer.command, answer.p2) == (wire.READ_NOTIFY, 2)
