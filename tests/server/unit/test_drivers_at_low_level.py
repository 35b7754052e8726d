"""A `caServer` may give the PVs of drivers, which are then served as anywhere else."""

import asyncio
import struct
import threading

import pytest

from pcaspy import Driver, PVInfo, SimplePV, SimpleServer, cas
from pcaspy.driver import manager
from support.wire import READ_NOTIFY, WRITE_NOTIFY, Circuit, pack

DOUBLE, TIME_DOUBLE = 6, 20
NORMAL, PUTFAIL = 1, 160
LOOPBACK = {
    "interfaces": ["127.0.0.1"],
    "auto_beacon_addresses": False,
    "udp_port": 0,
    "tcp_port": 0,
}


class Giving(cas.caServer):
    """Gives what stands in the manager's tables."""

    def pvExistTest(self, context, addr, fullname):
        return cas.pverExistsHere

    def pvAttach(self, context, fullname):
        return manager.pvf[fullname]


class Deciding(Driver):
    async def write(self, reason, value):
        await asyncio.sleep(0)
        if value < 0:
            return False
        self.setParam(reason, value)
        return True


@pytest.fixture
def circuit():
    manager.pvs, manager.pvf = {}, {}
    info = PVInfo({})
    info.reason, info.name = "A", "P:A"
    pv = SimplePV("P:A", info)
    manager.pvs["default"] = {"A": pv}
    server = Giving(**LOOPBACK)
    manager.pvf["P:A"] = pv
    kept = Deciding()
    ended = threading.Event()

    def serve():
        while not ended.is_set():
            cas.process(0.01)

    with server:
        thread = threading.Thread(target=serve)
        thread.start()
        with Circuit(("127.0.0.1", server.tcp_port)) as circuit:
            yield circuit
        ended.set()
        thread.join()
    manager.pvs, manager.pvf, manager.driver = {}, {}, {}
    del kept


def put(circuit, sid, value):
    data = struct.pack(">d", value)
    request = pack(WRITE_NOTIFY, data, type=DOUBLE, count=1, p1=sid, p2=7)
    circuit.send(request)
    return circuit.expect(WRITE_NOTIFY).p1


def read(circuit, sid):
    circuit.send(pack(READ_NOTIFY, type=TIME_DOUBLE, count=1, p1=sid, p2=8))
    payload = circuit.expect(READ_NOTIFY).payload
    return struct.unpack(">hh", payload[:4]), struct.unpack(">d", payload[16:24])[0]


def test_a_coroutine_answers_the_put(circuit):
    sid = circuit.create("P:A").sid
    assert put(circuit, sid, 2.5) == NORMAL
    assert read(circuit, sid) == ((0, 0), 2.5)
    assert put(circuit, sid, -1) == PUTFAIL
    assert read(circuit, sid) == ((2, 3), 2.5)


def test_both_kinds_of_servers_have_a_debug_level():
    for kind in (SimpleServer, cas.caServer):
        server = kind(**LOOPBACK)
        assert server.getDebugLevel() == 0
        server.setDebugLevel(2)
        assert server.getDebugLevel() == 2
        server.close()
