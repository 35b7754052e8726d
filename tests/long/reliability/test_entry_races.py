"""Entries that restrict puts, beside other clients, changes and forks.

Each put is made twice, plainly and with callback: both have the same outcome.
"""

from __future__ import annotations

import os
import random
import re
import threading
import time
from pathlib import Path

import pytest

from support import dbr, wire
from support.environment import server_environment
from support.ports import LOOPBACK, free_port
from support.process import Child
from support.scale import report, scaled
from support.wire import ECA_NORMAL, ECA_NOWTACCESS, ECA_PUTFAIL, Circuit

SERVER = str(Path(__file__).with_name("entry_server.py"))
ROUNDS = scaled(60, 3000)
PUTTERS = 3

pytestmark = pytest.mark.timeout(1200)


@pytest.fixture
def server():
    with Child.python(SERVER, env=server_environment(free_port())) as child:
        yield child


def put_both_ways(circuit, channel, value):
    """(status of a plain put, status of a put with callback)."""
    data = dbr.encode(dbr.DOUBLE, value)
    target = {"type": dbr.DOUBLE, "count": 1, "p1": channel.sid}
    behind = circuit.new_id()
    circuit.send(
        wire.pack(wire.WRITE, data, **target)
        + wire.pack(wire.READ_NOTIFY, **target | {"p2": behind})
    )
    plain = ECA_NORMAL
    while (message := circuit.receive(60)).command != wire.READ_NOTIFY:
        if message.command == wire.ERROR:
            plain = message.p2
    assert message.p2 == behind
    ioid = circuit.new_id()
    circuit.send(wire.pack(wire.WRITE_NOTIFY, data, **target | {"p2": ioid}))
    return plain, circuit.expect(wire.WRITE_NOTIFY, timeout=60, p2=ioid).p1


class Putter(threading.Thread):
    """Puts to what keeps its limits, and knows what each put must come to."""

    def __init__(self, address, seed):
        super().__init__(daemon=True)
        self.address = address
        self.rng = random.Random(seed)
        self.stop = threading.Event()
        self.failure = None
        self.puts = 0

    def run(self):
        try:
            with Circuit(self.address) as circuit:
                channels = [circuit.create(f"E:{name}") for name in ("LIMIT", "CLAMP")]
                while not self.stop.is_set():
                    self.put(circuit, *channels)
        except BaseException as error:
            self.failure = error

    def put(self, circuit, limit, clamp):
        value = self.rng.uniform(-20, 20)
        expected = ECA_NORMAL if abs(value) <= 10 else ECA_PUTFAIL
        assert put_both_ways(circuit, limit, value) == (expected, expected), value
        assert put_both_ways(circuit, clamp, value) == (ECA_NORMAL, ECA_NORMAL), value
        self.puts += 4


def refused(status):
    return (status, status)


def step(server, circuit, channels, n):
    """Fields change one after the other; from the answer on they hold."""
    switch, limited = channels
    server.ask(60, do="set", reason="SWITCH", fields={"readonly": True})
    assert put_both_ways(circuit, switch, n) == refused(ECA_NOWTACCESS)
    server.ask(60, do="set", reason="SWITCH", fields={"readonly": False})
    assert put_both_ways(circuit, switch, n) == refused(ECA_NORMAL)
    server.ask(60, do="set", reason="RANGE", fields={"drvh": 1000})
    assert put_both_ways(circuit, limited, 500) == refused(ECA_NORMAL)
    server.ask(60, do="set", reason="RANGE", fields={"drvh": 10})
    assert put_both_ways(circuit, limited, 500) == refused(ECA_PUTFAIL)


def named(server, circuit, n):
    """The other name comes and goes under the clients that use it."""
    other = circuit.create("E:OTHER")
    assert put_both_ways(circuit, other, n) == refused(ECA_NORMAL)
    own = circuit.create("E:NAMED")
    assert (
        dbr.decode(dbr.DOUBLE, 1, circuit.get(own, dbr.DOUBLE, 1).payload).scalar == n
    )
    server.ask(60, do="name", on=False)
    # Whoever is on the PV searches for it again, by either name.
    gone = {circuit.expect(wire.SERVER_DISCONN, timeout=60).p1 for _ in range(2)}
    assert gone == {other.cid, own.cid}
    own = circuit.create("E:NAMED")
    cid = circuit.new_id()
    circuit.send(wire.create_request("E:OTHER", cid))
    circuit.expect(wire.CREATE_CH_FAIL, timeout=60, p1=cid)
    assert put_both_ways(circuit, own, n) == refused(ECA_NORMAL)
    circuit.send(wire.pack(wire.CLEAR_CHANNEL, p1=own.sid, p2=own.cid))
    circuit.expect(wire.CLEAR_CHANNEL, timeout=60)
    server.ask(60, do="name", on=True)


def test_puts_beside_changes_and_forks(server):
    address = (LOOPBACK, server.ready["tcp_port"])
    seed = random.randrange(1 << 32)
    putters = [Putter(address, f"{seed} {n}") for n in range(PUTTERS)]
    for putter in putters:
        putter.start()
    if hasattr(os, "fork"):
        server.ask(do="fork")
    with Circuit(address) as circuit:
        channels = [circuit.create(f"E:{name}") for name in ("SWITCH", "RANGE")]
        for n in range(ROUNDS):
            step(server, circuit, channels, n)
            named(server, circuit, n)
    for putter in putters:
        putter.stop.set()
        putter.join(120)
        assert not putter.is_alive()
        assert putter.failure is None, (seed, putter.failure)
    children, forks = server.ask(120, do="join")
    assert children == [0] or not hasattr(os, "fork")
    written = server.ask(do="tell")
    for name in ("LIMIT", "CLAMP"):
        low, high = written[name]
        assert -10 <= low < high <= 10
    said = [line for line in server.stderr().splitlines() if line]
    known = re.compile(
        r"PV E:\w+: (refused a put|the value is outside)|puts of |.* more"
    )
    assert all(known.match(line) for line in said), said
    puts = sum(putter.puts for putter in putters)
    report(f"{puts} puts beside {ROUNDS} changes of fields and {forks} forks: as said")


# ---- a flood of puts that the engine refuses -----------------------------------------

FLOOD = scaled(20_000, 1_000_000)
BATCH = 500
LINE = re.compile(r"PV E:FIXED: refused a put of .*: the PV is readonly")
COUNT = re.compile(rf"puts of {re.escape(LOOPBACK)}: \.\.\. and (\d+) more like it")


class Flooder(threading.Thread):
    """Puts without callback to a PV that nobody may write; reads the answers."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.address = address
        self.failure = None

    def run(self):
        try:
            with Circuit(self.address) as circuit:
                channel = circuit.create("E:FIXED")
                one = wire.pack(
                    wire.WRITE,
                    dbr.encode(dbr.DOUBLE, 1.5),
                    type=dbr.DOUBLE,
                    count=1,
                    p1=channel.sid,
                )
                for _ in range(FLOOD // BATCH):
                    circuit.send(one * BATCH)
                    for _ in range(BATCH):
                        message = circuit.expect(wire.ERROR, timeout=60)
                        assert message.p2 == ECA_NOWTACCESS
        except BaseException as error:
            self.failure = error


def test_a_flood_of_refused_puts(server):
    """Others are served meanwhile; each put is a line of the log, or counted in one."""
    address = (LOOPBACK, server.ready["tcp_port"])
    flooder = Flooder(address)
    took = []
    with Circuit(address) as circuit:
        channel = circuit.create("E:SWITCH")
        flooder.start()
        while flooder.is_alive():
            begin = time.perf_counter()
            assert circuit.get(channel, dbr.DOUBLE, 1).p1 == ECA_NORMAL
            took.append(time.perf_counter() - begin)
    assert flooder.failure is None, flooder.failure
    server.ask(60, do="close")  # the last number is told
    lines = server.stderr().splitlines()
    told = sum(bool(LINE.match(line)) for line in lines)
    counted = sum(int(found[1]) for line in lines if (found := COUNT.match(line)))
    assert told + counted == FLOOD
    assert told < FLOOD / 10
    took.sort()
    report(
        f"{len(took)} gets beside {FLOOD} refused puts: median"
        f" {1e6 * took[len(took) // 2]:.0f} us, longest {1e3 * took[-1]:.1f} ms"
    )
