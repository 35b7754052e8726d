"""What fields do that only this server has: entries, drivers, names of the program."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import ClassVar

import pytest
from fields_support import Side, Watch

from pcaspy import Driver, SimpleServer, cas
from support import dbr, wire
from support.environment import without_epics
from support.ports import LOOPBACK
from support.wire import Circuit

WRITE = 2


def entry(side, reason):
    return side.child.ask(do="entry", reason=reason)


# ---- names ----


def test_a_name_of_the_pvdb_wins(ours):
    assert ours.get("OWN.EGU").elements == [b"my own"]
    assert ours.get("OWN.DESC").elements == [b""]
    assert ours.get("OWN.X").elements == [2.0]
    assert ours.get("OWN.X.RTYP").elements == [b"ao"]
    assert ours.get("OWN.EGU.NAME").elements == [b"OURS:OWN.EGU"]


@pytest.mark.parametrize(
    "name", ["OWN.NONE", "OWN.egu", "OWN.RTYP.DESC", ".EGU", "NO.EGU", "OWN..EGU"]
)
def test_names_of_nothing(ours, name):
    assert not ours.searched(name)
    assert ours.create(name) is None


def test_val_is_the_pv(ours):
    watch = Watch(ours, "PLAIN", ["VAL"])
    assert ours.put("PLAIN.VAL", "33") == wire.ECA_NORMAL
    assert ours.get("PLAIN").elements == [33.0]
    assert "V" in watch.take()["VAL"]
    watch.circuit.close()


def test_a_pv_that_is_added_takes_its_name_from_the_field(ours):
    ours.child.ask(do="create", pvdb={"LATE": {"unit": "V"}})
    with ours.open() as circuit:
        channel = ours.create("LATE.EGU", circuit)
        assert circuit.get(channel, dbr.STRING).payload.startswith(b"V\0")
        ours.child.ask(do="create", pvdb={"LATE.EGU": {"value": 5}})
        circuit.expect(wire.SERVER_DISCONN, p1=channel.cid)
        assert ours.create("LATE.EGU", circuit).type == dbr.DOUBLE
        ours.child.ask(do="remove", reason="LATE.EGU")
        assert circuit.receive().command == wire.SERVER_DISCONN
        assert ours.create("LATE.EGU", circuit).type == dbr.STRING


def test_clients_of_fields_go_with_the_pv(ours):
    ours.child.ask(do="create", pvdb={"GOES": {"unit": "V", "alias": "GONE"}})
    with ours.open() as circuit:
        fields = [ours.create(f"GOES.{name}", circuit) for name in ("EGU", "STAT")]
        circuit.subscribe(fields[1], dbr.ENUM)
        alias = ours.create("GONE.NAME", circuit)
        assert circuit.get(alias, dbr.STRING).payload.startswith(b"OURS:GOES\0")
        ours.child.ask(do="create", pvdb={"GOES": {"unit": "A"}})
        ended = {circuit.expect(wire.SERVER_DISCONN).p1 for _ in range(3)}
        assert ended == {channel.cid for channel in (*fields, alias)}
        channel = ours.create("GOES.EGU", circuit)
        assert circuit.get(channel, dbr.STRING).payload.startswith(b"A\0")


# ---- what the program changes ----


def test_set_param_info_is_an_event(ours):
    watch = Watch(ours, "OWN", ["VAL", "HIHI", "DESC", "HHSV", "RTYP", "ADEL"])
    ours.child.ask(do="info", reason="OWN", fields={"hihi": 95, "desc": "x"})
    assert watch.take() == {
        "VAL": "P", "HIHI": "LPV", "DESC": "LPV", "HHSV": "LPV", "RTYP": "P",
        "ADEL": "P",
    }  # fmt: skip
    ours.child.ask(do="info", reason="OWN", fields={"adel": 2})
    assert watch.take()["ADEL"] == "LPV"
    watch.circuit.close()


def test_set_param_enums_is_an_event(ours):
    watch = Watch(ours, "MI", ["ZRST", "ONST", "THST"])
    ours.child.ask(do="enums", reason="MO", enums=["A", "B", "C"])
    labels = Watch(ours, "MO", ["VAL", "ZRST", "ONST", "THST"])
    ours.child.ask(do="enums", reason="MO", enums=["A", "two", "C", "four"])
    assert labels.take() == {"VAL": "P", "ZRST": "P", "ONST": "LPV", "THST": "LPV"}
    assert watch.take() == {}
    watch.circuit.close()
    labels.circuit.close()


def test_an_alarm_is_an_event(ours):
    watch = Watch(ours, "PLAIN", ["STAT", "SEVR", "TIME", "UDF"])
    ours.child.ask(do="info", reason="PLAIN", fields={"high": 50, "low": 1})
    watch.take()
    ours.child.ask(do="set", reason="PLAIN", value=60)
    assert watch.take() == {"STAT": "AV", "SEVR": "V", "TIME": "LV"}
    assert ours.get("PLAIN.STAT").elements == [4]
    assert ours.get("PLAIN.STAT", 0, dbr.STRING).elements == [b"HIGH"]
    ours.child.ask(do="set", reason="PLAIN", value=30)
    watch.circuit.close()


# ---- what clients change ----


PUTS = {
    "DESC": ("desc", "new text"), "EGU": ("unit", "furlong"), "PREC": ("prec", 4),
    "HOPR": ("hilim", 90.5), "LOPR": ("lolim", -4.5), "DRVH": ("drvh", 80.5),
    "DRVL": ("drvl", -3.5), "HIHI": ("hihi", 70.5), "HIGH": ("high", 60.5),
    "LOW": ("low", 2.5), "LOLO": ("lolo", 1.5), "ADEL": ("adel", 3.5),
    "MDEL": ("mdel", 2.25),
}  # fmt: skip


@pytest.mark.parametrize("field", PUTS)
def test_a_put_changes_the_entry(ours, field):
    name, value = PUTS[field]
    assert ours.put(f"AO.{field}", str(value)) == wire.ECA_NORMAL
    info = ours.child.ask(do="entry", reason="AO")
    assert info.get(name, value) == value
    shown = ours.get(f"AO.{field}").elements
    assert shown == [value.encode() if isinstance(value, str) else value]


def test_puts_of_labels_severities_and_scans(ours):
    assert ours.put("BO.ONAM", "running") == wire.ECA_NORMAL
    assert ours.put("BO.ZSV", "MAJOR") == wire.ECA_NORMAL
    assert ours.put("MO.FRST", "five") == wire.ECA_NORMAL
    assert ours.put("MO.FRSV", "INVALID") == wire.ECA_NORMAL
    assert entry(ours, "BO")["enums"][1] == "running"
    assert entry(ours, "BO")["states"][0] == 2
    assert entry(ours, "MO")["enums"][4] == "five"
    assert entry(ours, "MO")["states"][4] == 3
    assert ours.get("MO.VAL", dbr.CTRL).states[4] == "five"
    assert ours.put("SI.SCAN", "1 second") == wire.ECA_NORMAL
    assert entry(ours, "SI")["scan"] == 1
    assert ours.put("SI.SCAN", "Event") == wire.ECA_PUTFAIL
    assert ours.put("SI.SCAN", "Passive") == wire.ECA_NORMAL
    assert ours.get("SI.RTYP").elements == [b"stringout"]


def test_puts_of_severities_of_limits(ours):
    ours.child.ask(do="create", pvdb={"SEVERE": {"value": 5, "hihi": 3, "hyst": 0.5}})
    assert ours.get("SEVERE.HHSV").elements == [2]
    assert ours.get("SEVERE.HYST").elements == [0.5]
    assert ours.put("SEVERE.HHSV", "MINOR") == wire.ECA_NORMAL
    assert ours.put("SEVERE", "6") == wire.ECA_NORMAL
    assert ours.get("SEVERE.SEVR").elements == [1]
    assert ours.put("SEVERE.HHSV", "NO_ALARM") == wire.ECA_NORMAL
    assert ours.get("SEVERE.SEVR").elements == [0]
    assert ours.get("SEVERE.HIHI").elements == [3.0]
    assert ours.get("SEVERE.ACKS").elements == [2]  # until it is acknowledged


@pytest.mark.parametrize("put", [("PREC", "-1"), ("ASG", "x"), ("UDF", "0")])
def test_what_no_client_can_change(ours, put):
    before = entry(ours, "AO")
    assert ours.put(f"AO.{put[0]}", put[1]) == wire.ECA_PUTFAIL
    assert entry(ours, "AO") == before


@pytest.mark.parametrize("record", ["ASKED", "LATER"])
def test_proc_asks_the_driver(ours, record):
    watch = Watch(ours, record, ["VAL", "PROC"])
    before = ours.child.ask(do="reads")
    assert ours.put(f"{record}.PROC", "1") == wire.ECA_NORMAL
    assert watch.take() == {"VAL": "LV", "PROC": "LV"}
    assert ours.child.ask(do="reads") == before + 1
    watch.circuit.close()


# ---- rights ----


def test_fields_have_the_rights_of_the_pv(ours):
    ours.child.ask(do="create", pvdb={"OPEN": {}})
    assert not ours.create("CLOSED.EGU").rights & WRITE
    assert not ours.create("LOCKED.EGU").rights & WRITE
    assert ours.get("LOCKED.RTYP").elements == [b"ai"]
    assert ours.get("CLOSED.ASG").elements == [b"READERS"]
    with ours.open() as circuit:
        channel = ours.create("OPEN.DESC", circuit)
        other = ours.create("OPEN.NAME", circuit)
        ours.child.ask(do="info", reason="OPEN", fields={"readonly": True})
        lost = circuit.expect(wire.ACCESS_RIGHTS)
        assert (lost.p1, lost.p2) == (channel.cid, 1)
        ours.child.ask(do="info", reason="OPEN", fields={"readonly": False})
        assert circuit.expect(wire.ACCESS_RIGHTS, p1=channel.cid).p2 == 3
        assert other.rights == 1


# ---- names that only a program knows ----


class Picky(SimpleServer):
    """Serves a PV under any name that begins with DYN, and denies the one of CLOSED."""

    asked: ClassVar[list[str]] = []

    def pvExistTest(self, context, addr, fullname):
        self.asked.append(fullname)
        if fullname == "P:DENIED":
            return cas.pverDoesNotExistHere
        return super().pvExistTest(context, addr, fullname)

    def pvAttach(self, context, fullname):
        if fullname == "P:DENIED":
            return cas.S_casApp_pvNotFound
        return super().pvAttach(context, fullname)


def test_fields_of_names_by_request():
    server = Picky(port=0, interfaces=[LOOPBACK])
    server.createPV("P:", {"X": {"unit": "V"}, "DENIED": {"unit": "A"}})
    driver = Driver(server)
    server.start()
    ended = threading.Event()

    def run():
        while not ended.is_set():
            server.process(0.01)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        with Circuit((LOOPBACK, server.tcp_port)) as circuit:
            side = Side(None, "P:", circuit)
            assert side.searched("X.EGU")
            assert side.get("X.EGU").elements == [b"V"]
            driver.setParamInfo("X", {"unit": "mV"})
            assert side.get("X.EGU").elements == [b"mV"]
            assert side.create("X.NONE") is None
            assert side.create("X.ZRST") is None
            assert not side.searched("DENIED.EGU")
            assert side.create("DENIED.EGU") is None
            assert side.create("X.VAL").type == dbr.DOUBLE
        assert "P:DENIED.EGU" in Picky.asked
    finally:
        ended.set()
        thread.join()
        server.close()


# ---- clients that ask for much, and processes ----


def test_a_client_with_many_filters_costs_little(ours):
    """Each name is another one, up to a limit; what it leaves behind is let go of."""
    before = ours.child.resident_bytes()
    for turn in range(3):
        with ours.open() as circuit:
            names = [f'AO.{{"dbnd":{{"abs":{turn}.{n:05}}}}}' for n in range(1900)]
            circuit.send(
                b"".join(
                    wire.create_request(ours.prefix + name, n)
                    for n, name in enumerate(names)
                )
            )
            for n in range(len(names)):
                circuit.created(n)
            for n in range(1900, 2101):
                more = f'AO.{{"dbnd":{{"abs":{turn}.{n:05}}}}}'
                circuit.send(wire.create_request(ours.prefix + more, n))
            while (last := circuit.receive()).p1 != 2100:
                pass
            assert last.command == wire.CREATE_CH_FAIL
            ours.child.ask(do="set", reason="AO", value=turn)
    assert ours.child.resident_bytes() - before < 30_000_000
    assert ours.get("AO.RTYP").elements == [b"ao"]


@pytest.mark.parametrize(
    "name",
    [
        "AO.{" + "[" * 16000,
        'AO.{"arr":' + '{"s":' * 3000,
        'AO.{"dbnd":{"abs":"' + "1" * 15000 + '"}}',
        "AO" + ".VAL" * 4000,
        "AO." + "$" * 16000,
        "AO.{" + '"ts":{},' * 1900 + "}",
    ],
)
def test_hostile_names(ours, name):
    assert ours.create(name) is None
    ours.circuit.send(wire.search_request(ours.prefix + name, 1, wire.DO_REPLY))
    assert ours.circuit.receive().command in (wire.SEARCH, wire.NOT_FOUND)
    assert ours.get("AO.RTYP").elements == [b"ao"]


FORK = """
import os, sys, threading, time
from pcaspy import Driver, SimpleServer
from support.wire import Circuit
server = SimpleServer(port=0, interfaces=["127.0.0.1"])
server.createPV("P:", {"X": {"unit": "V", "high": 5}})
driver = Driver()
server.start()
ended = False
def post():
    value = 0
    while not ended:
        value += 1
        driver.setParam("X", value % 10)
        driver.updatePVs()
def ask():
    n = 0
    with Circuit(("127.0.0.1", server.tcp_port)) as circuit:
        while not ended:
            n += 1
            name = ("P:X.SEVR", 'P:X.{"dec":{"n":2}}', "P:X.EGU$")[n % 3]
            circuit.subscribe(circuit.create(name), 0)
            if n % 50 == 0:
                circuit.drain()
threads = [threading.Thread(target=post), threading.Thread(target=ask)]
for thread in threads:
    thread.start()
for _ in range(20):
    pid = os.fork()
    if not pid:
        driver.setParam("X", 9)
        driver.setParamInfo("X", {"unit": "A"})
        driver.updatePVs()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
ended = True
for thread in threads:
    thread.join()
server.close()
print("done")
"""


def run(program, **environment):
    """A program with the support modules of these tests."""
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        env={
            **without_epics(),
            "PYTHONPATH": str(Path(__file__).parents[2]),
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_child_process_has_its_fields(ours):
    ran = run(FORK)
    assert ran.stdout.strip() == "done", ran.stderr


# ---- switches ----

NONE = """
from pcaspy import Driver, SimpleServer
server = SimpleServer(port=0, interfaces=["127.0.0.1"], {argument})
server.createPV("P:", {{"X": {{"unit": "V"}}}})
driver = Driver()
server.start()
from support.wire import Circuit, create_request, CREATE_CH_FAIL
with Circuit(("127.0.0.1", server.tcp_port)) as circuit:
    circuit.send(create_request("P:X.EGU", 1))
    print(circuit.receive().command == CREATE_CH_FAIL)
server.close()
"""


@pytest.mark.parametrize(
    ("argument", "variable", "none"),
    [("", "", "False"), ("fields=False", "", "True"), ("", "NO", "True"),
     ("fields=True", "NO", "False")],
)  # fmt: skip
def test_fields_can_be_switched_off(argument, variable, none):
    ran = run(NONE.format(argument=argument), PCASPY_FIELDS=variable)
    assert ran.stdout.strip() == none, ran.stderr


@pytest.mark.parametrize(("given", "variable"), [("yes", ""), (None, "maybe")])
def test_a_switch_is_checked(given, variable, monkeypatch):
    monkeypatch.setenv("PCASPY_FIELDS", variable)
    with pytest.raises(ValueError, match=r"fields|PCASPY_FIELDS"):
        SimpleServer(port=0, fields=given)
