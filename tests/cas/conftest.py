"""A server of the low-level layer, and clients of other make on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.environment import server_environment
from support.peer_client import PEERS, Peer
from support.process import Child
from support.targets import OURS, SERVERS, Target
from support.wire import Circuit


class LowLevelTarget(Target):
    """lowlevel_server.py, with rules of access security or without."""

    def __init__(self, *rules: str) -> None:
        self.rules = rules
        super().__init__(OURS)

    def _start(self) -> None:
        self.child = Child.python(
            str(SERVERS / "lowlevel_server.py"),
            self.prefix,
            *self.rules,
            env=server_environment(self.port),
        )
        self.tcp = ("127.0.0.1", int(self.child.ready["tcp_port"]))
        self.udp = ("127.0.0.1", int(self.child.ready["udp_port"]))


@pytest.fixture(scope="module")
def target() -> Iterator[LowLevelTarget]:
    """One server for a module."""
    with LowLevelTarget() as running:
        yield running


@pytest.fixture
def circuit(target: LowLevelTarget) -> Iterator[Circuit]:
    """A greeted circuit to it."""
    with target.circuit() as made:
        yield made


@pytest.fixture(scope="module", params=PEERS)
def peer(request: pytest.FixtureRequest, target: LowLevelTarget) -> Iterator[Peer]:
    """pyepics, caproto and aioca, one after the other."""
    with Peer(request.param, target) as client:
        yield client
