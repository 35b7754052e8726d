"""Networks of the tests; where there can be none, the tests say why and are skipped."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from network_hosts import Network, unusable


@pytest.fixture(scope="session")
def namespaces() -> None:
    """Skips what uses it where the machine does not let us have a network."""
    reason = unusable()
    if reason:
        pytest.skip(reason)


@pytest.fixture
def network(namespaces: None) -> Iterator[Network]:
    """An empty one, gone at the end of the test."""
    with Network() as made:
        yield made
