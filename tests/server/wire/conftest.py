"""Fixtures of the wire tests: a target per module, a circuit per test, a bystander."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator

import pytest

from support import dbr
from support.targets import BOTH, OURS, Target
from support.wire import ECA_NORMAL, Circuit


@pytest.fixture(scope="module", params=BOTH)
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    """Ours, then the reference IOC; each lives as long as the module's tests."""
    with Target(request.param) as running:
        yield running
        nothing_is_held(running)


@pytest.fixture(scope="module")
def ours() -> Iterator[Target]:
    """Our server alone, where the reference has no such behaviour."""
    with Target(OURS) as running:
        yield running
        nothing_is_held(running)


def nothing_is_held(target: Target) -> None:
    """With its last client gone, our server's accounts are back at zero."""
    if target.name != OURS or not target.child.alive():
        return
    held = ("circuits", "channels", "subscriptions", "held_bytes", "requests_queued")
    deadline = time.monotonic() + 60
    while True:
        stats = target.child.ask(do="stats")
        left = {name: stats[name] for name in held if stats[name]}
        if not left:
            return
        assert time.monotonic() < deadline, f"with no client left: {left}"
        time.sleep(0.01)


@pytest.fixture
def circuit(target: Target) -> Iterator[Circuit]:
    """A greeted circuit to the target."""
    with target.circuit() as made:
        yield made


class Bystander:
    """A normal client, connected before something hostile happens to the server."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.circuit = target.circuit()
        self.channel = self.circuit.create(target.pv("TARGET2"))
        self.number = 0
        self.subid, _first = self.circuit.subscribe(self.channel, dbr.LONG)

    def close(self) -> None:
        """End its circuit."""
        self.circuit.close()

    def check(self) -> None:
        """It still puts, receives monitors and gets; so does a new client."""
        self._put_get_monitor(self.circuit, self.channel)
        with self.target.circuit() as other:
            channel = other.create(self.target.pv("TARGET2"))
            reply = other.get(channel, dbr.LONG)
            assert (reply.p1, reply.payload[:4]) == (ECA_NORMAL, self._data())
        assert self.target.child.alive()

    def _data(self) -> bytes:
        return struct.pack(">i", self.number)

    def _put_get_monitor(self, circuit: Circuit, channel) -> None:
        self.number += 1
        ioid = circuit.new_id()
        circuit.send(
            _write_notify(channel.sid, self._data(), ioid)
            + _read_notify(channel.sid, ioid + 1_000_000)
        )
        seen = set()
        while seen != {"put", "get", "update"}:
            message = circuit.receive()
            if message.command == 19:
                assert (message.p1, message.p2) == (ECA_NORMAL, ioid)
                seen.add("put")
            elif message.command == 15:
                assert message.payload[:4] == self._data()
                seen.add("get")
            else:
                assert (message.command, message.p2) == (1, self.subid)
                if message.payload[:4] == self._data():
                    seen.add("update")


def _write_notify(sid: int, data: bytes, ioid: int) -> bytes:
    return struct.pack(">HHHHII", 19, 8, dbr.LONG, 1, sid, ioid) + data.ljust(8, b"\0")


def _read_notify(sid: int, ioid: int) -> bytes:
    return struct.pack(">HHHHII", 15, 0, dbr.LONG, 1, sid, ioid)


@pytest.fixture(scope="module")
def bystander(target: Target) -> Iterator[Bystander]:
    """One normal client per module; it outlives every hostile case."""
    client = Bystander(target)
    yield client
    client.close()
