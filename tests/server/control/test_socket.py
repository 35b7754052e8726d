"""The socket itself: who may connect, which ones there are, forks, hostile clients."""

import contextlib
import json
import os
import resource
import signal
import socket
import stat
import subprocess
import sys
import threading
import time

import pytest
from control_support import DEADLINE, Served, eventually

from pcaspy import SimpleServer
from pcaspy.control import client, folder, service
from pcaspy.control.client import Control, ControlError, find, found
from pcaspy.testing import IsolatedServer

MIB = 1 << 20


def raw(path):
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(DEADLINE)
    sock.connect(str(path))
    return sock


def test_only_its_user_can_connect(served, runtime):
    where = runtime / "pcaspy"
    assert stat.S_IMODE(where.stat().st_mode) == 0o700
    assert stat.S_IMODE(served.path.stat().st_mode) == 0o600
    assert served.path.parent == where
    assert served.path.name.startswith(f"{os.getpid()}-")


@pytest.mark.parametrize("mask", [0o000, 0o777])
def test_the_modes_do_not_depend_on_the_umask(runtime, monkeypatch, mask):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime / f"mask{mask}"))
    (runtime / f"mask{mask}").mkdir()
    before = os.umask(mask)
    try:
        server = IsolatedServer(control="masked", threaded=False)
        server.start()
    finally:
        os.umask(before)
    try:
        where = runtime / f"mask{mask}" / "pcaspy"
        assert stat.S_IMODE(where.stat().st_mode) == 0o700
        (file,) = where.iterdir()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert find("masked").path == file
    finally:
        server.close()


@pytest.mark.parametrize("how", ["open to others", "a link", "a file"])
def test_an_unsafe_folder_is_not_used(runtime, monkeypatch, caplog, how):
    base = runtime / how.replace(" ", "-")
    base.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(base))
    if how == "open to others":
        (base / "pcaspy").mkdir()
        (base / "pcaspy").chmod(0o755)
    elif how == "a link":
        (base / "real").mkdir(0o700)
        (base / "pcaspy").symlink_to(base / "real")
    else:
        (base / "pcaspy").write_text("")
    with IsolatedServer(control=True):
        assert "there is no control socket" in caplog.text
    with pytest.raises(PermissionError):
        found()
    assert list(base.rglob("*.sock")) == []


def test_a_folder_of_another_user_is_not_used(runtime, monkeypatch):
    (runtime / "theirs").mkdir(0o700)
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    with pytest.raises(PermissionError, match="another user"):
        folder.check(runtime / "theirs")


def test_the_folder_without_a_runtime_folder_is_in_tmp(monkeypatch):
    for value in ("", "relative/path"):
        monkeypatch.setenv("XDG_RUNTIME_DIR", value)
        assert str(folder.folder()) == f"/tmp/pcaspy-{os.getuid()}"


def test_sockets_come_and_go_with_the_server(runtime):
    server = IsolatedServer(control="comes", threaded=False)
    assert found() == []
    for _ in range(3):
        server.start()
        assert [one.name for one in found()] == ["comes"]
        server.close()
        assert found() == []
        assert list((runtime / "pcaspy").iterdir()) == []


def test_a_socket_of_a_dead_process_is_removed(runtime):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left = runtime / "pcaspy" / f"{dead.pid}-1.sock"
    left.parent.mkdir(0o700, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(left))
    assert left.exists()
    assert found() == []
    with Served() as served:
        assert not left.exists()
        assert served.path.exists()


def test_a_socket_that_answers_stays_whatever_its_pid(runtime, monkeypatch):
    """In another container it may have a PID that does not exist here."""
    monkeypatch.setattr(client, "_HELLO", 0.05)
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left = runtime / "pcaspy" / f"{dead.pid}-1.sock"
    left.parent.mkdir(0o700, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(left))
        sock.listen()
        with Served():
            assert left.exists()
    left.unlink()


def test_what_is_no_socket_of_ours_stays(runtime):
    (runtime / "pcaspy").mkdir(0o700, exist_ok=True)
    for name in ("notes", "12.sock", "1-x.sock", "0-1.sock", "1-1.sock.bak"):
        (runtime / "pcaspy" / name).write_text("")
    with Served() as served:
        assert [one.name for one in found()] == [served.name]
    kept = {path.name for path in (runtime / "pcaspy").iterdir()}
    assert kept == {"notes", "12.sock", "1-x.sock", "0-1.sock", "1-1.sock.bak"}
    for name in kept:
        (runtime / "pcaspy" / name).unlink()


# ---- which server ----


def test_servers_are_found_by_name_pid_number_and_path():
    with pytest.raises(LookupError, match="no server"):
        find(None)
    with Served() as one:
        assert find(None) == find(one.name) == find(str(os.getpid()))
        assert find(str(one.path)).name == one.name
        with Served() as other:
            assert {server.name for server in found()} == {one.name, other.name}
            number = find(other.name).number
            assert find(f"{os.getpid()}-{number}").name == other.name
            for what in (None, str(os.getpid())):
                with pytest.raises(LookupError, match="several servers"):
                    find(what)
            with pytest.raises(LookupError, match=f"no server 'x'.*{other.name}"):
                find("x")


def test_a_server_that_does_not_answer_is_found_without_name(monkeypatch):
    monkeypatch.setattr(client, "_HELLO", 0.1)
    code = """
import time
from pcaspy.testing import IsolatedServer
with IsolatedServer(control="stopped"):
    print("READY", flush=True)
    time.sleep(60)
"""
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    try:
        assert child.stdout.readline()
        child.send_signal(signal.SIGSTOP)
        one = find(str(child.pid))
        assert (one.pid, one.name) == (child.pid, "")
        child.send_signal(signal.SIGCONT)
        eventually(lambda: find(str(child.pid)).name == "stopped")
    finally:
        child.kill()
        child.communicate()
    # Killed, it has left its socket.
    assert one.path.exists()
    assert found() == []


# ---- on and off ----


@pytest.mark.parametrize(
    ("variable", "given", "on"),
    [
        (None, None, False),
        ("NO", None, False),
        ("YES", None, True),
        ("yes", None, True),
        ("axis", None, "axis"),
        ("YES", False, False),
        ("NO", True, True),
        ("axis", "other", "other"),
    ],
)
def test_control_is_on_where_it_is_switched_on(monkeypatch, variable, given, on):
    if variable is not None:
        monkeypatch.setenv("PCASPY_CONTROL", variable)
    monkeypatch.setattr(sys, "argv", ["/some/where/program.py"])
    server = IsolatedServer(control=given, threaded=False)
    server.start()
    try:
        names = [one.name for one in found()]
    finally:
        server.close()
    assert names == ([] if not on else ["program"] if on is True else [on])


@pytest.mark.parametrize("name", ["", "a b", "1234", "a/b", "x" * 65, 3, "a\n"])
def test_a_bad_name_is_refused(name):
    with pytest.raises(ValueError, match="control is"):
        SimpleServer(port=0, control=name)


def test_without_unix_sockets_it_is_said(monkeypatch):
    monkeypatch.setattr(folder, "SUPPORTED", False)
    with pytest.raises(OSError, match="Unix sockets"):
        SimpleServer(port=0, control=True)
    with pytest.raises(OSError, match="Unix sockets"):
        found()


def test_a_server_without_it_has_no_thread_and_loads_nothing():
    code = """
import sys, threading
from pcaspy.testing import IsolatedServer
with IsolatedServer() as server:
    print([m for m in sys.modules if m.startswith("pcaspy.control")
           or m == "pcaspy.native._inspect"])
    print([t.name for t in threading.enumerate() if "control" in t.name])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["[]", "[]"]


# ---- forks ----


def test_a_child_leaves_the_socket_to_its_parent(served):
    other = served.connect()
    assert other.ask("hello")["pid"] == os.getpid()
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        with contextlib.suppress(BaseException):
            names = [thread.name for thread in threading.enumerate()]
            served.server.close()
            os.write(write, json.dumps(names).encode())
            code = 0
        os._exit(code)
    os.close(write)
    with os.fdopen(read, "rb") as lines:
        names = json.loads(lines.read())
    assert os.waitpid(pid, 0)[1] == 0
    assert "pcaspy control" not in names
    assert served.path.exists()
    assert other.ask("hello")["pid"] == os.getpid()
    assert served.connect().ask("hello")["pid"] == os.getpid()


def test_a_child_that_serves_has_a_socket_of_its_own(served):
    ready, written = os.pipe()
    done, stop = os.pipe()
    pid = os.fork()
    if pid == 0:
        with contextlib.suppress(BaseException):
            os.close(stop)
            served.server.start()
            os.write(written, b"x")
            os.read(done, 1)
            served.server.close()
        os._exit(0)
    os.close(done)
    try:
        assert os.read(ready, 1) == b"x"
        pids = {one.pid: one for one in found()}
        assert pids.keys() == {os.getpid(), pid}
        with Control(pids[pid].path) as control:
            assert control.ask("hello")["pid"] == pid
            names = [row["pv"] for row in control.ask("pvs")["rows"]]
        assert names == [row["pv"] for row in served.ask("pvs")["rows"]]
    finally:
        os.close(stop)
        os.waitpid(pid, 0)
    assert served.ask("hello")["pid"] == os.getpid()
    assert [one.pid for one in found()] == [os.getpid()]


def test_forks_while_clients_ask(served):
    stop = threading.Event()
    failures = []

    def ask():
        try:
            with Control(served.path, timeout=DEADLINE) as control:
                while not stop.is_set():
                    for do in ("pvs", "circuits", "slow", "misses", "stats"):
                        control.ask(do)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(20):
            pid = os.fork()
            if pid == 0:
                code = 1
                with contextlib.suppress(BaseException):
                    served.driver.setParam("POS", 1)
                    served.driver.updatePV("POS")
                    code = 0
                os._exit(code)
            assert os.waitpid(pid, 0)[1] == 0
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert failures == []


# ---- hostile clients ----


def answers_promptly(served):
    """Another client is served, and so is Channel Access."""
    with Control(served.path, timeout=DEADLINE) as control:
        assert control.ask("hello")["pid"] == os.getpid()


@pytest.mark.parametrize(
    "garbage",
    [
        b"\n",
        b"nonsense\n",
        b"\xff\xfe\x00\n",
        b"[1,2]\n",
        b"3\n",
        b'{"do":\n',
        b'{"do": NaN}\n',
        b'{"id": ' + b"9" * 100_000 + b', "do": "hello"}\n',
        b"[" * 200_000 + b"\n",
        b'{"a":' * 100_000 + b"\n",
        b'{"do": "hello"' + b"\x00" * 1000 + b"}\n",
    ],
)
def test_garbage_is_answered_with_an_error_and_no_more(shared, garbage):
    with raw(shared.path) as sock:
        sock.sendall(garbage + b'{"id": 5, "do": "hello"}\n')
        lines = sock.makefile("rb")
        first = json.loads(lines.readline())
        assert first["error"]
        assert first["id"] is None
        assert json.loads(lines.readline())["id"] == 5


def test_strange_ids_do_no_harm(shared):
    with raw(shared.path) as sock:
        lines = sock.makefile("rb")
        for number in (b"1e999", b"[1]", b"{}", b"true", b"null"):
            sock.sendall(b'{"id": ' + number + b', "do": "hello"}\n')
            answer = json.loads(lines.readline())
            assert answer["id"] in (None, True)
            assert answer["result"]["pid"] == os.getpid()


def test_a_line_without_end_is_cut_off(shared):
    with raw(shared.path) as sock:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for _ in range(64):
                sock.sendall(b"x" * (1 << 16))
        with contextlib.suppress(ConnectionResetError):
            text = sock.makefile("rb").read()
            if text:
                assert b"1 MiB" in text
    answers_promptly(shared)


def test_a_request_of_nearly_a_mebibyte_is_taken(shared):
    with raw(shared.path) as sock:
        filler = "x" * (MIB - 100)
        sock.sendall(
            json.dumps({"id": 1, "do": "hello", "more": filler}).encode() + b"\n"
        )
        assert json.loads(sock.makefile("rb").readline())["id"] == 1


def test_a_client_that_shuts_down_its_side_gets_its_answers(shared):
    with raw(shared.path) as sock:
        sock.sendall(b'{"id":1,"do":"hello"}\n{"id":2,"do":"pvs"}\nhalf a li')
        sock.shutdown(socket.SHUT_WR)
        lines = sock.makefile("rb").read().splitlines()
    assert [json.loads(line)["id"] for line in lines] == [1, 2]


def test_a_million_requests_that_nobody_reads_cost_no_memory(served):
    with raw(served.path) as sock:
        sock.setblocking(False)
        data = b'{"id":1,"do":"stats"}\n' * 1000
        sent = 0
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        until = time.monotonic() + 0.3
        for _ in range(1000):
            try:
                sent += sock.send(data)
            except BlockingIOError:
                answers_promptly(served)
                if time.monotonic() > until:
                    break
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert sent
    assert after - before < 32 << 10  # KiB
    answers_promptly(served)


def test_answers_that_are_read_late_are_whole_and_in_order(shared):
    with raw(shared.path) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        count = 400
        sock.sendall(b"".join(b'{"id":%d,"do":"stats"}\n' % n for n in range(count)))
        run = shared.server._pcaspy.companions._members[0]._run
        eventually(lambda: any(client.sends for client in run._connections))
        for _ in range(5):
            answers_promptly(shared)
        lines = sock.makefile("rb")
        assert [json.loads(lines.readline())["id"] for _ in range(count)] == [
            *range(count)
        ]


def test_requests_of_one_client_do_not_keep_others_waiting(shared):
    stop = threading.Event()

    def flood():
        with raw(shared.path) as sock:
            lines = sock.makefile("rb")
            while not stop.is_set():
                sock.sendall(b'{"id":1,"do":"pvs","sort":"value"}\n' * 100)
                for _ in range(100):
                    lines.readline()

    threads = [threading.Thread(target=flood, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(10):
            answers_promptly(shared)
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_there_is_a_limit_of_connections(served):
    held = []
    try:
        for _ in range(service.MOST - 1):
            held.append(served.connect())
            held[-1].ask("hello")
        with raw(served.path) as one_more:
            assert b"too many" in one_more.makefile("rb").read()
        held.pop().close()
        eventually(lambda: _asks(served))
    finally:
        for control in held:
            control.close()


def _asks(served):
    try:
        answers_promptly(served)
    except (OSError, ControlError):
        return False
    return True


def test_one_that_is_idle_makes_room(served, monkeypatch):
    monkeypatch.setattr(service, "_IDLE", 0.0)
    held = [served.connect() for _ in range(service.MOST + 5)]
    for control in held[-5:]:
        control.ask("hello")
    gone = 0
    for control in held[:10]:
        with contextlib.suppress(OSError):
            control.ask("hello")
            continue
        gone += 1
    assert gone >= 5


def test_a_client_that_never_reads_is_dropped(served, monkeypatch):
    monkeypatch.setattr(service, "_STUCK", 0.2)
    with raw(served.path) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.sendall(b'{"do":"pvs","limit":1000}\n' * 2000)
        run = served.server._pcaspy.companions._members[0]._run
        eventually(lambda: len(run._connections) <= 1)
        eventually(lambda: not any(c.sends for c in run._connections))


def test_the_server_ends_while_clients_ask():
    served = Served()
    with served:
        stuck = raw(served.path)
        stuck.sendall(b'{"do":"pvs"}\n' * 1000 + b"half")
        control = served.connect()
        control.ask("hello")
    stuck.close()
    with pytest.raises(OSError):  # noqa: PT011
        control.ask("hello")
    assert not served.path.exists()


def test_an_answer_that_comes_too_late_is_skipped(runtime):
    """By the client: it belongs to a request that it has given up."""
    path = runtime / "late.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        control = Control(path, timeout=0.2)
        peer, _ = listener.accept()
        with peer, control:
            with pytest.raises(TimeoutError):
                control.ask("hello")
            peer.sendall(b'{"id":1,"result":{"late":1}}\n{"id":2,"result":{"now":1}}\n')
            assert control.ask("hello") == {"now": 1}
            for answer in (b"nonsense\n", b"[]\n", b'{"id":4}\n'):
                peer.sendall(answer.replace(b"4", b"5"))
                with pytest.raises(OSError):  # noqa: PT011
                    control.ask("hello")
