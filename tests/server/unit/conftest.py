"""Servers for these tests: on loopback, processed by a thread, checked for leaks."""

import pytest

from pcaspy.testing import IsolatedServer
from support.wire import Circuit


@pytest.fixture
def server():
    """A running server that a thread processes."""
    with IsolatedServer() as server:
        yield server


@pytest.fixture
def idle():
    """A server that has no thread: the test calls process() or nobody does."""
    with IsolatedServer(threaded=False) as server:
        yield server


@pytest.fixture
def circuit(server):
    """A client's circuit to `server`."""
    with Circuit(("127.0.0.1", server.tcp_port)) as circuit:
        yield circuit
