"""``async def read``: gets that are answered when a coroutine ends, and scans."""

import asyncio
import logging
import struct
import threading

import pytest

from pcaspy import Driver, PVInfo, SimplePV, current_client
from pcaspy.driver import manager
from support import dbr
from support.wire import (
    ECA_GETFAIL,
    ECA_NORMAL,
    EVENT_ADD,
    LONG_DEADLINE,
    READ_NOTIFY,
    Circuit,
    pack,
)

DOUBLE, TIME_DOUBLE = dbr.DOUBLE, dbr.TIME + dbr.DOUBLE


def number(message):
    return struct.unpack(">d", message.payload[:8])[0]


class Reader(Driver):
    """Reads of SLOW wait for the test; each is noted with its thread."""

    def __init__(self):
        super().__init__()
        self.begun = threading.Semaphore(0)
        self.may_end = threading.Event()
        self.cancelled = threading.Event()
        self.reads, self.running, self.most = [], {}, {}
        self.fails = False

    async def read(self, reason):
        running = self.running[reason] = self.running.get(reason, 0) + 1
        self.most[reason] = max(running, self.most.get(reason, 0))
        self.reads.append((reason, threading.current_thread().name))
        self.begun.release()
        try:
            await asyncio.sleep(0)
            while reason.startswith("SLOW") and not self.may_end.is_set():
                await asyncio.sleep(0.001)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        finally:
            self.running[reason] -= 1
        if reason == "NONE":
            return None
        if reason == "TEXT":
            return "no number"
        if reason == "WHO":
            return current_client().user
        if self.fails:
            raise RuntimeError("no")
        return len(self.reads)

    def wait(self):
        assert self.begun.acquire(timeout=LONG_DEADLINE)


PVDB = {
    **{name: {} for name in ("SLOW", "QUICK", "NONE", "MANY")},
    "TEXT": {"type": "enum", "enums": ["a"]},
    "WHO": {"type": "string"},
}


@pytest.fixture
def reader(server):
    server.createPV("R:", PVDB)
    driver = Reader()
    yield driver
    driver.may_end.set()


def begin_get(circuit, channel, type=DOUBLE):
    ioid = circuit.new_id()
    circuit.send(pack(READ_NOTIFY, type=type, count=1, p1=channel.sid, p2=ioid))
    return ioid


def test_a_get_is_answered_when_it_ends(reader, circuit):
    channel = circuit.create("R:QUICK")
    assert number(circuit.get(channel, DOUBLE)) == 1
    assert reader.reads == [("QUICK", "pcaspy async")]


def test_a_slow_one_delays_its_own_pv_alone(reader, circuit):
    slow, quick = circuit.create("R:SLOW"), circuit.create("R:QUICK")
    first, second = begin_get(circuit, slow), begin_get(circuit, slow)
    reader.wait()
    for _ in range(3):
        assert circuit.get(quick, DOUBLE).p1 == ECA_NORMAL
    # A put does not wait for a read either, and has its own order.
    assert circuit.put(slow, DOUBLE, struct.pack(">d", 5)).p1 == ECA_NORMAL
    reader.may_end.set()
    circuit.expect(READ_NOTIFY, LONG_DEADLINE, p2=first, p1=ECA_NORMAL)
    circuit.expect(READ_NOTIFY, LONG_DEADLINE, p2=second, p1=ECA_NORMAL)
    assert reader.most["SLOW"] == 1  # one after the other


def test_many_at_once(reader, circuit):
    channel = circuit.create("R:MANY")
    ioids = [begin_get(circuit, channel) for _ in range(200)]
    values = [
        number(circuit.expect(READ_NOTIFY, LONG_DEADLINE, p2=ioid)) for ioid in ioids
    ]
    assert values == sorted(values)


def test_failures_are_those_of_read(reader, circuit, caplog):
    for name, told in (("NONE", "read returned None"), ("TEXT", "read failed")):
        caplog.clear()
        assert circuit.get(circuit.create("R:" + name), DOUBLE).p1 == ECA_GETFAIL
        assert f"R:{name}" in caplog.text
        assert told in caplog.text
    channel = circuit.create("R:QUICK")
    reader.fails = True
    assert circuit.get(channel, DOUBLE).p1 == ECA_GETFAIL
    data = reader.pvDB["QUICK"]
    assert (data.alarm, data.severity) == (1, 3)
    assert "RuntimeError: no" in caplog.text
    reader.fails = False
    assert circuit.get(channel, TIME_DOUBLE).payload[:4] == bytes(4)


def test_it_may_ask_who_reads(reader, circuit):
    reply = circuit.get(circuit.create("R:WHO"), dbr.STRING)
    assert reply.payload.startswith(b"tester\0")


def test_a_monitor_starts_with_what_it_returns(reader, circuit):
    channel = circuit.create("R:QUICK")
    _subid, first = circuit.subscribe(channel, DOUBLE)
    assert number(first) == 1


@pytest.mark.parametrize("log_puts", [False, True])
def test_also_where_puts_are_logged(reader, circuit, caplog, log_puts):
    """Requests go another way then."""
    level = logging.INFO if log_puts else logging.WARNING
    caplog.set_level(level, "pcaspy.SimplePV.writeValue")
    assert number(circuit.get(circuit.create("R:QUICK"), DOUBLE)) == 1


def test_a_client_that_leaves_and_a_pv_that_goes(server, reader, caplog):
    with Circuit(("127.0.0.1", server.tcp_port)) as circuit:
        begin_get(circuit, circuit.create("R:SLOW"))
        reader.wait()
        del manager.pvf["R:SLOW"]
        del manager.pvs["default"]["SLOW"]
    reader.may_end.set()
    with Circuit(("127.0.0.1", server.tcp_port)) as circuit:
        assert circuit.get(circuit.create("R:QUICK"), DOUBLE).p1 == ECA_NORMAL


def test_close_cancels_it_without_a_word(idle, caplog):
    idle.createPV("R:", PVDB)
    driver = Reader()
    with Circuit(("127.0.0.1", idle.tcp_port)) as circuit:
        begin_get(circuit, circuit.create("R:SLOW"))
        while not driver.begun.acquire(blocking=False):
            idle.process(0.01)
        idle.close()
        assert driver.cancelled.wait(LONG_DEADLINE)
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING]


def test_a_pv_class_that_reads_itself_says_that_it_cannot_wait(server, caplog):
    class Own(SimplePV):
        def getValue(self, value):
            return super().getValue(value)

    manager.pvf["R:A"] = own = Own("R:A", PVInfo({}, "A", "R:A"))
    manager.pvs = {"default": {"A": own}}
    Reader()
    with Circuit(("127.0.0.1", server.tcp_port)) as circuit:
        assert circuit.get(circuit.create("R:A"), DOUBLE).p1 == ECA_GETFAIL
    assert "cannot await an async read" in caplog.text


def test_the_field_proc_reads_and_posts(reader, circuit):
    subid, _first = circuit.subscribe(circuit.create("R:QUICK"), DOUBLE, mask=1)
    circuit.write(circuit.create("R:QUICK.PROC"), DOUBLE, struct.pack(">d", 1))
    assert number(circuit.expect(EVENT_ADD, LONG_DEADLINE, p2=subid)) == 2


# ---- PVs with `scan` ----


def test_scans(server, circuit):
    server.createPV("R:", {"A": {"scan": 0.01, "adel": -1, "mdel": -1}})
    driver = Reader()
    channel = circuit.create("R:A")
    subid, _first = circuit.subscribe(channel, DOUBLE)
    values = [
        number(circuit.expect(EVENT_ADD, LONG_DEADLINE, p2=subid)) for _ in range(4)
    ]
    assert values == sorted(values)
    assert {thread for _reason, thread in driver.reads} == {"pcaspy async"}


def test_a_scan_that_still_runs_is_not_started_again(server, circuit):
    always = {"scan": 0.005, "mdel": -1}
    server.createPV("R:", {"SLOW": always, "QUICK": always, "SLOW2": always})
    driver = Reader()
    subid, _first = circuit.subscribe(circuit.create("R:QUICK"), DOUBLE)
    for _ in range(20):
        circuit.expect(EVENT_ADD, LONG_DEADLINE, p2=subid)
    reads = [reason for reason, _thread in driver.reads]
    assert (reads.count("SLOW"), reads.count("SLOW2")) == (1, 1)
    # Gets are answered meanwhile.
    assert circuit.get(circuit.create("R:SLOW"), DOUBLE).p1 == ECA_NORMAL
    driver.may_end.set()
    while [reason for reason, _thread in driver.reads].count("SLOW") < 3:
        driver.wait()


def test_a_scan_that_fails_is_an_alarm_until_the_next_one(server, circuit, caplog):
    server.createPV("R:", {"A": {"scan": 0.01}})
    driver = Reader()
    driver.fails = True
    subid, first = circuit.subscribe(circuit.create("R:A"), TIME_DOUBLE, mask=4)
    updates = [first]
    while updates[-1].payload[:4] != struct.pack(">hh", 1, 3):
        updates.append(circuit.expect(EVENT_ADD, LONG_DEADLINE, p2=subid))
    driver.fails = False
    while updates[-1].payload[:4] != bytes(4):
        updates.append(circuit.expect(EVENT_ADD, LONG_DEADLINE, p2=subid))
    assert "PV R:A: scan failed" in caplog.text


def test_close_cancels_scans(idle, caplog):
    idle.createPV("R:", {"SLOW": {"scan": 0.01}})
    driver = Reader()
    idle.process(0)
    driver.wait()
    idle.close()
    assert driver.cancelled.wait(LONG_DEADLINE)
    idle.start()  # and it is read again
    driver.wait()
    driver.may_end.set()
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING]


def test_a_pv_that_goes_while_it_is_scanned(server, circuit):
    server.createPV("R:", {"SLOW": {"scan": 0.01}, "QUICK": {"scan": 0.01}})
    driver = Reader()
    driver.wait()
    del manager.pvf["R:SLOW"]
    server.createPV("R:", {"SLOW": {"type": "string", "scan": 0.01}})
    driver.may_end.set()
    subid, _first = circuit.subscribe(circuit.create("R:SLOW"), dbr.STRING)
    update = circuit.expect(EVENT_ADD, LONG_DEADLINE, p2=subid)
    assert int(update.payload.rstrip(b"\0")) > 0
