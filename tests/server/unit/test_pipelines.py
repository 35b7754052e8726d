"""More requests behind a put than a circuit may have open: all are answered."""

from __future__ import annotations

import time

import pytest

from pcaspy import Driver
from pcaspy.testing import IsolatedServer
from support import dbr, wire
from support.wire import ECA_NORMAL, READ_NOTIFY, WRITE_NOTIFY, Circuit, pack

READS = 20


def put(channel, ioid, value, count):
    data = dbr.encode(dbr.LONG, value) * count
    return pack(WRITE_NOTIFY, data, type=dbr.LONG, count=count, p1=channel.sid, p2=ioid)


def get(channel, ioid):
    return pack(READ_NOTIFY, type=dbr.LONG, count=1, p1=channel.sid, p2=ioid)


@pytest.mark.parametrize("limits", [{"max_open_requests": 5}, {"max_open_bytes": 4000}])
def test_a_long_pipeline_behind_a_put(limits):
    with IsolatedServer(threaded=False, **limits) as server:
        server.createPV("", {"A": {"type": "int", "count": 100}})
        driver = Driver()
        with Circuit(("127.0.0.1", server.tcp_port)) as circuit:
            channel = circuit.create("A")
            requests = b"".join(
                put(channel, 100 + i, i, 100) + get(channel, i) for i in range(READS)
            )
            gets = b"".join(get(channel, 200 + i) for i in range(READS))
            circuit.send(requests + gets)
            answers = []
            deadline = time.monotonic() + 10
            while len(answers) < 3 * READS and time.monotonic() < deadline:
                server.process(0.01)
                answers += received(circuit)
        assert len(answers) == 3 * READS
        assert all(answer.p1 == ECA_NORMAL for answer in answers)
        values = [int.from_bytes(a.payload[:4], "big") for a in answers if a.payload]
        assert values == [*range(READS), *([READS - 1] * READS)]
        assert driver.getParam("A")[0] == READS - 1


def received(circuit):
    """All that has come by now."""
    found = []
    try:
        while True:
            found.append(circuit.receive(0.01))
    except wire.Silence:
        return found
