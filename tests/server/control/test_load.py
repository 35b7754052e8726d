"""Clients of the control socket while everything changes, many PVs, and PVAccess."""

import contextlib
import itertools
import random
import subprocess
import threading
import time

from control_support import DEADLINE, Served, eventually

from pcaspy import Driver
from pcaspy.control.client import Control, ControlError
from support import dbr
from support.peers import peer_python
from support.wire import Circuit

SECONDS = 0.5


class Many(Driver):
    pass


def ask_everything(served, stop, done):
    """Any request, again and again; what it may be answered with is checked."""
    pick = random.Random(threading.get_ident())
    with Control(served.path, timeout=DEADLINE) as control:
        circuits = [0]
        while not stop.is_set():
            sort = pick.choice(("name", "value", "alarm", "age", "clients", "rate"))
            pvs = control.ask(
                "pvs",
                sort=sort,
                descending=pick.random() < 0.5,
                offset=pick.choice((0, 0, 500)),
                limit=pick.choice((10, 1000)),
                match=pick.choice(("", "", "1", "*7")),
            )
            names = [row["pv"] for row in pvs["rows"]]
            assert len(set(names)) == len(names)
            rows = control.ask("circuits")["rows"]
            circuits = [row["circuit"] for row in rows] or circuits
            for do, arguments in (
                ("channels", {"circuit": pick.choice(circuits)}),
                ("get", {"pv": pick.choice(names or ["none"])}),
                ("put", {"pv": pick.choice(names or ["none"]), "value": 3}),
            ):
                with contextlib.suppress(ControlError):  # it may have gone
                    control.ask(do, **arguments)
            for do in ("stats", "slow", "misses", "hello"):
                control.ask(do)
            done.append(1)


def test_everything_is_asked_while_everything_changes():
    pvdb = {f"P{n}": {"value": n} for n in range(1000)}
    stop = threading.Event()
    failures = []
    done = []
    with Served(pvdb, Many) as served:
        engine_pvs = served.server._pcaspy.pvf

        def post():
            for n in itertools.cycle(range(500)):
                if stop.is_set():
                    return
                served.driver.setParam(f"P{n}", n)
                served.driver.updatePV(f"P{n}")

        def come_and_go():
            while not stop.is_set():
                with Circuit(served.tcp) as circuit:
                    channels = [
                        circuit.create(f"{served.prefix}P{n}") for n in range(20)
                    ]
                    circuit.subscribe(channels[0], dbr.DOUBLE)

        def change_names():
            for n in itertools.count():
                if stop.is_set():
                    return
                served.server.createPV(served.prefix, {f"NEW{n}": {"value": n}})
                if n >= 20:
                    del engine_pvs[f"{served.prefix}NEW{n - 20}"]

        def guarded(work, *arguments):
            def run():
                try:
                    work(*arguments)
                except BaseException as error:
                    failures.append(error)
                    stop.set()

            return threading.Thread(target=run)

        threads = [guarded(work) for work in (post, come_and_go, change_names)]
        threads += [guarded(ask_everything, served, stop, done) for _ in range(3)]
        for thread in threads:
            thread.start()
        until = time.monotonic() + SECONDS
        deadline = time.monotonic() + DEADLINE
        while not stop.is_set() and (time.monotonic() < until or len(done) < 6):
            assert time.monotonic() < deadline, len(done)
            time.sleep(0.01)
        stop.set()
        for thread in threads:
            thread.join()
        assert failures == []
        assert served.ask("hello")["name"] == served.name


def test_twenty_thousand_pvs_are_shown_as_they_are():
    pvdb = {f"P{n:05}": {"value": (n * 7919) % 20_000} for n in range(20_000)}
    with Served(pvdb, Many) as served:
        first = served.ask("pvs", sort="value", limit=1000)
        assert first["matching"] == 20_000
        assert [float(row["value"]) for row in first["rows"]] == list(range(1000))
        last = served.ask("pvs", sort="value", offset=19_990, limit=1000)
        assert [float(r["value"]) for r in last["rows"]] == list(range(19_990, 20_000))
        assert served.ask("pvs", match="p0012?")["matching"] == 0
        assert served.ask("pvs", match="*p0012?")["matching"] == 10


def test_clients_of_pvaccess_are_shown():
    script = """
import sys
from p4p.client.thread import Context
port, name = sys.argv[1:]
with Context("pva", conf={
    "EPICS_PVA_ADDR_LIST": "127.0.0.1", "EPICS_PVA_AUTO_ADDR_LIST": "NO",
    "EPICS_PVA_BROADCAST_PORT": port}, useenv=False) as context:
    held = context.monitor(name, lambda value: None)
    other = context.monitor("NOBODY:HAS:IT", lambda value: None)
    context.get(name, timeout=60)
    print("READY", flush=True)
    sys.stdin.read()
"""
    with Served(pva=True) as served:
        hello = served.ask("hello")
        assert hello["pva_tcp_port"] > 0
        port = str(hello["pva_udp_port"])
        client = subprocess.Popen(
            [str(peer_python("p4p")), "-c", script, port, served.prefix + "POS"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        try:
            assert client.stdout.readline() == b"READY\n"
            (row,) = eventually(
                lambda: served.ask("circuits")["rows"],
                lambda rows: rows and rows[0]["subscriptions"] == 1,
            )
            assert row["protocol"] == "pva"
            assert row["address"].startswith("127.0.0.1:")
            assert row["channels"] >= 1
            assert row["sent"] is None
            channels = served.ask("channels", circuit=row["circuit"])["rows"]
            assert {channel["pv"] for channel in channels} == {served.prefix + "POS"}
            assert sum(channel["subscriptions"] for channel in channels) == 1
            assert served.ask("get", pv="POS")["clients"] == len(channels)
            misses = eventually(lambda: served.ask("misses")["rows"])
            assert [miss["name"] for miss in misses] == ["NOBODY:HAS:IT"]
            assert "pva_searches" in served.ask("stats")["meanings"]
        finally:
            client.communicate()
        eventually(lambda: served.ask("circuits")["total"] == 0)
        eventually(lambda: served.ask("get", pv="POS")["clients"] == 0)
