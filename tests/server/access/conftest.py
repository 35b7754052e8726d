"""Servers with access security: ours and the reference IOC, with the same rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from support.access import AccessTarget
from support.targets import BOTH, OURS


@pytest.fixture(scope="module", params=BOTH)
def target(request: pytest.FixtureRequest) -> Iterator[AccessTarget]:
    """Ours, then the reference IOC."""
    with AccessTarget(request.param) as running:
        yield running


@pytest.fixture(scope="module")
def ours() -> Iterator[AccessTarget]:
    """Our server, for what the reference does not have."""
    with AccessTarget(OURS) as running:
        yield running


@pytest.fixture
def start() -> Iterator[Callable[..., AccessTarget]]:
    """Starts servers of a test's own, and ends them after it."""
    started = []

    def start_one(*arguments: object) -> AccessTarget:
        started.append(AccessTarget(OURS, *arguments))
        return started[-1]

    yield start_one
    for running in started:
        running.stop()
