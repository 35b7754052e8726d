"""Programs that end in the middle of everything: servers, and clients with aioca."""

from __future__ import annotations

import struct
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from support import dbr
from support.environment import client_environment, server_environment
from support.ports import LOOPBACK, free_port
from support.process import Child
from support.scale import report, scaled
from support.wire import (
    WRITE_NOTIFY,
    Circuit,
    create_request,
    event_request,
    pack,
)

HERE = Path(__file__).parent
SERVER = str(HERE / "busy_server.py")
CLIENT = str(HERE / "ending_client.py")
WATCHED = ("B:SCAN0", "B:FAST0", "B:FAST1", "B:ARRAY")


def watch_and_put(circuit: Circuit) -> None:
    """Subscriptions with their first updates, and put callbacks that stay open."""
    never = circuit.create("B:NEVER")
    data = struct.pack(">i", 1)
    for ioid in range(20):
        circuit.send(
            pack(WRITE_NOTIFY, data, type=dbr.LONG, count=1, p1=never.sid, p2=ioid)
        )
    for subid, name in enumerate(WATCHED):
        circuit.send(create_request(name, 100 + subid))
    channels = []
    while len(channels) < len(WATCHED):
        channels.append(circuit.created(100 + len(channels)))
    for subid, channel in enumerate(channels):
        circuit.send(event_request(channel.sid, subid, dbr.LONG, 0))
    updated: set[int] = set()
    while len(updated) < len(WATCHED):
        updated.add(circuit.receive().p2)


@pytest.mark.timeout(900)
def test_a_server_ends_at_any_moment() -> None:
    """Scans, posts, monitors and put callbacks are under way; the status is 0."""
    tries = scaled(4, 100)
    under_way = 0
    for n in range(tries):
        process = subprocess.Popen(
            [sys.executable, SERVER, f"{0.2 + 0.5 * n / tries:.3f}"],
            env=server_environment(free_port()),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        ready = process.stdout.readline()
        port = int(ready.partition('"tcp_port": ')[2].partition(",")[0])
        try:
            with Circuit((LOOPBACK, port)) as circuit:
                watch_and_put(circuit)
                under_way += 1
                _out, errors = process.communicate(timeout=30)
        except (AssertionError, OSError):  # it ended meanwhile
            _out, errors = process.communicate(timeout=30)
        assert process.returncode == 0, errors
        assert "Fatal" not in errors, errors
    report(
        f"a busy server ended in {tries} of {tries} tries with status 0, in {under_way}"
        f" of them with {len(WATCHED)} subscriptions and 20 put callbacks under way"
    )
    assert under_way >= tries // 2


@pytest.mark.timeout(900)
def test_a_client_ends_at_any_moment() -> None:
    """Monitors, gets and put callbacks are under way in aioca, whatever ends it."""
    tries = scaled(8, 100)
    ways = [*"return exit cancel raise interrupt thread hurry".split(), "no loop"]
    statuses = {"exit": 3, "raise": 1, "interrupt": -2}
    ended: Counter[str] = Counter()
    port = free_port()
    with Child.python(SERVER, env=server_environment(port)) as server:
        server.ask(do="start", threads=2, arrays=True, pause=0.001)
        for n in range(tries):
            way = ways[n % len(ways)]
            found = subprocess.run(
                [sys.executable, CLIENT, way, f"{0.3 * n / tries:.3f}"],
                env=client_environment(port),
                capture_output=True,
                text=True,
                timeout=60,
            )
            assert found.returncode == statuses.get(way, 0), (way, found.stderr)
            assert "Fatal" not in found.stderr, (way, found.stderr)
            assert "under way" in found.stdout, (way, found.stderr)
            ended[way] += 1
        server.ask(do="stop")
        assert server.alive()
    report(
        f"a program with aioca ended in {sum(ended.values())} of {tries} tries as it"
        f" should, with monitors, gets and put callbacks under way ({len(ended)} ways)"
    )
