"""Servers whose puts are written down, and where they are."""

import pytest
from putlog_support import Puts, Writer

from pcaspy import Driver
from pcaspy.testing import IsolatedServer


@pytest.fixture
def puts():
    return Puts()


@pytest.fixture
def serve():
    """Starts a server with a put log; the test gets a circuit to it."""
    opened = []

    def start(put_log, pvdb, driver=Driver, **options):
        server = IsolatedServer(put_log=put_log, **options)
        server.createPV("L:", pvdb)
        server.driver = driver()
        server.__enter__()
        opened.append(server)
        return server

    yield start
    for server in opened:
        server.__exit__(None, None, None)


@pytest.fixture
def client():
    """Makes clients of a server."""
    opened = []

    def connect(server, **who):
        opened.append(Writer(server, **who))
        return opened[-1]

    yield connect
    for writer in opened:
        writer.close()
