"""Status PVs of a server: what clients can do with them, and when they are there."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import threading
import time
import weakref

import psutil
import pytest
from status_support import Asked, wait_until

from pcaspy import Driver, SimpleServer
from pcaspy.driver import manager
from pcaspy.native._tables import instance_counts
from pcaspy.status.entries import COUNTS, RATES, entries
from pcaspy.status.system import Linux, Load, Psutil
from pcaspy.status.texts import duration
from pcaspy.testing import IsolatedServer
from pcaspy.tools import ServerThread
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


# ---- when ----


def beats(asked):
    return asked.value("HEARTBEAT")


def test_before_the_start_and_after_it():
    server = IsolatedServer()
    server.add_status("B:", period=0.1)
    with server:
        server.add_status("C:", period=0.1)
        for prefix in ("B:", "C:"):
            with Asked(server.tcp_port, prefix) as asked:
                for name in ("STARTTOD", "MEM_USED", "CA_CLNT_CNT", "REQ_QUEUED"):
                    assert asked.severity(name) == 0, name  # from the first moment
                first = beats(asked)
                asked.wait_for("HEARTBEAT", lambda n, first=first: n > first)


def test_closed_and_started_again():
    server = IsolatedServer()
    server.add_status("B:", period=0.1)
    for number in (1, 2, 3):
        server.start()
        with Asked(server.tcp_port, "B:") as asked:
            assert asked.value("START_CNT") == number
            assert asked.value("UPTIME") == b"00:00:00"
            asked.wait_for("HEARTBEAT", lambda n: n > 2)
        server.close()
        names = [thread.name for thread in threading.enumerate()]
        assert "pcaspy status" not in names


def test_a_process_call_is_enough():
    server = IsolatedServer(threaded=False)
    server.add_status("B:", period=0.1)
    with server, Asked(server.tcp_port, "B:") as asked:
        first = beats(asked)
        wait_until(lambda: (server.process(0.01), beats(asked) > first)[1])


def test_run(capsys):
    server = IsolatedServer()
    server.createPV("U:", {"X": {}})
    server.add_status("B:", period=0.1)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.tcp_port:
        time.sleep(0.01)
    with Asked(server.tcp_port, "B:") as asked:
        asked.wait_for("HEARTBEAT", lambda n: n > 2)
        assert asked.put("ACCESS", "Test") == ECA_NORMAL
    server.close()
    thread.join()
    assert "serving 1 PV on" in capsys.readouterr().out


def test_in_an_event_loop():
    server = IsolatedServer()
    server.add_status("B:", period=0.1)

    async def main():
        serving = asyncio.ensure_future(server.serve())
        while not server.tcp_port:
            await asyncio.sleep(0.01)

        def look():
            with Asked(server.tcp_port, "B:") as asked:
                first = beats(asked)
                asked.wait_for("HEARTBEAT", lambda n: n > first)
                assert asked.put("ACCESS", "Test") == ECA_NORMAL
                return asked.value("BUSY_TIME")

        busy = await asyncio.to_thread(look)
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        return busy

    assert asyncio.run(main()) == 0


def test_an_event_loop_that_hangs():
    server = IsolatedServer()
    server.add_status("B:", period=0.1)

    async def main():
        serving = asyncio.ensure_future(server.serve())
        while not server.tcp_port:
            await asyncio.sleep(0.01)
        over = threading.Event()

        def look():
            try:
                with Asked(server.tcp_port, "B:") as asked:
                    asked.wait_for("BUSY_TIME", lambda seconds: seconds > 0.3)
                    over.set()
                    asked.wait_for("BUSY_TIME", lambda seconds: seconds == 0)
            finally:
                over.set()

        looking = asyncio.ensure_future(asyncio.to_thread(look))
        await asyncio.sleep(0.2)
        over.wait(60)
        await looking
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)

    asyncio.run(main())


class Slow(Driver):
    """A write that waits to be let go."""

    def __init__(self):
        super().__init__()
        self.go_on = threading.Event()

    def write(self, reason, value):
        self.go_on.wait(60)
        return True


def test_a_driver_that_hangs():
    server = IsolatedServer()
    server.createPV("U:", {"X": {}})
    server.add_status("B:", period=0.1)
    driver = Slow()
    with server, Asked(server.tcp_port, "") as asked:
        assert asked.value("B:BUSY_TIME") == 0
        channel = asked.create("U:X")
        asked.circuit.write(channel, 0, b"1".ljust(8, b"\0"))
        with Asked(server.tcp_port, "B:") as other:
            first = beats(other)
            other.wait_for("BUSY_TIME", lambda seconds: seconds > 2.1)
            assert other.severity("BUSY_TIME") == 1
            assert beats(other) > first  # who looks goes on
            driver.go_on.set()
            other.wait_for("BUSY_TIME", lambda seconds: seconds == 0)


def test_nobody_calls_process():
    server = IsolatedServer(threaded=False)
    server.createPV("U:", {"X": {}})
    server.add_status("B:", period=0.1)
    driver = Driver()
    with server, Asked(server.tcp_port, "") as asked:
        time.sleep(0.7)
        assert asked.value("B:BUSY_TIME") == 0  # nothing waits
        asked.circuit.write(asked.create("U:X"), 0, b"1".ljust(8, b"\0"))
        with Asked(server.tcp_port, "B:") as other:
            other.wait_for("BUSY_TIME", lambda seconds: seconds > 0.5)
            other.wait_for("REQ_QUEUED", lambda count: count == 1)
            wait_until(lambda: (server.process(0.01), driver.getParam("X") == 1)[1])
            other.wait_for("REQ_QUEUED", lambda count: count == 0)
            other.wait_for("BUSY_TIME", lambda seconds: seconds == 0)


NO_DESCRIPTORS = """
import os, resource, sys
from pcaspy.testing import IsolatedServer
from status_support import Asked

server = IsolatedServer()
server.add_status("B:", period=0.1)
with server, Asked(server.tcp_port, "B:") as asked:
    asked.put("FD_UPD_TIME", "1")
    asked.put("MEM_UPD_TIME", "1")
    used = len(os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (used + 50, used + 50))
    taken = []
    try:
        while True:
            taken.append(os.dup(0))
    except OSError:
        pass
    asked.wait_for("FD_FREE", lambda free: free == 0)
    assert asked.severity("FD_FREE") == 2
    assert asked.value("FD_CNT") == asked.value("FD_MAX") == used + 50
    first = asked.value("HEARTBEAT")
    asked.wait_for("HEARTBEAT", lambda beats: beats > first + 3)
    for descriptor in taken:
        os.close(descriptor)
    asked.wait_for("FD_FREE", lambda free: free > 40)
    assert asked.severity("FD_FREE") == 0
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="of /proc")
def test_without_a_free_descriptor():
    here = os.path.dirname(__file__)
    env = {**os.environ, "PYTHONPATH": f"{here}:{here}/../.."}
    done = subprocess.run(
        [sys.executable, "-c", NO_DESCRIPTORS],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_look_that_fails(server, asked, monkeypatch, caplog):
    """It is told once; the others go on."""

    def broken(self):
        raise ValueError("no memory")

    monkeypatch.setattr(Linux, "memory", broken)
    assert asked.put("MEM_UPD_TIME", "1") == ECA_NORMAL
    wait_until(lambda: "memory" in caplog.text)
    first = beats(asked)
    asked.wait_for("HEARTBEAT", lambda n: n > first + 12)
    assert caplog.text.count("status PVs are not updated (memory)") == 1


def test_in_the_child_of_a_fork():
    server = IsolatedServer(threaded=False)
    server.add_status("B:", period=0.1)
    with server:
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                server.close()
                server.start()
                with Asked(server.tcp_port, "B:") as asked:
                    asked.wait_for("HEARTBEAT", lambda n: n > 2)
                    own = asked.value("PROCESS_ID"), asked.value("PARENT_ID")
                os.write(writing, repr((*own, os.getpid(), os.getppid())).encode())
            finally:
                os._exit(0)
        os.waitpid(pid, 0)
        found, parent, child, parent_of_child = eval(os.read(reading, 1000))
        assert (found, parent) == (child, parent_of_child) == (pid, os.getpid())
        with Asked(server.tcp_port, "B:") as asked:
            assert asked.value("PROCESS_ID") == os.getpid()
            first = beats(asked)
            asked.wait_for("HEARTBEAT", lambda n: n > first)


def test_forks_while_it_looks():
    server = IsolatedServer(threaded=False)
    server.add_status("B:", period=0.1)
    with server:
        for _ in range(20):
            pid = os.fork()
            if pid == 0:
                server.close()
                os._exit(7)
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7


def test_a_deleted_server_leaves_nothing():
    gc.collect()
    before = instance_counts()["Pv"]
    server = SimpleServer(
        port=0,
        interfaces=["127.0.0.1"],
        beacon_addresses=[],
        auto_beacon_addresses=False,
    )
    server.add_status("B:", period=0.1)
    gone = weakref.ref(server)
    with ServerThread(server) as thread:
        while not server.tcp_port:
            time.sleep(0.01)
        assert instance_counts()["Pv"] > before + 60
    del thread, server
    gc.collect()
    assert gone() is None
    wait_until(lambda: (gc.collect(), instance_counts()["Pv"] == before)[1])
    assert "pcaspy status" not in [thread.name for thread in threading.enumerate()]


def test_the_next_server_may_have_the_names():
    server = IsolatedServer()
    server.add_status("B:")
    del server
    gc.collect()
    again = IsolatedServer()
    again.createPV("B:", {"HEARTBEAT": {"value": 5}})
    with again, Asked(again.tcp_port, "B:") as asked:
        Driver()
        assert asked.create("UPTIME") is None


def test_who_does_not_want_them_has_no_thread_and_no_module():
    script = """
import sys, threading
from pcaspy.testing import IsolatedServer
with IsolatedServer():
    names = [thread.name for thread in threading.enumerate()]
    mine = ("pcaspy.status", "pcaspy.snoop")
    print([module for module in sys.modules if module.startswith(mine)])
    print([name for name in names if "status" in name])
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n[]\n"


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
