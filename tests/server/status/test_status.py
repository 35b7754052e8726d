"""Status PVs of a server: what clients can do with them, and when they are there."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import psutil
import pytest
from status_support import Asked, beats, wait_until

from pcaspy import Driver
from pcaspy.driver import manager
from pcaspy.status.entries import COUNTS, RATES, entries
from pcaspy.status.system import Linux, Load, Psutil
from pcaspy.status.texts import duration
from pcaspy.testing import IsolatedServer
from support.ports import udp_socket
from support.wire import (
    ECA_NORMAL,
    ECA_PUTFAIL,
    WRITE_NOTIFY,
    pack,
    search_request,
    udp_search,
)

# What the displays of iocStats show of a soft IOC.
DISPLAYS = """
    STARTTOD TOD UPTIME HEARTBEAT RECORD_CNT HOSTNAME ENGINEER LOCATION CA_CLNT_CNT
    CA_CONN_CNT SUSP_TASK_CNT EPICS_VERS APP_DIR1 APP_DIR2 ST_SCRIPT1 ST_SCRIPT2
    IOC_SINGLE_CPU_LOAD IOC_CPU_LOAD FD_FREE FD_MAX MEM_FREE MEM_USED MEM_MAX
    KERNEL_VERS SYS_CPU_LOAD CPU_CNT ACCESS GTIM_CUR_SRC GTIM_EVT_SRC GTIM_HI_SRC
    GTIM_TIME GTIM_ERR_CNT GTIM_RESET.PROC READACF SYSRESET CA_SRVR_PORT
    CA_RPTR_PORT CA_ADDR_LIST CA_AUTO_ADDR CA_MAX_ARRAY CA_CONN_TIME CA_SRCH_TIME
    CA_BEAC_TIME TIMEZONE TS_NTP_INET IOC_LOG_PORT IOC_LOG_INET CA_CLNT_CNT.HIGH
    CA_CLNT_CNT.HIHI CA_CONN_CNT.HIGH CA_CONN_CNT.HIHI SUSP_TASK_CNT.HIHI
    IOC_CPU_LOAD.HIGH IOC_CPU_LOAD.HIHI FD_FREE.LOLO FD_FREE.LOW
""".split()
READ, WRITE = 1, 2


def test_displays_of_iocstats_find_all_their_names(asked):
    assert [name for name in DISPLAYS if asked.create(name) is None] == []


# ---- puts ----


def test_the_mode(asked):
    _, value = asked.ask("ACCESS")
    assert value.states[:4] == ["Running", "Maintenance", "Test", "OFFLINE"]
    for label, number, severity in ("OFFLINE", 3, 2), ("Test", 2, 1), ("Running", 0, 0):
        assert asked.put("ACCESS", label) == ECA_NORMAL
        assert asked.value("ACCESS") == number
        assert asked.severity("ACCESS") == severity
    assert asked.put("ACCESS", "9") == ECA_PUTFAIL
    assert (asked.value("ACCESS"), asked.severity("ACCESS")) == (0, 0)


def test_a_period(asked):
    for put, kept in ("2", 2), ("0.01", 1), ("1e9", 60), ("1", 1):
        assert asked.put("CA_UPD_TIME", put) == ECA_NORMAL
        assert asked.value("CA_UPD_TIME") == kept
    assert asked.put("CA_UPD_TIME", "nan") == ECA_PUTFAIL
    assert asked.value("CA_UPD_TIME") == 1
    asked.wait_for("CA_CLNT_CNT", lambda n: n == 1)  # 15 s otherwise
    with Asked(asked.circuit.socket.getpeername()[1], "S:") as other:
        other.value("TOD")
        asked.wait_for("CA_CLNT_CNT", lambda n: n == 2)
        asked.wait_for("CA_CONN_CNT", lambda n: n > 1)


def test_a_period_holds_for_all_prefixes(server, asked):
    server.add_status("T:", period=0.1)
    assert asked.put("FD_UPD_TIME", "7") == ECA_NORMAL
    with Asked(server.tcp_port, "T:") as other:
        assert other.value("FD_UPD_TIME") == 7


def test_what_shows_something_takes_no_put(asked):
    for name in ("HEARTBEAT", "SYSRESET", "ENGINEER", "FD_CNT", "MEM_USED", "GET_RATE"):
        assert asked.create(name).rights == READ, name
    before = asked.ask("FD_FREE")[1]
    assert asked.put("FD_FREE", "1") == ECA_PUTFAIL
    after = asked.ask("FD_FREE")[1]
    assert (after.elements, after.severity) == (before.elements, 0)


def test_limits_are_set_by_their_fields(asked):
    assert asked.severity("CA_CLNT_CNT") == 0
    assert asked.put("CA_UPD_TIME", "1") == ECA_NORMAL
    for field, severity in ("HIGH", 1), ("HIHI", 2):
        assert asked.put(f"CA_CLNT_CNT.{field}", "1") == ECA_NORMAL
        wait_until(lambda s=severity: asked.severity("CA_CLNT_CNT") == s)


def test_without_access_rules_there_is_nothing_to_read_again(asked):
    script = "from pcaspy.host.access import load_again; load_again()"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert "no access security file was loaded" in done.stderr


RELOADS = """
import sys
from pcaspy import Driver, SimpleServer
from pcaspy.testing import IsolatedServer
from support.child_side import answer_commands, say

server = IsolatedServer()
server.createPV("A:", {"X": {}})
server.add_status("S:", asg=sys.argv[2])
driver = Driver()
server.initAccessSecurityFile(sys.argv[1], WHO="tester")
with server:
    say("READY", {"port": server.tcp_port})
    answer_commands(lambda do: None)
"""


@pytest.fixture
def reloads(tmp_path):
    """Starts a server with an access file, in a process of its own."""
    from support.environment import without_epics
    from support.process import Child

    rules = tmp_path / "rules.acf"
    rules.write_text(ACF.format(right="READ"))
    script = tmp_path / "reloads.py"
    script.write_text(RELOADS)
    env = {**without_epics(), "PYTHONPATH": os.path.dirname(__file__) + "/../.."}
    started = []

    def start(asg=""):
        child = Child.python(str(script), str(rules), asg, env=env)
        started.append(child)
        return child.ready["port"], rules

    yield start
    for child in started:
        child.stop()


ACF = """
UAG(ops) {{ "$(WHO)" }}
ASG(DEFAULT) {{ RULE(1, {right}) {{ UAG(ops) }} RULE(1, READ) }}
ASG(OPS) {{ RULE(1, WRITE) RULE(1, READ) }}
ASG(NOBODY) {{ RULE(1, READ) }}
"""


def test_readacf(reloads):
    port, rules = reloads("OPS")

    def rights():
        with Asked(port, "A:") as asked:
            return asked.create("X").rights

    def reload(value="1"):
        with Asked(port, "S:") as asked:
            channel = asked.create("READACF")
            data = value.encode().ljust(8, b"\0")
            asked.circuit.send(pack(WRITE_NOTIFY, data, count=1, p1=channel.sid, p2=9))
            while asked.circuit.receive().command != WRITE_NOTIFY:
                pass  # rights of this channel, say
        with Asked(port, "S:") as asked:
            return asked.value("READACF"), asked.severity("READACF")

    assert rights() == READ
    rules.write_text(ACF.format(right="WRITE"))
    assert reload("0") == (0, 0)
    assert rights() == READ
    assert reload() == (0, 0)
    assert rights() == READ | WRITE
    rules.write_text("nonsense")
    assert reload() == (0, 3)
    assert rights() == READ | WRITE
    rules.write_text(ACF.format(right="READ"))
    assert reload() == (0, 0)
    assert rights() == READ


def test_they_have_a_group(reloads):
    port, _rules = reloads("NOBODY")
    with Asked(port, "S:") as asked:
        for name in ("READACF", "ACCESS", "CA_UPD_TIME", "CA_CLNT_CNT.HIGH"):
            assert asked.create(name).rights == READ


# ---- names ----


def test_a_name_that_is_taken(server):
    server.createPV("IOC:", {"HEARTBEAT": {}})
    with pytest.raises(ValueError, match=r"IOC:HEARTBEAT.*another prefix"):
        server.add_status("IOC:", period=0.1)
    with Asked(server.tcp_port, "IOC:") as asked:
        assert asked.create("HEARTBEAT") is not None
        assert asked.create("UPTIME") is None


def test_a_prefix_twice(server):
    with pytest.raises(ValueError, match=r"S:HEARTBEAT and .* more: there is such"):
        server.add_status("S:", period=0.1)


def test_a_program_may_not_take_a_name(server, asked):
    message = "'S:UPTIME': a status PV of this server has that name"
    with pytest.raises(ValueError, match=message):
        server.createPV("S:", {"X": {}, "UPTIME": {}})
    with pytest.raises(ValueError, match=message):
        server.createPV("S:", {"Y": {"alias": "UPTIME"}})
    server.createPV("S:", {"Z": {}})
    with pytest.raises(ValueError, match=message):
        manager.pvf["S:UPTIME"] = manager.pvf["S:Z"]
    assert [asked.create(name) is None for name in "XYZ"] == [True, True, False]


@pytest.mark.parametrize("name", ["LOAD", "SysReset", "CA_SRVR_PORT"])
def test_other_names_are_taken_as_well(server, name):
    with pytest.raises(ValueError, match=name):
        server.createPV("S:", {name: {}})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1,), "takes a str"),
        (("A:", 0), "positional"),
    ],
)
def test_wrong_arguments(server, arguments, message):
    with pytest.raises(TypeError, match=message):
        server.add_status(*arguments)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"period": 0}, ValueError),
        ({"period": float("nan")}, ValueError),
        ({"period": 1e9}, ValueError),
        ({"period": True}, ValueError),
        ({"period": 5.0}, ValueError),  # the other one has 0.1
        ({"engineer": 7}, TypeError),
        ({"asg": None}, TypeError),
    ],
)
def test_wrong_options(server, options, error):
    with pytest.raises(error, match=next(iter(options))):
        server.add_status("A:", **options)


def test_programs_do_not_see_them():
    """Neither in their tables, nor as an answer of their drivers."""
    server = IsolatedServer()
    server.createPV("U:", {"X": {"value": 1}})
    driver = Driver()
    before = (dict(manager.pvf), dict(manager.pvs), dict(manager.driver), repr(server))
    server.add_status("S:")
    after = (dict(manager.pvf), dict(manager.pvs), dict(manager.driver), repr(server))
    assert before == after
    assert list(driver.pvDB) == ["X"]
    driver.updatePVs()


def test_a_server_that_answers_searches_in_python():
    """By methods of its own, which ask those of SimpleServer."""

    class Own(IsolatedServer):
        def pvExistTest(self, context, addr, fullname):
            searched.append(fullname)
            return super().pvExistTest(context, addr, fullname)

        def pvAttach(self, context, fullname):
            return super().pvAttach(context, fullname)

    searched = []
    server = Own()
    server.add_status("B:", period=0.1)
    with server, Asked(server.tcp_port, "B:") as asked:
        assert asked.create("NONE") is None
        first = beats(asked)
        asked.wait_for("HEARTBEAT", lambda n: n > first)
        assert asked.severity("LOAD") in (0, 1, 2)
        with udp_socket() as sock:
            address = ("127.0.0.1", server.udp_port)
            udp_search(sock, address, search_request("B:LOAD", 1))
    assert "B:LOAD" in searched


def test_who_and_where(server):
    server.add_status("A:", period=0.1, engineer="Grace", location="x" * 50)
    with Asked(server.tcp_port, "A:") as asked:
        assert asked.value("ENGINEER") == b"Grace"
        assert asked.value("LOCATION") == b"x" * 39


@pytest.mark.parametrize(
    ("variables", "engineer"),
    [
        ({"ENGINEER": "a", "LOGNAME": "b", "USER": "c"}, b"a"),
        ({"LOGNAME": "b", "USER": "c"}, b"b"),
        ({"USER": "c"}, b"c"),
        ({}, b"<not available>"),
    ],
)
def test_the_engineer_of_the_environment(server, monkeypatch, variables, engineer):
    for name in ("ENGINEER", "LOGNAME", "USER"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    server.add_status("A:", period=0.1)
    with Asked(server.tcp_port, "A:") as asked:
        assert asked.value("ENGINEER") == engineer


# ---- values ----


def test_rates(server, asked):
    server.createPV("U:", {"X": {}})
    Driver()
    with Asked(server.tcp_port, "U:") as other:
        channel = other.create("X")

        def busy(name):
            for _ in range(20):
                other.circuit.get(channel, 6)
                other.circuit.put(channel, 6, b"\0" * 8)
            return asked.value(name)

        for name in ("GET_RATE", "PUT_RATE"):
            wait_until(lambda name=name: busy(name), lambda rate: rate > 10)
    assert server.stats()["reads"] > 40
    asked.wait_for("PUT_RATE", lambda rate: rate == 0)


def test_posts_per_second(server, asked):
    server.createPV("U:", {"X": {}})
    driver = Driver()
    asked.put("LOAD_UPD_TIME", "1")

    def post():
        for number in range(50):
            driver.setParam("X", number)
            driver.updatePVs()
        return asked.value("POST_RATE")

    wait_until(post, lambda rate: rate > 300)  # those of status PVs are some, too


def test_all_counters_exist():
    with IsolatedServer(pva=True) as server:
        known = server.stats().keys()
    assert {*RATES.values(), *COUNTS.values()} <= known


def test_pvaccess_has_its_own():
    with IsolatedServer(pva=True) as server:
        server.add_status("B:")
        with Asked(server.tcp_port, "B:") as asked:
            assert asked.value("PVA_CONN_CNT") == 0
            assert asked.create("PVA_GET_RATE") is not None
    with IsolatedServer() as server:
        server.add_status("B:")
        with Asked(server.tcp_port, "B:") as asked:
            assert asked.create("PVA_CONN_CNT") is None


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="of /proc")
def test_what_proc_says_is_what_psutil_says():
    own, other = Linux(), Psutil(psutil)
    assert own.descriptors() == other.descriptors() - 1  # which counts its own look
    assert own.threads() == other.threads()
    assert own.memory().total == other.memory().total
    assert own.memory().used == pytest.approx(other.memory().used, rel=0.2)
    assert own.memory().free == pytest.approx(other.memory().free, rel=0.3)
    assert own.busy_seconds() == pytest.approx(other.busy_seconds(), rel=0.05, abs=5)


class Clock:
    """A system whose processors have worked so long."""

    def __init__(self):
        self.seconds = 100.0

    def busy_seconds(self):
        return self.seconds


def test_the_load(monkeypatch):
    clock, now, own = Clock(), [1000.0], [5.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "process_time", lambda: own[0])
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    load = Load(clock)
    now[0], clock.seconds, own[0] = 1010.0, 120.0, 6.0
    assert load.since() == (pytest.approx(50), pytest.approx(2.5))
    now[0], clock.seconds = 1020.0, 110.0  # a counter that went back
    assert load.since() == (0, 0)


def test_without_psutil_elsewhere(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setitem(sys.modules, "psutil", None)
    server = IsolatedServer()
    with pytest.raises(ImportError, match=r"pip install pcaspy\[status\]"):
        server.add_status("B:")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "00:00:00"),
        (3661.9, "01:01:01"),
        (86399, "23:59:59"),
        (86400, "1 day, 00:00:00"),
        (2 * 86400 + 7, "2 days, 00:00:07"),
    ],
)
def test_the_form_of_uptime(seconds, text):
    assert duration(seconds) == text


def test_texts_fit():
    for entry in entries(["EPICS_CAS_AUTO_BEACON_ADDR_LIST"]):
        assert len(entry.desc) <= 40, entry
