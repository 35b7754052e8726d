"""More clients at once than the server takes at once, or has descriptors for."""

from __future__ import annotations

import contextlib
import os
import resource
import select
import signal
import socket
import time
from pathlib import Path

import pytest

from support.ports import LOOPBACK
from support.wire import ECHO, VERSION, pack, version

BURST = 2000
DEADLINE = 50.0


@pytest.fixture
def many_descriptors():
    """As many for this process as it may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def accept_queue(port):
    """Circuits that are complete and not accepted, of the listener at a port."""
    listening = "0A"
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, _, state, queues, *_ = line.split()
        if state == listening and int(local.split(":")[1], 16) == port:
            return int(queues.split(":")[1], 16)
    raise LookupError(port)


def wait_until(condition, seconds=DEADLINE):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the deadline has passed"
        time.sleep(0.01)


def is_stopped(pid):
    """Whether all its threads are: the signal reaches one after the other."""
    states = [
        path.read_text().rpartition(")")[2].split()[0]
        for path in Path(f"/proc/{pid}/task").glob("*/stat")
    ]
    return set(states) == {"T"}


def test_a_burst_of_circuits_waits_in_the_queue(ours, many_descriptors):
    """Those that find no room there are tried again by the system, seconds later."""
    port = ours.child.ready["tcp_port"]
    room = int(Path("/proc/sys/net/core/somaxconn").read_text())
    expected = min(BURST, room)
    with contextlib.ExitStack() as opened:
        os.kill(ours.child.pid, signal.SIGSTOP)
        wait_until(lambda: is_stopped(ours.child.pid))
        try:
            sockets = []
            for _ in range(BURST):
                one = opened.enter_context(socket.socket())
                one.setblocking(False)
                one.connect_ex((LOOPBACK, port))
                sockets.append(one)
            wait_until(lambda: accept_queue(port) >= expected)
        finally:
            os.kill(ours.child.pid, signal.SIGCONT)
        poll = select.poll()
        for one in sockets:
            poll.register(one, select.POLLIN)
        greeted = 0
        while greeted < BURST:
            ready = poll.poll(1000 * DEADLINE)
            assert ready, f"{greeted} of {BURST} were greeted"
            for fd, _ in ready:
                poll.unregister(fd)
            greeted += len(ready)


def test_no_more_descriptors_is_logged_once(ours):
    """With the limit, and how to raise it; and once more when it is over."""
    pid = ours.child.pid
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    limit = ours.child.descriptors() + 4
    waiting = []
    before = ours.child.ask(do="stats")["accept_pauses"]

    def pauses():
        return ours.child.ask(do="stats")["accept_pauses"] - before

    try:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, hard))
        for _ in range(20):
            waiting.append(ours.circuit(greet=False))
        wait_until(lambda: pauses() >= 5)
        wait_until(lambda: "no file descriptor" in ours.child.stderr())
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
    for circuit in waiting:
        circuit.send(version() + pack(ECHO))
        circuit.expect(VERSION, timeout=DEADLINE)
        circuit.expect(ECHO)
        circuit.close()
    wait_until(lambda: "accepted again" in ours.child.stderr())
    lines = ours.child.stderr().splitlines()
    (line,) = [line for line in lines if "no file descriptor" in line]
    assert f"limit of {limit}" in line
    assert "ulimit -n" in line
