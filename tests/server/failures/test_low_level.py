"""Misuse of the low-level layer. Each program runs in a process of its own.

None may crash or hang; what is not possible is an exception of Python's.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from support.environment import server_environment
from support.ports import free_port

BEGIN = """
import gc, struct, threading, time
from pcaspy import Driver, PVInfo, SimplePV, SimpleServer, cas
from pcaspy.driver import manager
from support.wire import (
    CREATE_CH_FAIL, Circuit, DBE_VALUE, READ_NOTIFY, WRITE, WRITE_NOTIFY,
    create_request, event_request, pack,
)
gc.set_threshold(1)
OPTIONS = dict(
    interfaces=["127.0.0.1"], auto_beacon_addresses=False, udp_port=0, tcp_port=0
)
class Number(cas.casPV):
    kept = 1.0
    def bestExternalType(self):
        return cas.aitEnumFloat64
    def getValue(self, gdd):
        gdd.put(self.kept)
        return 0
    def write(self, context, gdd):
        self.kept = gdd.get()
        self.postEvent(cas.DBE_VALUE, gdd)
        return 0
    def writeNotify(self, context, gdd):
        return self.write(context, gdd)
class Server(cas.caServer):
    def __init__(self, pvs):
        super().__init__(**OPTIONS)
        self.pvs = pvs
    def pvExistTest(self, context, addr, name):
        return cas.pverExistsHere
    def pvAttach(self, context, name):
        return self.pvs[name]
def connect(server):
    server.start()
    return Circuit(("127.0.0.1", server.tcp_port))
def ask(circuit, name):
    cid = circuit.new_id()
    circuit.send(create_request(name, cid))
    while True:
        cas.process(0.01)
        for message in circuit.drain():
            if message.command == CREATE_CH_FAIL:
                return None
            if message.command == 18:
                return message.p2
def get(circuit, sid):
    circuit.send(pack(READ_NOTIFY, type=6, count=1, p1=sid, p2=77))
    while True:
        cas.process(0.01)
        for message in circuit.drain():
            if message.command == READ_NOTIFY:
                return message.p1
def fails(kinds, call, *args):
    try:
        call(*args)
    except kinds as error:
        return str(error)
    raise AssertionError("no exception")
"""
TESTS = str(Path(__file__).parents[2])
OPTIONS = ("-X", "dev", "-X", "faulthandler", "-W", "ignore")
PROGRAMS = {
    "one casPV in two servers": """
        pv = Number()
        one, two = Server({"A": pv}), Server({"A": pv})
        first, second = connect(one), connect(two)
        sid = ask(first, "A")
        assert sid and ask(second, "A") is None
        assert get(first, sid) == 1
        first.send(event_request(sid, 1, 6))
        for n in range(100):
            for circuit in (first, second):
                circuit.send(create_request("A", 1000 + n))
            pv.postEvent(cas.DBE_VALUE, cas.gdd())
            cas.process(0)
        first.close()
        deadline = time.monotonic() + 60
        while ask(second, "A") is None:      # the first one's channels have ended
            assert time.monotonic() < deadline
    """,
    "one SimplePV in two servers": """
        one = SimpleServer(**OPTIONS)
        one.createPV("P:", {"A": {}})
        pv = manager.pvf["P:A"]
        one.start()
        two = SimpleServer(**OPTIONS)
        assert "another server" in fails(ValueError, manager.pvf.update, {"P:A": pv})
        one.close()
        del one
        gc.collect()
        manager.pvf["P:A"] = pv
    """,
    "an asynchronous write that is begun in a get": """
        seen = []
        class Wrong(Number):
            def read(self, context, gdd):
                seen.append(context)
                seen.append(fails(TypeError, self.startAsyncWrite, context))
                self.endAsyncWrite(0)
                return super().read(context, gdd)
        pv = Wrong()
        server = Server({"A": pv})
        circuit = connect(server)
        assert get(circuit, ask(circuit, "A")) == 1
        assert "write()" in seen[1]
        fails((TypeError, ValueError), pv.startAsyncWrite, seen[0])
        assert not pv.hasAsyncWrite()
    """,
    "an asynchronous write that is begun too late": """
        contexts = []
        class Keeps(Number):
            def write(self, context, gdd):
                contexts.append(context)
                return 0
        pv = Keeps()
        server = Server({"A": pv})
        circuit = connect(server)
        sid = ask(circuit, "A")
        data = struct.pack(">d", 2)
        for n in range(10):
            circuit.send(pack(WRITE_NOTIFY, data, type=6, count=1, p1=sid, p2=n))
        deadline = time.monotonic() + 60
        while len(contexts) < 10:
            cas.process(0.01)
            assert time.monotonic() < deadline
        for context in contexts:
            fails(ValueError, pv.startAsyncWrite, context)
            fails(ValueError, pv.startAsyncWrite, context.ctx)
    """,
    "a casPV that is served by name": """
        server = SimpleServer(**OPTIONS)
        manager.pvf["Z"] = cas.casPV()
        manager.pvf["N"] = Number()
        class Bad(cas.casPV):
            def bestExternalType(self):
                return 99
        assert "99" in fails(ValueError, manager.pvf.update, {"B": Bad()})
        manager.pvs["default"] = {}
        for wrong in (cas.casPV(), Number(), None, 5):
            fails(TypeError, manager.pvs["default"].update, {"X": wrong})
        circuit = connect(server)
        assert get(circuit, ask(circuit, "N")) == 1
        assert get(circuit, ask(circuit, "Z")) != 1
        del manager.pvf["N"], manager.pvf["Z"]
        gc.collect()
        cas.process(0.01)
    """,
    "a SimplePV whose constructor was not called": """
        class Bare(SimplePV):
            def __init__(self):
                pass
        server = SimpleServer(**OPTIONS)
        bare = Bare()
        fails((TypeError, AttributeError, ValueError), manager.pvf.update, {"B": bare})
        manager.pvs["default"] = {}
        fails(TypeError, manager.pvs["default"].update, {"B": bare})
        for call in (bare.scan, bare.getName, bare.maxDimension, bare.interestDelete):
            try:
                call()
            except Exception as error:
                assert isinstance(error, (TypeError, AttributeError, ValueError))
        bare.interest, bare.name, bare.info
        bare.postEvent(1, cas.gdd())
    """,
    "a PV that becomes another": """
        class Changes(Number):
            kind = cas.aitEnumFloat64
            def bestExternalType(self):
                return self.kind
        pv = Changes()
        server = Server({"A": pv})
        circuit = connect(server)
        sid = ask(circuit, "A")
        circuit.send(event_request(sid, 1, 6))
        value = cas.gdd()
        value.put("some text")
        pv.kind = cas.aitEnumString
        fails(ValueError, pv.postEvent, cas.DBE_VALUE | cas.DBE_PROPERTY, value)
        circuit.send(pack(READ_NOTIFY, type=34, count=1, p1=sid, p2=7))
        for n in range(5):
            cas.process(0.01)
        assert ask(circuit, "A")
        info = PVInfo({})
        simple = SimplePV("S", info)
        fails(ValueError, setattr, simple, "info", PVInfo({"type": "string"}))
        fails(TypeError, setattr, simple, "info", None)
        fails(TypeError, setattr, simple, "name", None)
    """,
    "PVs that go while they are served": """
        class Goes(Number):
            def getValue(self, gdd):
                server.pvs.clear()
                gc.collect()
                return super().getValue(gdd)
            def interestDelete(self):
                raise RuntimeError
            def __del__(self):
                cas.process(0)
        server = Server({})
        circuit = connect(server)
        for n in range(50):
            server.pvs["A"] = Goes()
            sid = ask(circuit, "A")
            circuit.send(event_request(sid, n, 6))
            get(circuit, sid)
            circuit.send(pack(12, p1=sid, p2=circuit.new_id()))
        cas.process(0.05)
    """,
    "servers that are nothing yet, and not any more": """
        class Empty(cas.caServer):
            def __init__(self):
                pass
        empty = Empty()
        for call in (empty.start, empty.close, empty.getDebugLevel, empty.show):
            fails(AttributeError, call)
        del empty
        cas.process(0.01)
        server = Server({"A": Number()})
        circuit = connect(server)
        ask(circuit, "A")
        del server
        gc.collect()
        cas.process(0.01)
    """,
    "servers with a __del__ of their own": """
        for base in (SimpleServer, cas.caServer):
            class Own(base):
                def __del__(self):
                    pass
            server = Own(**OPTIONS)
            server.start()
            port = server.tcp_port
            Circuit(("127.0.0.1", port)).close()
            del server
            gc.collect()
            fails(ConnectionError, Circuit, ("127.0.0.1", port))
    """,
    "None, and objects of other classes": """
        pv, value = Number(), cas.gdd()
        calls = [
            (pv.postEvent, 1, None), (pv.postEvent, None, value), (pv.getValue, None),
            (pv.startAsyncWrite, None), (pv.startAsyncWrite, object()),
            (value.putDD, None), (value.setTimeStamp, 5), (value.setPrimType, None),
            (value.setBound, None, None, None), (value.setDimension, None),
            (value.getTimeStamp, 5), (value.setStatSevr, None, None),
            (cas.asInitFile, None), (cas.process, None), (cas.epicsTimeStamp, None, 1),
        ]
        for call, *args in calls:
            fails((TypeError, ValueError, AttributeError), call, *args)
        pv.setAccessSecurityGroup(None)
        pv.endAsyncWrite(None)
        server = Server({"A": None, "B": object(), "C": SimplePV, "D": 3, "E": pv})
        circuit = connect(server)
        for name in "ABCD":
            assert ask(circuit, name) is None
        assert get(circuit, ask(circuit, "E")) == 1
    """,
}


@pytest.mark.timeout(330)
@pytest.mark.parametrize("name", PROGRAMS)
def test_does_not_crash(name):
    lines = [line[8:] for line in PROGRAMS[name].splitlines()]
    done = subprocess.run(
        [sys.executable, *OPTIONS, "-c", BEGIN + "\n".join(lines)],
        env={**server_environment(free_port()), "PYTHONPATH": TESTS},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
