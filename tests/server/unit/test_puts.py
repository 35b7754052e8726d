"""Puts and gets through a driver: refusals, failures, and answers that come later."""

import asyncio
import logging
import struct
import threading

import pytest

from pcaspy import Driver
from support.wire import (
    LONG_DEADLINE,
    READ_NOTIFY,
    WRITE_NOTIFY,
    Circuit,
    Silence,
    pack,
)

STRING, DOUBLE, CHAR, TIME_DOUBLE = 0, 6, 4, 20
NORMAL, GETFAIL, PUTFAIL = 1, 152, 160


def double(value):
    return struct.pack(">d", value)


def number(message):
    return struct.unpack(">d", message.payload[:8])[0]


def alarm(circuit, channel):
    return struct.unpack(">hh", circuit.get(channel, TIME_DOUBLE).payload[:4])


class Moody(Driver):
    def write(self, reason, value):
        if reason == "FAILS":
            raise RuntimeError("no")
        if reason == "REFUSES":
            return False
        if reason == "SILENT":
            self.setParam(reason, value)
            return None
        return super().write(reason, value)

    def read(self, reason):
        if reason == "RFAILS" and not self.healthy:
            raise RuntimeError("no")
        if reason == "RNONE":
            return None
        if reason == "RTEXT":
            return "2.5" if self.healthy else "nonsense"
        return super().read(reason)

    healthy = False


@pytest.fixture
def moody(server):
    names = "FAILS REFUSES SILENT ACCEPTS RFAILS RNONE RTEXT".split()
    server.createPV("P:", {name: {} for name in names})
    return Moody()


@pytest.mark.parametrize(
    ("name", "status", "state"),
    [
        ("FAILS", PUTFAIL, (2, 3)),
        ("REFUSES", PUTFAIL, (2, 3)),
        ("SILENT", NORMAL, (0, 0)),
        ("ACCEPTS", NORMAL, (0, 0)),
    ],
)
@pytest.mark.parametrize("level", [logging.INFO, logging.WARNING])
def test_writes(moody, circuit, caplog, name, status, state, level):
    caplog.set_level(level, "pcaspy.SimplePV.writeValue")
    channel = circuit.create(f"P:{name}")
    assert circuit.put(channel, DOUBLE, double(1)).p1 == status
    assert alarm(circuit, channel) == state
    problems = [r for r in caplog.records if r.levelno > logging.INFO]
    assert len(problems) == (status == PUTFAIL)
    assert all(f"P:{name}" in r.getMessage() for r in problems)
    assert bool(problems and problems[0].exc_info) == (name == "FAILS")
    told = [r.getMessage() for r in caplog.records if r.levelno == logging.INFO]
    # What was refused is never logged as done.
    done = status == NORMAL and level == logging.INFO
    assert told == [f"P:{name}: testhost tester old=0 new=1.0"] * done


def test_what_nobody_expects_fails_one_request(moody, circuit, caplog):
    def broken(record):
        raise RuntimeError("a filter of the program's log")

    caplog.set_level(logging.INFO, "pcaspy.SimplePV.writeValue")
    log = logging.getLogger("pcaspy.SimplePV.writeValue")
    channel = circuit.create("P:ACCEPTS")
    log.addFilter(broken)
    try:
        assert circuit.put(channel, DOUBLE, double(1)).p1 == PUTFAIL
    finally:
        log.removeFilter(broken)
    assert "a filter of the program's log" in caplog.text
    caplog.clear()  # of the traceback, which keeps the request
    assert circuit.put(channel, DOUBLE, double(1)).p1 == NORMAL


def test_a_later_good_write_clears_the_alarm(moody, circuit):
    channel = circuit.create("P:REFUSES")
    circuit.put(channel, DOUBLE, double(1))
    moody.setParam("REFUSES", 2)
    assert alarm(circuit, channel) == (0, 0)


@pytest.mark.parametrize("name", ["RFAILS", "RNONE"])
def test_reads_that_fail(moody, circuit, caplog, name):
    channel = circuit.create(f"P:{name}")
    assert circuit.get(channel, DOUBLE).p1 == GETFAIL
    assert f"P:{name}" in caplog.records[0].getMessage()


def test_the_alarm_of_a_failed_read_ends_with_a_good_one(moody, circuit):
    channel = circuit.create("P:RFAILS")
    assert circuit.get(channel, DOUBLE).p1 == GETFAIL
    assert (moody.pvDB["RFAILS"].alarm, moody.pvDB["RFAILS"].severity) == (1, 3)
    moody.healthy = True
    assert alarm(circuit, channel) == (0, 0)


def test_text_that_is_read_counts_as_number(moody, circuit):
    channel = circuit.create("P:RTEXT")
    assert number(circuit.get(channel, DOUBLE)) == 0.0
    moody.healthy = True
    assert number(circuit.get(channel, DOUBLE)) == 2.5


class Recorder(Driver):
    def __init__(self):
        self.values = []
        super().__init__()

    def write(self, reason, value):
        self.values.append(value)


@pytest.mark.parametrize(
    ("spec", "type", "data", "count", "value"),
    [
        ({}, STRING, b"3.25", 1, 3.25),
        ({"type": "int"}, DOUBLE, double(1.7), 1, 1),
        ({"type": "string"}, STRING, b"text", 1, "text"),
        ({"type": "string"}, STRING, b"caf\xe9", 1, "caf\udce9"),
        ({"type": "char"}, CHAR, b"A", 1, "A"),
        ({"type": "char", "count": 9}, CHAR, b"a\0b\0\0", 5, "a\0b"),
        ({"type": "char", "count": 9}, STRING, b"text", 1, "text"),
        ({"type": "enum", "enums": ["x", "y"]}, STRING, b"y", 1, 1),
        ({"count": 3}, DOUBLE, double(5), 1, 5.0),
        ({"count": 3}, DOUBLE, double(5) * 2, 2, [5.0, 5.0]),
    ],
)
def test_values_as_write_gets_them(server, circuit, spec, type, data, count, value):
    server.createPV("P:", {"V": spec})
    driver = Recorder()
    reply = circuit.put(circuit.create("P:V"), type, data, count)
    assert (reply.p1, driver.values) == (NORMAL, [value])


class Slow(Driver):
    """Accepts puts that the test completes with callbackPV."""

    def __init__(self):
        self.values = []
        self.written = threading.Semaphore(0)
        super().__init__()

    def write(self, reason, value):
        self.values.append(value)
        self.setParam(reason, value)
        if value == 99:
            self.callbackPV(reason)
        self.written.release()
        return value != -1

    def wait(self):
        assert self.written.acquire(timeout=10)


@pytest.fixture
def slow(server):
    server.createPV("P:", {"S": {"asyn": True}})
    return Slow()


def start_put(circuit, channel, value):
    ioid = circuit.new_id()
    circuit.send(
        pack(WRITE_NOTIFY, double(value), type=DOUBLE, count=1, p1=channel.sid, p2=ioid)
    )
    return ioid


def test_put_callbacks_wait_for_callback_one_by_one(slow, circuit):
    channel = circuit.create("P:S")
    ioids = [start_put(circuit, channel, value) for value in (1, 2, 3)]
    for n, ioid in enumerate(ioids):
        slow.wait()
        assert slow.values == [1, 2, 3][: n + 1]
        # gets of the same circuit are answered meanwhile
        assert number(circuit.get(channel, DOUBLE)) == n + 1
        slow.callbackPV("S")
        circuit.expect(WRITE_NOTIFY, p2=ioid, p1=NORMAL)


def test_a_plain_put_does_not_wait(slow, circuit):
    channel = circuit.create("P:S")
    ioid = start_put(circuit, channel, 1)
    slow.wait()
    circuit.write(channel, DOUBLE, double(2))
    slow.wait()
    assert slow.values == [1, 2]
    with pytest.raises(Silence):
        circuit.receive(timeout=0.05)
    slow.callbackPV("S")
    circuit.expect(WRITE_NOTIFY, p2=ioid, p1=NORMAL)


def test_callback_within_write(slow, circuit):
    channel = circuit.create("P:S")
    assert circuit.put(channel, DOUBLE, double(99)).p1 == NORMAL
    assert circuit.put(channel, DOUBLE, double(99)).p1 == NORMAL


def test_a_refused_put_is_answered_at_once(slow, circuit):
    channel = circuit.create("P:S")
    ioids = [start_put(circuit, channel, value) for value in (-1, 99)]
    circuit.expect(WRITE_NOTIFY, p2=ioids[0], p1=PUTFAIL)
    circuit.expect(WRITE_NOTIFY, p2=ioids[1], p1=NORMAL)


def test_postponed_puts_are_bounded(slow, circuit):
    channel = circuit.create("P:S")
    ioids = [start_put(circuit, channel, value) for value in range(1, 1003)]
    circuit.expect(WRITE_NOTIFY, p2=ioids[1001], p1=PUTFAIL)
    for ioid in ioids[:1001]:
        slow.wait()
        slow.callbackPV("S")
        circuit.expect(WRITE_NOTIFY, p2=ioid, p1=NORMAL)


def test_callback_without_a_put(slow):
    slow.callbackPV("S")
    with pytest.raises(KeyError):
        slow.callbackPV("NONE")


class Coroutine(Driver):
    def __init__(self):
        self.order = []
        super().__init__()

    async def write(self, reason, value):
        self.order.append(("begin", value))
        await asyncio.sleep(0)
        if value == 3:
            raise RuntimeError("three")
        self.setParam(reason, value)
        self.order.append(("end", value))
        return value != 2


def test_async_write(server, circuit, caplog):
    server.createPV("P:", {"C": {}})
    driver = Coroutine()
    channel = circuit.create("P:C")
    ioids = {value: start_put(circuit, channel, value) for value in (1, 2, 3, 4)}
    for value, ioid in ioids.items():
        status = PUTFAIL if value in (2, 3) else NORMAL
        circuit.expect(WRITE_NOTIFY, p2=ioid, p1=status)
    assert driver.order == [
        ("begin", 1),
        ("end", 1),
        ("begin", 2),
        ("end", 2),
        ("begin", 3),
        ("begin", 4),
        ("end", 4),
    ]
    assert any(record.exc_info for record in caplog.records)


def test_close_ends_coroutines_and_their_thread(idle):
    begun, cancelled = threading.Event(), threading.Event()

    class Endless(Driver):
        async def write(self, reason, value):
            begun.set()
            try:
                await asyncio.sleep(1000)
            finally:
                cancelled.set()

    def coroutine_threads():
        return [t for t in threading.enumerate() if t.name == "pcaspy async"]

    idle.createPV("P:", {"C": {}})
    Endless()
    others = coroutine_threads()
    with Circuit(("127.0.0.1", idle.tcp_port)) as circuit:
        start_put(circuit, circuit.create("P:C"), 1)
        while not begun.is_set():
            idle.process(0.01)
        (thread,) = [t for t in coroutine_threads() if t not in others]
        idle.close()
        thread.join(LONG_DEADLINE)
        assert not thread.is_alive()
        assert cancelled.is_set()


def test_cached_gets_need_no_python(idle):
    idle.createPV("P:", {"A": {"value": 4}})
    Driver()
    with Circuit(("127.0.0.1", idle.tcp_port)) as circuit:
        channel = circuit.create("P:A")
        ioid = circuit.new_id()
        circuit.send(pack(READ_NOTIFY, type=DOUBLE, count=1, p1=channel.sid, p2=ioid))
        assert number(circuit.expect(READ_NOTIFY, p2=ioid)) == 4
