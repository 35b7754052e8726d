"""A server of the low-level layer, and clients of other make on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.lowlevel import LowLevelTarget
from support.peer_client import PEERS, Peer
from support.wire import Circuit


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
