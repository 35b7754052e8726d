"""Fixtures of the peer tests: one server and one client process per combination."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.peer_client import PEERS, Peer
from support.targets import BOTH, Target


@pytest.fixture(scope="module", params=BOTH)
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    """Ours, then the reference IOC."""
    with Target(request.param) as running:
        yield running


@pytest.fixture(scope="module", params=PEERS)
def peer(request: pytest.FixtureRequest, target: Target) -> Iterator[Peer]:
    """Each client against each server."""
    with Peer(request.param, target) as made:
        yield made
