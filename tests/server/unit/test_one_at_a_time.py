"""What fails, or is out of range, hurts itself only."""

import asyncio
import copy
import gc
import logging
import struct
import time
import weakref

import pytest

from pcaspy import Driver, PVInfo, SimplePV
from pcaspy.driver import manager
from support.wire import EVENT_ADD, LONG_DEADLINE, READ_NOTIFY, WRITE_NOTIFY, pack

LONG, DOUBLE = 5, 6
NORMAL, PUTFAIL = 1, 160


def serve(kind, reason):
    """A PV of that class, made by hand."""
    info = PVInfo({})
    info.reason, info.name = reason, "P:" + reason
    manager.pvs["default"][reason] = manager.pvf[info.name] = kind(info.name, info)


def doubles(circuit, count):
    """The values of the next updates, by SUBID."""
    values = {}
    while len(values) < count:
        update = circuit.expect(EVENT_ADD, timeout=LONG_DEADLINE)
        values[update.p2] = struct.unpack(">d", update.payload[:8])[0]
    return values


def test_an_update_that_raises_keeps_no_other_back(server, circuit):
    class Raises(SimplePV):
        def updateValue(self, value):
            raise LookupError(self.info.reason)

    server.createPV("P:", {"A": {}, "Z": {}})
    serve(Raises, "M")
    serve(Raises, "N")
    driver = Driver()
    subids = [
        circuit.subscribe(circuit.create("P:" + reason), DOUBLE)[0] for reason in "AZ"
    ]
    for reason in "AMNZ":
        driver.setParam(reason, 4)
    with pytest.raises(LookupError, match="M"):
        driver.updatePVs()
    assert doubles(circuit, 2) == dict.fromkeys(subids, 4)
    driver.updatePVs()  # nothing waits any more


class Exits(Driver):
    async def write(self, reason, value):
        await asyncio.sleep(0)
        if value == 1:
            raise SystemExit
        self.setParam(reason, value)


def put(circuit, channel, value):
    """The status of a put callback."""
    data = struct.pack(">d", value)
    ioid = circuit.new_id()
    circuit.send(
        pack(WRITE_NOTIFY, data, type=DOUBLE, count=1, p1=channel.sid, p2=ioid)
    )
    return circuit.expect(WRITE_NOTIFY, timeout=LONG_DEADLINE, p2=ioid).p1


def test_a_coroutine_that_exits_ends_alone(server, circuit, caplog):
    server.createPV("P:", {"A": {}, "B": {}})
    driver = Exits()
    a, b = circuit.create("P:A"), circuit.create("P:B")
    with caplog.at_level(logging.CRITICAL, logger="pcaspy"):
        assert put(circuit, a, 1) == PUTFAIL
    assert put(circuit, a, 2) == NORMAL
    assert put(circuit, b, 3) == NORMAL
    assert (driver.getParam("A"), driver.getParam("B")) == (2, 3)


def test_coroutines_keep_no_pv(server, circuit):
    class Own(SimplePV):
        pass

    server.createPV("P:", {"B": {}})
    serve(Own, "A")
    driver = Exits()
    assert put(circuit, circuit.create("P:A"), 2) == NORMAL
    pv = weakref.ref(manager.pvf["P:A"])
    del manager.pvf["P:A"], manager.pvs["default"]["A"], driver.pvDB["A"]
    circuit.close()
    deadline = time.monotonic() + LONG_DEADLINE
    while pv() is not None and time.monotonic() < deadline:
        gc.collect()
    assert pv() is None


@pytest.mark.parametrize(
    ("value", "served"),
    [(10**400, 2**31 - 1), (-(10**400), -(2**31)), (3e9, 2**31 - 1)],
)
def test_an_integer_stops_at_the_ends_of_its_type(server, circuit, value, served):
    server.createPV("P:", {"A": {"type": "int"}})
    driver = Driver()
    channel = circuit.create("P:A")
    for number in (value, value):
        driver.setParam("A", number)
        driver.updatePVs()
        reply = circuit.get(channel, LONG)
        assert reply.command == READ_NOTIFY
        assert struct.unpack(">i", reply.payload[:4])[0] == served


def test_a_double_refuses_what_it_cannot_hold(server, circuit):
    server.createPV("P:", {"A": {"value": 3}, "W": {"count": 2, "value": [1, 2]}})
    driver = Driver()
    for reason, value in (("A", 10**400), ("W", [1, 10**400])):
        with pytest.raises(ValueError, match=f"P:{reason}"):
            driver.setParam(reason, value)
    assert driver.getParam("A") == 3
    assert list(driver.getParam("W")) == [1, 2]


def test_a_server_is_not_copied(server, circuit):
    server.createPV("P:", {"A": {}})
    Driver()
    channel = circuit.create("P:A")
    for copied in (copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="copied"):
            copied(server)
    gc.collect()
    assert circuit.get(channel, DOUBLE).command == READ_NOTIFY
