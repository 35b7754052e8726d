"""A server with status PVs, and a client's circuit to it."""

import pytest
from status_support import Asked

from pcaspy.testing import IsolatedServer


@pytest.fixture
def server():
    with IsolatedServer() as server:
        server.add_status("S:", period=0.1)
        yield server


@pytest.fixture
def asked(server):
    with Asked(server.tcp_port, "S:") as asked:
        yield asked
