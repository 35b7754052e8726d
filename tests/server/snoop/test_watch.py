"""A watch on loopback, with sockets: questions, answers, beacons, floods."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time

import pytest

from pcaspy import Driver
from pcaspy.snoop import sockets, watch
from pcaspy.snoop.book import Book
from pcaspy.snoop.report import News, Report
from pcaspy.snoop.watch import Watch
from pcaspy.testing import IsolatedServer
from support import wire
from support.environment import without_epics
from support.ports import free_port
from support.wire import RSRV_IS_UP, pack, unpack_all

SECONDS = 60.0  # only against hanging
linux = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="the broadcast address of loopback"
)
pytestmark = linux


class Running:
    """A watch in a thread."""

    def __init__(self, **options):
        self.port, self.beacons = free_port(), free_port()
        options = {"patience": 0.2, **options}
        self.watch = Watch(
            self.port, "127.0.0.1", options.pop("repeater", self.beacons), **options
        )
        self.book = self.watch.book
        self.ends = False
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.ends:
            self.watch.run(time.monotonic() + 0.02)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.ends = True
        self.thread.join()
        self.watch.close()

    def wait_for(self, holds):
        deadline = time.monotonic() + SECONDS
        while not (found := holds()):
            assert time.monotonic() < deadline, "not in time"
            time.sleep(0.01)
        return found

    def name(self, name, state=None):
        """What is known of a name, once it is of that state."""

        def look():
            found = self.book.names.get(name)
            if found is not None and state in (None, found.state):
                return found
            return None

        return self.wait_for(look)


@contextlib.contextmanager
def client():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(SECONDS)
        yield sock


def search(sock, port, *names):
    data = wire.version(1) + b"".join(wire.search_request(n, 1) for n in names)
    sock.sendto(data, (sockets.LOOPBACK, port))


@contextlib.contextmanager
def server(port, *reasons):
    """Hears broadcasts on loopback, as one that listens on all addresses does."""
    with IsolatedServer(interfaces=["127.0.0.1"], udp_port=port, tcp_port=0) as made:
        made.createPV("S:", {reason: {} for reason in reasons})
        Driver()
        yield made


def test_found_and_missing():
    with Running() as running, server(running.port, "A") as made, client() as sock:
        search(sock, running.port, "S:A", "S:NONE")
        found = running.name(b"S:A", "found")
        assert list(found.servers) == [("127.0.0.1", made.tcp_port)]
        missing = running.name(b"S:NONE", "missing")
        assert (missing.count, list(missing.clients)) == (1, ["127.0.0.1"])
        assert missing.asked == 2
        assert found.asked == 1


def test_two_servers_with_a_name():
    with Running() as running, contextlib.ExitStack() as stack:
        ports = {
            stack.enter_context(server(running.port, "A", "B")).tcp_port,
            stack.enter_context(server(running.port, "A")).tcp_port,
        }
        with client() as sock:
            search(sock, running.port, "S:A", "S:B")
            running.wait_for(lambda: len(running.name(b"S:A").servers) == 2)
            running.name(b"S:B", "found")
        assert {port for _, port in running.name(b"S:A").servers} == ports
        report = Report(running.watch, 50)
        (warning,) = [line for line in report.lines() if "WARNING" in line]
        assert "S:A is served by" in warning
        by_name = {row["name"]: row for row in report.as_dict()["names"]}
        assert len(by_name["S:A"]["servers"]) == 2
        assert len(by_name["S:B"]["servers"]) == 1


def test_clients_get_their_answers_all_the_same():
    """The watch takes no search from a server."""
    with Running() as running, server(running.port, "A") as made, client() as sock:
        for _ in range(20):
            data = wire.version(1) + wire.search_request("S:A", 1)
            sock.sendto(data, ("127.0.0.1", running.port))
            _, hit = unpack_all(sock.recv(2048))
            assert hit.type == made.tcp_port


def test_without_asking():
    with Running(asks=False) as running, server(running.port, "A") as made:
        with client() as sock:
            search(sock, running.port, "S:A", "S:NONE")
            running.name(b"S:NONE")
        assert made.stats()["searches"] == 2  # the client's
        lines = News(running.watch).lines()
        assert "S:A: searched (asked by 127.0.0.1)" in lines
        assert {
            row["state"] for row in Report(running.watch, 9).as_dict()["names"]
        } == {"unknown"}


def test_a_name_is_asked_for_at_most_twice_however_often_it_is_searched():
    with Running() as running, server(running.port, "A") as made, client() as sock:
        for _ in range(50):
            search(sock, running.port, "S:A", "S:NONE")
        running.name(b"S:NONE", "missing")
        assert running.name(b"S:NONE").count == 50
        assert running.book.counts["asked"] == 3
        assert made.stats()["searches"] == 103


def test_answers_that_nobody_asked_for():
    with Running() as running, client() as sock:
        search(sock, running.port, "A", "B")
        running.name(b"A", "missing")
        port = running.watch.parts[0].questions.socket.getsockname()[1]
        for cid in range(100):
            reply = pack(wire.SEARCH, b"\0" * 8, type=5064, p1=0xFFFFFFFF, p2=cid)
            sock.sendto(reply + b"\xff" * 20, ("127.0.0.1", port))
        search(sock, running.port, "LAST")
        running.name(b"LAST")
        assert not running.name(b"A").servers


# ---- beacons ----


def registered(sock, port):
    sock.sendto(pack(24, p2=0x7F000001), ("127.0.0.1", port))
    (confirmed,) = unpack_all(sock.recv(100))
    assert confirmed.command == 17
    assert confirmed.p2 == 0x7F000001


def test_beacons_where_there_is_no_repeater():
    """The watch is one meanwhile: clients of this host get copies."""
    with Running() as running, client() as sock, client() as of_server:
        assert running.watch.beacons.is_repeater
        registered(sock, running.beacons)
        beacon = pack(RSRV_IS_UP, type=13, count=5064, p1=1)
        of_server.sendto(beacon, ("127.0.0.1", running.beacons))
        (copy,) = unpack_all(sock.recv(100))
        assert (copy.command, copy.count, copy.p1) == (RSRV_IS_UP, 5064, 1)
        assert copy.p2 == 0x7F000001
        running.wait_for(lambda: ("127.0.0.1", 5064) in running.book.servers)


def test_beacons_from_a_repeater():
    with Running() as first:
        with Running(repeater=first.beacons) as second, client() as of_server:
            assert not second.watch.beacons.is_repeater
            second.wait_for(lambda: second.watch.beacons.registered)
            for number in (5, 6, 0):
                beacon = pack(RSRV_IS_UP, type=13, count=5064, p1=number)
                of_server.sendto(beacon, ("127.0.0.1", first.beacons))
            for running in (first, second):
                running.wait_for(
                    lambda r=running: (
                        (s := r.book.servers.get(("127.0.0.1", 5064))) and s.restarts
                    )
                )
        news = News(first.watch).lines()
        assert news == ["server 127.0.0.1:5064 (ca): beacons"]


def heard(sock, running):
    """Whether this client gets a copy of a beacon that comes now."""
    with client() as of_server:
        number = next(_numbers)
        beacon = pack(RSRV_IS_UP, type=13, count=5064, p1=number)
        of_server.sendto(beacon, ("127.0.0.1", running.beacons))
    while True:
        (copy,) = unpack_all(sock.recv(100))
        if copy.command == RSRV_IS_UP and copy.p1 == number:
            return True


_numbers = itertools.count(1)


def test_the_repeater_forgets_clients_that_have_ended_and_no_others():
    with Running() as running, contextlib.ExitStack() as stack:
        first = stack.enter_context(client())
        registered(first, running.beacons)
        with contextlib.ExitStack() as for_a_while:
            for _ in range(300):
                registered(for_a_while.enter_context(client()), running.beacons)
            assert len(running.watch.beacons._clients) == 301
            assert heard(first, running)
        later = [stack.enter_context(client()) for _ in range(300)]
        for sock in later:
            registered(sock, running.beacons)
        known = set(running.watch.beacons._clients)
        assert {sock.getsockname()[1] for sock in (first, *later)} <= {
            port for _, port in known
        }
        assert len(known) < 450
        assert heard(first, running)


def test_registrations_are_bounded(monkeypatch):
    monkeypatch.setattr(watch, "_FEW_REGISTERED", 5)
    monkeypatch.setattr(watch, "_MOST_REGISTERED", 10)
    with Running() as running, contextlib.ExitStack() as stack:
        for _ in range(50):
            last = stack.enter_context(client())
            registered(last, running.beacons)
        assert len(running.watch.beacons._clients) <= 20
        assert heard(last, running)


# ---- much of it, and anything ----


def test_random_datagrams():
    draw = random.Random(3)
    with Running() as running, client() as sock:
        places = [
            (sockets.LOOPBACK, running.port),
            ("127.0.0.1", running.beacons),
            ("127.0.0.1", running.watch.parts[0].questions.socket.getsockname()[1]),
        ]
        right = wire.version(1) + wire.search_request("A", 1)
        for _ in range(3000):
            data = bytearray(right)
            for _ in range(draw.randrange(6)):
                data[draw.randrange(len(data))] = draw.randrange(256)
            sock.sendto(data[: draw.randrange(len(data) + 1)], draw.choice(places))
        search(sock, running.port, "AT:LAST")
        running.name(b"AT:LAST")
        assert running.thread.is_alive()
        assert all(line.isprintable() for line in Report(running.watch, 99).lines())


def test_many_names_in_bounded_memory():
    with Running(book=Book(most_names=500)) as running, client() as sock:
        for number in range(2000):
            search(sock, running.port, *(f"N{number}:{i}" for i in range(5)))
            if number % 100 == 0:
                time.sleep(0.01)
        search(sock, running.port, "AT:LAST")
        running.name(b"AT:LAST")
        counts = running.book.counts
        assert counts["searches"] + 5 * running.watch.dropped() >= 10_001
        assert len(running.book.names) == 500
        assert counts["forgotten"] == counts["searches"] - 500


def test_what_the_kernel_drops_is_counted():
    with contextlib.closing(sockets.shared("127.0.0.1", free_port())) as sock:
        assert sockets.dropped([sock]) == 0
        with client() as sender:
            for _ in range(20):
                for _ in range(2000):
                    sender.sendto(b"x" * 1000, sock.getsockname())
                if sockets.dropped([sock]):
                    break
        assert sockets.dropped([sock]) > 0


# ---- the command ----


def command(*arguments, **env):
    return subprocess.run(
        [sys.executable, "-m", "pcaspy", "snoop", *arguments],
        env={**without_epics(), **env},
        capture_output=True,
        text=True,
        check=False,
    )


def where(port, beacons):
    return ["--port", str(port), "--repeater-port", str(beacons)]


def watched_by_command(*options):
    """What the command prints while a client searches."""
    port, beacons = free_port(), free_port()
    arguments = [*where(port, beacons), "--interface", "127.0.0.1", *options]
    with subprocess.Popen(
        [sys.executable, "-m", "pcaspy", "snoop", *arguments],
        env=without_epics(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert "Ctrl-C ends it" in process.stderr.readline()
        with client() as sock:
            search(sock, port, "LOST:PV")
            while True:
                line = process.stdout.readline()
                assert line, process.stderr.read()
                if "LOST:PV" in line and ("MISSING" in line or '"missing"' in line):
                    break
        process.send_signal(2)
        rest = process.communicate()[0]
    assert process.returncode == 0
    return line, rest


def test_lines():
    line, rest = watched_by_command("--period", "0.1")
    assert line == "LOST:PV: MISSING (asked by 127.0.0.1)\n"
    assert "1 searches for 1 names" in rest


def test_json():
    line, rest = watched_by_command("--period", "0.1", "--json")
    found = json.loads(line)
    assert found["names"][0]["name"] == "LOST:PV"
    assert not found["last"]
    (*_, last) = rest.splitlines()
    assert json.loads(last)["last"]
    assert json.loads(last)["counts"]["searches"] == 1


def test_it_ends_after_some_seconds():
    done = command(
        *where(free_port(), free_port()), "--interface", "127.0.0.1", "--seconds", "0.2"
    )
    assert (done.returncode, "0 searches" in done.stdout) == (0, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--seconds", "0"],
        ["--seconds", "soon"],
        ["--port", "0"],
        ["--port", "70000"],
        ["--rows", "0"],
        ["--period", "nan"],
    ],
)
def test_wrong_arguments(arguments):
    done = command(*arguments)
    assert done.returncode == 2
    assert arguments[0] in done.stderr


def test_an_interface_that_this_host_does_not_have():
    done = command("--interface", "203.0.113.77")
    assert done.returncode == 1
    assert "203.0.113.77" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_table_on_a_terminal():
    """It fits, and a name that a client chose writes nothing else."""
    pty = pytest.importorskip("pty")
    import fcntl
    import struct
    import termios

    port, ours, theirs = free_port(), *pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 20, 60, 0, 0))
    arguments = [*where(port, free_port()), "--interface", "127.0.0.1"]
    env = {**without_epics(), "COLUMNS": "", "LINES": ""}  # what holds otherwise
    process = subprocess.Popen(
        [sys.executable, "-m", "pcaspy", "snoop", *arguments, "--period", "0.1"],
        env=env,
        stdout=theirs,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(theirs)
    try:
        process.stderr.readline()
        with client() as sock:
            for number in range(30):
                search(sock, port, f"N{number}:\x1b[31m" + "X" * 80)
            shown = ""
            while "MISSING" not in shown:
                shown += os.read(ours, 10_000).decode()
        process.send_signal(2)
        with contextlib.suppress(OSError):  # the end, on Linux
            while more := os.read(ours, 10_000).decode():
                shown += more
        assert process.wait(SECONDS) == 0
    finally:
        process.kill()
        process.stderr.close()
        os.close(ours)
    *tables, _last = shown.split("\x1b[H\x1b[J")
    assert len(tables) > 1
    for table in tables:
        lines = table.replace("\r", "").splitlines()
        assert len(lines) < 20
        assert all(line.isprintable() and len(line) <= 60 for line in lines)
    assert "\\x1b[31m" in tables[-1]


def test_a_reader_that_has_enough():
    script = f"{sys.executable} -m pcaspy snoop --json --period 0.05 --seconds 30"
    script += f" {' '.join(where(free_port(), free_port()))} | head -1"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {script}"],
        env=without_epics(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert len(done.stdout.splitlines()) == 1
