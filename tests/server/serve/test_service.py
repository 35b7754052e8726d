"""`pcaspy serve` under a service manager, which a socket of the test stands for."""

import os
import pty
import signal
import subprocess
import sys
import threading
import time

import pytest

from pcaspy.host import notify
from pcaspy.testing import IsolatedServer
from pcaspy.tools import report_to_systemd
from support.environment import server_environment
from support.epics_client import ECA_NORMAL
from support.service_manager import Manager

pytestmark = pytest.mark.skipif(
    not hasattr(signal, "SIGHUP"), reason="there are no such signals and sockets"
)

ECA_NOWTACCESS = 376
ONE = '{"pvdb": {"S:A": {"value": 1}}}'
TWO = '{"pvdb": {"S:A": {"value": 2}, "S:B": {}}}'


@pytest.fixture(params=["file", "abstract"])
def manager(request, tmp_path, monkeypatch):
    """A manager; what is started from now on is its service."""
    place = f"@{tmp_path}" if request.param == "abstract" else f"{tmp_path}/notify"
    made = Manager(place)
    monkeypatch.setenv("NOTIFY_SOCKET", place)
    yield made
    made.close()


only_a_file = pytest.mark.parametrize("manager", ["file"], indirect=True)


def test_it_is_ready_when_it_serves_and_says_that_it_stops(
    manager, file, serve, client
):
    command = serve(file("s.json", ONE))
    ready = manager.next()
    assert ready["READY"] == "1"
    assert ready["STATUS"].startswith("serving 1 PV, searches on UDP port ")
    assert client.value("S:A") == 1
    command.signal(signal.SIGTERM)
    assert manager.next()["STOPPING"] == "1"
    assert command.wait()[0] == 0
    assert manager.next(0.1) is None  # without WATCHDOG_USEC there are no signs of life


@only_a_file
def test_it_is_not_ready_without_its_port(manager, file, run):
    env = server_environment(0, EPICS_CAS_INTF_ADDR_LIST="192.0.2.1")
    assert run("serve", file("s.json", ONE), env=env)[0] == 1
    assert "READY" not in (manager.next(0.1) or {})


SLOW = """\
    import os, time

    from pcaspy import Driver

    pvdb = {"S:SLOW": {}}


    class Slow(Driver):
        def write(self, reason, value):
            print("writing", flush=True)
            while not os.path.exists("%s"):
                time.sleep(0.01)
            return super().write(reason, value)
    """


@only_a_file
def test_a_hung_driver_ends_the_signs_of_life(
    manager, file, serve, client, tmp_path, monkeypatch
):
    monkeypatch.setenv("WATCHDOG_USEC", "400000")
    command = serve(file("slow.py", SLOW % (tmp_path / "go on")))
    for _ in range(4):
        assert manager.wait_for("WATCHDOG")
    client.put("S:SLOW", 1, wait=False)
    command.line_with(command.out, "writing")
    assert manager.silence("WATCHDOG", 1.2) <= 1  # one may have been on its way
    (tmp_path / "go on").touch()
    assert manager.wait_for("WATCHDOG")


@only_a_file
def test_a_hung_network_thread_ends_them_too(manager, monkeypatch):
    monkeypatch.setenv("WATCHDOG_USEC", "400000")
    server = IsolatedServer()
    assert report_to_systemd(server)
    engine = server._pcaspy.engine
    with server:
        assert manager.wait_for("READY")
        assert manager.wait_for("WATCHDOG")
        engine.prepare_fork()  # it holds that thread until the next but one line
        held = manager.silence("WATCHDOG", 1.2)
        engine.after_fork_in_parent()
        assert held <= 1
        assert manager.wait_for("WATCHDOG")
    assert manager.wait_for("STOPPING")


@only_a_file
def test_a_manager_that_does_not_read_keeps_no_driver_waiting(manager, monkeypatch):
    """A sign of life is dropped; what must arrive is sent as soon as it reads."""
    monkeypatch.setenv("WATCHDOG_USEC", "200000")
    monkeypatch.setattr(notify, "_PATIENCE", 1000.0)
    server = IsolatedServer(threaded=False)
    assert report_to_systemd(server)
    reports = server._pcaspy.companions.of_type(notify.ServiceManager)
    with server:
        assert manager.wait_for("READY")
        manager.fill()
        for _ in range(3):
            due = reports._next
            while reports._next == due:
                server.process(0.05)
        closing = threading.Thread(target=server.close)
        closing.start()
        assert manager.wait_for("STOPPING")
        closing.join()


@only_a_file
def test_signs_of_life_come_at_half_of_the_time(manager, file, serve, monkeypatch):
    monkeypatch.setenv("WATCHDOG_USEC", "1000000")
    serve(file("s.json", ONE))
    manager.wait_for("WATCHDOG")
    begin = time.monotonic()
    for _ in range(4):
        manager.wait_for("WATCHDOG")
    assert time.monotonic() - begin > 1.8  # not in each turn


@only_a_file
def test_a_watchdog_for_another_process(manager, file, serve, monkeypatch):
    monkeypatch.setenv("WATCHDOG_USEC", "100000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    serve(file("s.json", ONE))
    assert manager.wait_for("READY")
    assert manager.silence("WATCHDOG", 0.5) == 0


@pytest.mark.parametrize("place", ["relative", "vsock:2:1", "@"])
def test_a_socket_of_another_kind_is_no_reason_not_to_serve(
    place, file, serve, client, monkeypatch
):
    monkeypatch.setenv("NOTIFY_SOCKET", place)
    command = serve(file("s.json", ONE))
    assert client.value("S:A") == 1
    command.line_with(command.err, "NOTIFY_SOCKET")


def test_a_manager_that_is_gone_is_no_reason_either(
    tmp_path, file, serve, client, monkeypatch
):
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    command = serve(file("s.json", ONE))
    assert client.value("S:A") == 1
    command.line_with(command.err, "service manager")


# ---- SIGHUP ----


def microseconds():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


def reloaded(manager, command):
    """Sends the signal; the status after it."""
    begin = microseconds()
    command.signal(signal.SIGHUP)
    message = manager.wait_for("RELOADING")
    assert begin <= int(message["MONOTONIC_USEC"]) <= microseconds()
    return manager.wait_for("READY")["STATUS"]


@only_a_file
def test_a_hangup_reloads_the_file(manager, file, serve, client):
    path = file("s.json", ONE)
    command = serve(path)
    manager.wait_for("READY")
    file("s.json", TWO)
    assert reloaded(manager, command).startswith("serving 2 PVs")
    assert client.value("S:B") == 0
    file("s.json", '{"pvdb": {"S:A": {"count": 0}}}')
    assert "not reloaded" in reloaded(manager, command)
    assert str(path) in command.line_with(command.err, "count")
    assert client.value("S:B") == 0


ALL = "ASG(DEFAULT) {\n    RULE(1, WRITE)\n}\n"
SOME = "UAG(some) {nobody_at_all}\nASG(DEFAULT) {\n    RULE(1, READ)\n    "
SOME += "RULE(1, WRITE) {UAG($(WHO))}\n}\n"


@only_a_file
def test_a_hangup_reloads_the_access_file(manager, file, serve, client):
    path = file("s.acf", SOME)
    command = serve(file("s.json", ONE), "--access", path, "--macro", "WHO=some")
    manager.wait_for("READY")
    assert client.put("S:A", 5) == ECA_NOWTACCESS
    file("s.acf", ALL)
    assert "not reloaded" not in reloaded(manager, command)
    assert client.put("S:A", 6) == ECA_NORMAL
    file("s.acf", "ASG(DEFAULT) {\n    RULE(1, WRITE\n")
    assert "not reloaded" in reloaded(manager, command)
    command.line_with(command.err, str(path))
    assert client.put("S:A", 7) == ECA_NORMAL


@only_a_file
def test_nothing_is_taken_over_where_one_file_is_wrong(manager, file, serve, client):
    path = file("s.acf", ALL)
    command = serve(file("s.json", ONE), "--access", path)
    manager.wait_for("READY")
    file("s.json", "no JSON")
    file("s.acf", "ASG(DEFAULT) {\n    RULE(1, READ)\n}\n")
    assert "not reloaded" in reloaded(manager, command)
    assert client.put("S:A", 5) == ECA_NORMAL
    file("s.json", TWO)
    file("s.acf", "wrong")
    assert "not reloaded" in reloaded(manager, command)
    assert client.value("S:A") == 5
    assert client.get("S:B", seconds=0.5) == {"errorcode": 80}


@only_a_file
def test_a_module_begins_anew_as_the_same_process(manager, file, serve, client):
    text = 'pvdb = {"S:PID": {"value": %d, "type": "int"}}\n'
    path = file("s.py", text % 1)
    command = serve(path)
    manager.wait_for("READY")
    file("s.py", text % 2)
    command.signal(signal.SIGHUP)
    manager.wait_for("RELOADING")
    assert "READY" in manager.next()  # and nothing of a stop comes between
    assert client.value("S:PID") == 2
    command.signal(signal.SIGHUP)  # the handler is there again
    manager.wait_for("READY")


@only_a_file
def test_a_wrong_module_stays_as_it_was(manager, file, serve, client):
    path = file("s.py", 'pvdb = {"S:A": {"value": 1}}\n')
    command = serve(path)
    manager.wait_for("READY")
    file("s.py", "pvdb = 1 / 0\n")
    assert "not reloaded" in reloaded(manager, command)
    command.line_with(command.err, "ZeroDivisionError")
    assert client.value("S:A") == 1


def test_the_end_of_its_terminal_ends_it(file, port):
    """Without a service manager it is a command like others."""
    master, slave = pty.openpty()

    def take_terminal():
        import fcntl
        import termios

        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

    process = subprocess.Popen(
        [sys.executable, "-m", "pcaspy", "serve", str(file("s.json", ONE))],
        env=server_environment(port),
        stdin=slave,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=take_terminal,
    )
    os.close(slave)
    try:
        assert "serving" in process.stdout.readline()
        os.close(master)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.communicate()


# ---- programs ----

PROGRAM = """\
from pcaspy import SimpleServer

server = SimpleServer()
server.createPV("S:", {"A": {}})
server.run()
"""


@only_a_file
def test_a_program_that_runs_a_server(manager, port):
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        env=server_environment(port, WATCHDOG_USEC="200000"),
        stdout=subprocess.DEVNULL,
    )
    try:
        assert manager.wait_for("READY")["STATUS"].startswith("serving 1 PV")
        assert manager.wait_for("WATCHDOG")
        process.send_signal(signal.SIGTERM)
        assert manager.wait_for("STOPPING")
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()


@only_a_file
def test_a_child_of_the_service_says_nothing(manager, monkeypatch):
    monkeypatch.setenv("WATCHDOG_USEC", "100000")
    server = IsolatedServer()
    assert report_to_systemd(server)
    with server:
        manager.wait_for("READY")
        pid = os.fork()
        if pid == 0:
            server.process(0.5)
            server.close()
            os._exit(0)
        server.close()
        manager.wait_for("STOPPING")
        assert os.waitpid(pid, 0)[1] == 0
        assert manager.next(0.1) is None


def test_without_a_manager_there_is_nobody_to_tell(monkeypatch):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert not report_to_systemd(IsolatedServer())


# ---- exit status ----


def test_exit_status_of_wrong_files_and_arguments(file, run, tmp_path):
    path, wrong = file("s.json", ONE), file("wrong.acf", "ASG(DEFAULT) {")
    status, _, err = run("serve", path, "--access", wrong)
    assert (status, str(wrong) in err, "Traceback" in err) == (1, True, False)
    status, _, err = run("serve", path, "--access", tmp_path / "none.acf")
    assert (status, "none.acf" in err, "Traceback" in err) == (1, True, False)
    assert run("serve", path, "--macro", "NAME")[0] == 2
    status, _, err = run("serve", path, "--put-log", "puts.log,which=some")
    assert (status, "which" in err) == (2, True)
    env = {**os.environ, "PCASPY_PUT_LOG": "tcp://"}
    status, _, err = run("serve", path, env=env)
    assert (status, "PCASPY_PUT_LOG" in err, "Traceback" in err) == (1, True, False)
