"""Acknowledgement of alarms: large values, low-level PVs, order, and other clients."""

import struct

import pytest

from pcaspy import Driver, cas
from support import dbr
from support.peer_client import Peer
from support.wire import (
    DBE_ALARM,
    ECA_BADCOUNT,
    ECA_NORMAL,
    ECA_PUTFAIL,
    EVENT_ADD,
    LONG_DEADLINE,
    WRITE,
    WRITE_NOTIFY,
    pack,
)

MANY = 3000


def short(value):
    return struct.pack(">h", value)


def told(circuit, channel, count=1):
    """(status, severity, ACKT, ACKS), and the elements behind them."""
    payload = circuit.get(channel, dbr.STSACK_STRING, count).payload
    return struct.unpack(">4H", payload[:8]), payload[8:]


@pytest.fixture
def driver(server):
    server.createPV(
        "A:",
        {
            "ONE": {"high": 5},
            "MANY": {"count": MANY, "high": 5},
            "TEXTS": {"type": "string", "count": MANY},
            "BUSY": {"asyn": True},
        },
    )
    return Driver()


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [("MANY", [7.0] * MANY, b"7.0000"), ("TEXTS", ["seven"] * MANY, b"seven")],
)
@pytest.mark.parametrize("count", [1, 20, MANY])
def test_of_many_elements(driver, circuit, name, value, text, count):
    """Small, shared and streamed forms of an answer and of an update."""
    channel = circuit.create("A:" + name)
    driver.setParam(name, value)
    driver.setParamStatus(name, 4, 1)
    driver.updatePVs()
    for acks, ackt in ((1, 1), (1, 0), (0, 0)):
        head, elements = told(circuit, channel, count)
        assert head == (4, 1, ackt, acks)
        assert elements[: 40 * count] == text.ljust(40, b"\0") * count
        if ackt:
            assert circuit.put(channel, dbr.PUT_ACKT, short(0)).p1 == ECA_NORMAL
        else:
            assert circuit.put(channel, dbr.PUT_ACKS, short(1)).p1 == ECA_NORMAL
    subid, first = circuit.subscribe(channel, dbr.STSACK_STRING, count, DBE_ALARM)
    assert struct.unpack(">4H", first.payload[:8]) == (4, 1, 0, 0)
    driver.setParamStatus(name, 9, 3)
    driver.updatePVs()
    update = circuit.expect(EVENT_ADD, LONG_DEADLINE, p2=subid)
    assert struct.unpack(">4H", update.payload[:8]) == (9, 3, 0, 3)


def test_who_subscribes_to_alarms_is_told_in_any_type(driver, circuit):
    channel = circuit.create("A:ONE")
    values, _first = circuit.subscribe(channel, dbr.DOUBLE, mask=1)
    alarms, _first = circuit.subscribe(channel, dbr.TIME + dbr.DOUBLE, mask=DBE_ALARM)
    for type, value in ((dbr.PUT_ACKS, 0), (dbr.PUT_ACKT, 0), (dbr.PUT_ACKT, 1)):
        circuit.write(channel, type, short(value))
        circuit.expect(EVENT_ADD, LONG_DEADLINE, p2=alarms)
    circuit.write(channel, dbr.PUT_ACKT, short(1))  # it is so already
    driver.setParam("ONE", 1)
    driver.updatePVs()
    told = {circuit.expect(EVENT_ADD, LONG_DEADLINE).p2 for _ in range(2)}
    assert told == {values, alarms}


def test_puts_in_a_row_keep_their_order(driver, circuit):
    """The value that is put first raises what is acknowledged next."""
    channel = circuit.create("A:ONE")
    circuit.send(
        b"".join(
            pack(WRITE, data, type=type, count=1, p1=channel.sid)
            for type, data in [
                (dbr.DOUBLE, struct.pack(">d", 9)),
                (dbr.PUT_ACKS, short(1)),
            ]
        )
    )
    assert told(circuit, channel)[0] == (4, 1, 1, 0)
    circuit.write(channel, dbr.PUT_ACKS, short(3))
    circuit.write(channel, dbr.DOUBLE, struct.pack(">d", 1))
    circuit.write(channel, dbr.DOUBLE, struct.pack(">d", 9))
    assert told(circuit, channel)[0] == (4, 1, 1, 1)


def test_it_does_not_wait_for_a_busy_driver(driver, circuit):
    """Put callbacks of an asyn PV take turns; this one is not for the driver."""
    channel = circuit.create("A:BUSY")
    ioid = circuit.new_id()
    data = struct.pack(">d", 1)
    circuit.send(
        pack(WRITE_NOTIFY, data, type=dbr.DOUBLE, count=1, p1=channel.sid, p2=ioid)
    )
    assert circuit.put(channel, dbr.PUT_ACKS, short(3)).p1 == ECA_NORMAL
    driver.callbackPV("BUSY")
    circuit.expect(WRITE_NOTIFY, p2=ioid, p1=ECA_NORMAL)


@pytest.mark.parametrize("count", [0, 2, 1 << 20])
def test_bad_counts(driver, circuit, count):
    channel = circuit.create("A:ONE")
    assert circuit.put(channel, dbr.PUT_ACKS, short(1), count).p1 == ECA_BADCOUNT


def test_low_level_pvs_have_it_too(server, circuit, monkeypatch):
    class Plain(cas.casPV):
        def getValue(self, value):
            value.put(1.0)
            return cas.S_casApp_success

        read = lambda self, context, value: self.getValue(value)  # noqa: E731

        def write(self, context, value):
            raise AssertionError("it is not for the PV")

    pv = Plain()
    server._pcaspy.pvf["LOW"] = pv
    channel = circuit.create("LOW")
    before = told_or_none(circuit, channel)
    assert circuit.put(channel, dbr.PUT_ACKT, short(0)).p1 == ECA_NORMAL
    assert before[2:] == (1, 0)
    assert told_or_none(circuit, channel)[2:] == (0, 0)


def told_or_none(circuit, channel):
    return told(circuit, channel)[0]


class Here:
    """This process' server, as a target of peers."""

    def __init__(self, server):
        self.server = server

    def pv(self, name):
        return "A:" + name

    def client_environment(self):
        import os

        return {**os.environ, **self.server.environment()}


@pytest.mark.parametrize("peer", ["caproto", "aioca"])
def test_clients_of_other_make(driver, server, circuit, peer):
    channel = circuit.create("A:ONE")
    driver.setParam("ONE", 9)
    driver.updatePVs()
    assert told(circuit, channel)[0] == (4, 1, 1, 1)
    with Peer(peer, Here(server)) as client:
        client.connect("ONE")
        client.put("ONE", 1, dbr=dbr.PUT_ACKS)
        assert told(circuit, channel)[0] == (4, 1, 1, 0)
        found = client.get("ONE", dbr.STSACK_STRING)
        assert (found["status"], found["severity"]) == (4, 1)
        client.put("ONE", 0, dbr=dbr.PUT_ACKT)
        assert told(circuit, channel)[0] == (4, 1, 0, 0)


def test_a_request_that_is_refused_changes_nothing(driver, circuit):
    channel = circuit.create("A:ONE")
    driver.setParam("ONE", 9)
    assert circuit.put(channel, dbr.STSACK_STRING, b"x").p1 != ECA_NORMAL
    assert circuit.put(channel, dbr.STRING, b"no number").p1 == ECA_PUTFAIL
    assert told(circuit, channel)[0] == (4, 1, 1, 1)
