"""Networks of the tests; where there can be none, the tests say why and are skipped."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from network_hosts import Host, Network, unusable


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


@pytest.fixture
def lab(network: Network) -> tuple[Host, Host, Host]:
    """A host with two interfaces between two networks, and one host in each."""
    left, right = network.switch(), network.switch()
    middle, at_left, at_right = network.host(), network.host(), network.host()
    middle.plug(left, "10.1.0.1/24")
    middle.plug(right, "10.2.0.1/24")
    at_left.plug(left, "10.1.0.2/24")
    at_right.plug(right, "10.2.0.2/24")
    return middle, at_left, at_right


@pytest.fixture
def two_addresses(network: Network) -> tuple[Host, Host]:
    """A host with 10.1.0.1 and 10.1.0.9 on one interface, and a client at 10.1.0.2."""
    switch = network.switch()
    host, client = network.host(), network.host()
    cable = host.plug(switch, "10.1.0.1/24")
    host.add_address(cable.interface, "10.1.0.9/24")
    client.plug(switch, "10.1.0.2/24")
    return host, client
