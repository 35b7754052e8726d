"""kill -9 under a thousand channels, and storms of signals."""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import signal
import struct
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support import dbr
from support.environment import client_environment, server_environment
from support.peers import peer_python
from support.ports import LOOPBACK, free_port
from support.process import Child
from support.scale import report, scaled
from support.wire import ECA_NORMAL, EVENT_ADD, READ_NOTIFY, Circuit, pack

HERE = Path(__file__).parent
SERVER = str(HERE / "busy_server.py")
MANY_SIDE = str(HERE / "many_side.py")
CHANNELS = 1000
TGKILL = {"x86_64": 234, "aarch64": 131}  # its system call's number


def start_server(port, base):
    """On the same port each time."""
    env = server_environment(port) | {"BUSY_BASE": str(base)}
    return Child.python(SERVER, env=env)


@pytest.mark.timeout(600)
def test_kill_9_under_a_thousand_channels():
    """All clients get the next life's values, and can put again."""
    port = free_port()
    env = client_environment(port)
    pythons = (sys.executable, str(peer_python("aioca")))
    with contextlib.ExitStack() as stack:
        server = start_server(port, 0)
        stack.callback(lambda: server.stop())
        clients = [
            stack.enter_context(Child([p, MANY_SIDE, str(CHANNELS)], env))
            for p in pythons
        ]
        times = []
        for life in range(scaled(2, 6)):
            if life:
                for client, name in zip(clients, ("NEVER", "NEVER1"), strict=True):
                    client.tell(do="put_never", name=name)
                assert server.ask(do="wait_for_open_puts", number=len(clients))
                server.kill()
                server.stop()
                server = start_server(port, 10_000 * life)
                for client in clients:
                    assert client.answer(60) is False  # nobody waits for the dead
            started = time.monotonic()
            for client in clients:
                right = client.ask(90, do="wait_for", base=10_000 * life, seconds=60)
                assert right == CHANNELS
            times.append(time.monotonic() - started)
            for client in clients:
                assert client.ask(60, do="put", value=life) == CHANNELS
        assert server.ask(do="stats")["channels"] == len(clients) * (CHANNELS + 1)
    report(
        f"{len(times)} lives of a server, ended by kill -9, with two clients of"
        f" {CHANNELS} channels: all values right {max(times):.1f} s after a start"
    )


def storm_at_threads(pid, ended):
    """SIGUSR1 to each thread of the server in turn, the network's among them."""
    libc = ctypes.CDLL(None, use_errno=True)
    number = TGKILL[platform.machine()]
    sent = 0
    while not ended.is_set():
        for thread in os.listdir(f"/proc/{pid}/task"):
            libc.syscall(number, pid, int(thread), signal.SIGUSR1)
            sent += 1
        time.sleep(0.0005)
    return sent


@pytest.mark.timeout(300)
def test_a_storm_of_signals():
    """Every wait is interrupted over and over; no request or update is lost by it."""
    with (
        start_server(free_port(), 0) as server,
        ThreadPoolExecutor(1) as pool,
        Circuit((LOOPBACK, server.ready["tcp_port"])) as circuit,
        Circuit((LOOPBACK, server.ready["tcp_port"])) as reader,
    ):
        ended = threading.Event()
        echo, array = circuit.create("B:ECHO"), reader.create("B:ARRAY")
        subid, _first = reader.subscribe(reader.create("B:ECHO"), dbr.LONG)
        server.ask(do="start_storm", period=0.001)
        storm = pool.submit(storm_at_threads, server.pid, ended)
        try:
            rounds = scaled(1000, 10_000)
            for number in range(1, rounds + 1):
                data = struct.pack(">i", number)
                assert circuit.put(echo, dbr.LONG, data).p1 == ECA_NORMAL
                if number % 10 == 0:  # large enough to be sent in several pieces
                    ioid = reader.new_id()
                    request = {"type": dbr.LONG, "count": 20_000, "p1": array.sid}
                    reader.send(pack(READ_NOTIFY, p2=ioid, **request))
                    message = reader.receive()
                    while message.command == EVENT_ADD:
                        message = reader.receive()
                    assert (message.p1, message.p2) == (ECA_NORMAL, ioid)
        finally:
            ended.set()
        sent = storm.result()
        handled = server.ask(do="stop_storm")
        assert circuit.put(echo, dbr.LONG, struct.pack(">i", -1)).p1 == ECA_NORMAL
        for update in reader.updates(subid):
            if update.payload[:4] == b"\xff" * 4:
                break
    assert handled > 50
    report(
        f"{rounds} puts and gets under {sent} signals to every thread and a timer:"
        f" all answered, {handled} signals handled by Python"
    )
