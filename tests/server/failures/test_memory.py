"""Programs that take away what is at work. Each runs in a process of its own.

None may crash or hang; an exception that reaches the program is of Python's. The long
form of the sanitizers runs them, too.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from support.environment import server_environment
from support.ports import free_port

BEGIN = """
import gc, struct, threading, time
import numpy as np
import pcaspy
from pcaspy import Driver, PVInfo, SimplePV, SimpleServer, cas
from pcaspy.native._links import data_of
from pcaspy.driver import Data, manager
from support.wire import Circuit, DBE_VALUE, WRITE, WRITE_NOTIFY, pack
gc.set_threshold(1)
server = SimpleServer(port=0, interfaces=["127.0.0.1"], auto_beacon_addresses=False)
server.createPV("P:", {"A": {}, "B": {"type": "int", "asyn": True}, "W": {"count": 5}})
def number(value):
    return struct.pack(">d", value)
def connect():
    server.start()
    return Circuit(("127.0.0.1", server.tcp_port))
def created(circuit, name):
    from support.wire import create_request
    cid = circuit.new_id()
    circuit.send(create_request(name, cid))
    return circuit.created(cid)
def turns(n=5):
    for _ in range(n):
        server.process(0.01)
"""
TESTS = str(Path(__file__).parents[2])
OPTIONS = ("-X", "dev", "-X", "faulthandler", "-W", "ignore")
PROGRAMS = {
    "an alias whose parameter is gone": """
        server.createPV("Q:", {"A": {}})
        driver = Driver()
        circuit = connect()
        alias = created(circuit, "Q:A"), created(circuit, "P:A")
        del driver.pvDB["A"]
        gc.collect()
        for channel in alias:
            circuit.send(pack(WRITE, number(3), type=6, count=1, p1=channel.sid))
        turns()
        data_of(manager.pvf["Q:A"]), data_of(manager.pvf["P:A"])
        driver.pvDB["A"] = Data()
        driver.setParam("A", 4)
        driver.updatePVs()
    """,
    "a value whose conversion asks for the alarm of the PV that it moves to": """
        class Number(float):
            def __str__(self):
                for setting in (lambda: data.set_status(3, 2), lambda: data.post(True)):
                    try:
                        setting()
                    except ValueError:
                        pass
                return "a text"
        server.createPV("P:", {"S": {"type": "string"}})
        driver = Driver()
        data = driver.pvDB["A"]
        driver.setParam("A", Number(1.5))
        driver.pvDB["S"] = data
        circuit = connect()
        channel = circuit.create("P:S")
        reply = circuit.get(channel, 0)
        assert (reply.p1, reply.type) == (1, 0), reply
        driver.updatePVs()
        turns()
    """,
    "a PV that is removed while its puts are queued": """
        class Slow(Driver):
            def write(self, reason, value):
                if reason == "A":
                    for table in (manager.pvf, manager.pvs["default"], driver.pvDB):
                        table.clear()
                    gc.collect()
                return True
        driver = Slow()
        circuit = connect()
        a, b = created(circuit, "P:A"), created(circuit, "P:B")
        for n in range(50):
            channel = a if n == 0 else b
            circuit.send(pack(WRITE_NOTIFY, number(n), type=6, count=1, p1=channel.sid))
        circuit.drain()
        turns()
    """,
    "a PV that goes while another thread processes": """
        class Closing(SimplePV):
            def __del__(self):
                time.sleep(0.001)
        driver = Driver()
        server.start()
        stop = threading.Event()
        def process():
            while not stop.is_set():
                server.process(0.01)
        thread = threading.Thread(target=process, daemon=True)
        thread.start()
        for n in range(100):
            info = PVInfo({})
            info.reason, info.name = f"N{n}", f"P:N{n}"
            pv = Closing(info.name, info)
            manager.pvs["default"][info.reason] = manager.pvf[info.name] = pv
            del pv
            circuit = connect()      # the end of the last one's channel is not awaited
            channel = created(circuit, info.name)
            for _ in range(5):
                circuit.send(pack(WRITE, number(n), type=6, count=1, p1=channel.sid))
            del driver.pvDB[info.reason]
            del manager.pvs["default"][info.reason], manager.pvf[info.name]
        stop.set()
        thread.join()
    """,
    "an updateValue that removes its own parameter": """
        class Removes(SimplePV):
            def updateValue(self, value):
                driver.pvDB.pop(self.info.reason, None)
                gc.collect()
        for reason in ("X", "Y"):
            info = PVInfo({})
            info.reason, info.name = reason, "P:" + reason
            manager.pvs["default"][reason] = pv = Removes(info.name, info)
            manager.pvf[info.name] = pv
        driver = Driver()
        circuit = connect()
        x = created(circuit, "P:X")
        circuit.send(pack(WRITE, number(3), type=6, count=1, p1=x.sid))
        circuit.drain()
        turns()
        driver.setParam("Y", 3)
        driver.updatePVs()
    """,
    "checks that take away what they check": """
        class Nasty(PVInfo):
            def checkValue(self, value):
                driver.pvDB.clear()
                return 7
            def checkAlarm(self, value):
                manager.pvf.clear()
                return 0, 0
        info = Nasty({})
        info.reason, info.name = "X", "P:X"
        manager.pvs["default"]["X"] = manager.pvf["P:X"] = SimplePV(info.name, info)
        driver = Driver()
        data = driver.pvDB["X"]
        driver.setParam("X", 3)
        data.post()
        data.refresh() if data.handle else None
    """,
    "values that run code when they are converted": """
        class Odd:
            def __init__(self, what):
                self.what = what
            def __float__(self):
                self.what()
                return 3.0
            def __len__(self):
                return 3
            def __getitem__(self, i):
                self.what()
                if i > 2:
                    raise IndexError
                return self
            def __repr__(self):
                self.what()
                return "odd"
        driver = Driver()
        def clear():
            driver.pvDB.clear()
            manager.pvs.clear()
            gc.collect()
        for value in (Odd(clear), [Odd(clear), 2.0], {"a": Odd(clear)}):
            for reason in ("A", "W"):
                server.createPV("P:", {"A": {}, "W": {"count": 5}})
                try:
                    driver.setParam(reason, value)
                except (TypeError, ValueError, KeyError) as error:
                    str(error)
    """,
    "lists that shrink while they are read": """
        driver = Driver()
        items = [1.0] * 5
        class Shrinks:
            def __float__(self):
                items.clear()
                return 1.0
        items[0] = Shrinks()
        driver.setParam("W", items)
    """,
    "data of nobody": """
        driver = Driver()
        data = driver.pvDB.pop("A")
        gc.collect()
        for call in (data.refresh, data.post, data.send, data.fail_read):
            try:
                call()
            except Exception as error:
                kinds = AttributeError, TypeError, ValueError, KeyError
                assert isinstance(error, kinds)
        data.value, data.value = 3, None
        repr(data)
        driver.pvDB["A"] = data
        driver.pvDB["A"] = data
        driver.setParam("A", 5)
        driver.updatePVs()
    """,
    "one Data for two parameters": """
        driver = Driver()
        driver.pvDB["A"] = driver.pvDB["W"]
        gc.collect()
        for reason in ("A", "W"):
            try:
                driver.setParam(reason, 2.0)
            except KeyError:
                pass
        driver.updatePVs()
    """,
    "a server that is deleted in its own write": """
        class Deletes(Driver):
            def write(self, reason, value):
                global server
                if "server" in globals():
                    server.close()
                    del server
                    gc.collect()
                return True
        driver = Deletes()
        circuit = connect()
        a = created(circuit, "P:A")
        for n in range(20):
            circuit.send(pack(WRITE, number(n), type=6, count=1, p1=a.sid))
        circuit.drain()
        SimpleServer.process(0.1)
    """,
    "a driver that goes in its own read": """
        class Goes(Driver):
            def read(self, reason):
                manager.driver.clear()
                gc.collect()
                return 3.0
        Goes()
        circuit = connect()
        a = created(circuit, "P:A")
        for n in range(5):
            circuit.send(pack(15, type=6, count=1, p1=a.sid, p2=n))
        circuit.drain()
        turns()
    """,
    "completions after everything is gone": """
        kept = []
        class Keeps(Driver):
            async def write(self, reason, value):
                import asyncio
                await asyncio.sleep(0.2)
                kept.append(value)
        driver = Keeps()
        circuit = connect()
        a = created(circuit, "P:A")
        for n in range(5):
            circuit.send(pack(WRITE_NOTIFY, number(n), type=6, count=1, p1=a.sid, p2=n))
        circuit.drain()
        turns()
        circuit.close()
        manager.pvf.clear(); manager.pvs.clear(); manager.driver.clear()
        del driver
        gc.collect()
        time.sleep(0.5)
    """,
    "None everywhere": """
        driver = Driver()
        calls = [
            lambda: driver.setParam(None, None), lambda: driver.updatePV(None),
            lambda: server.createPV(None, None),
            lambda: server.createPV("X:", {"A": None}),
            lambda: manager.pvf.update({"Z": None}),
            lambda: manager.pvs.update({"Z": None}),
            lambda: manager.driver.update({"Z": None}),
            lambda: driver.pvDB.update({"A": None}),
            lambda: SimplePV(None, None), lambda: SimplePV("X", None),
            lambda: PVInfo(None), lambda: setattr(driver, "pvDB", None),
            lambda: driver.setParam("A", 1), lambda: driver.updatePVs(),
            lambda: cas.casPV().postEvent(1, None),
            lambda: cas.casPV().startAsyncWrite(None),
            lambda: cas.epicsTimeStamp(None), lambda: Data().post(),
        ]
        for call in calls:
            try:
                call()
            except Exception as error:
                str(error)
        turns()
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
