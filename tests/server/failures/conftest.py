"""The failing server, and a client that must get an answer all the same."""

import sys
import time
from pathlib import Path

import pytest

from support.environment import server_environment
from support.epics_client import EpicsClient
from support.ports import free_port
from support.process import Child

SERVER = Path(__file__).parent / "failing_server.py"


class FailingServer(Child):
    """The server with what the tests ask of it."""

    def __init__(self):
        self.port = free_port()
        argv = [sys.executable, str(SERVER)]
        super().__init__(argv, server_environment(self.port))

    def set(self, reason, value=None, kind=None):
        """The driver's setParam and updatePVs; the name of an exception, or None."""
        return self.ask(command="set", reason=reason, value=value, kind=kind)

    def wait_for_log(self, *words, seconds=10.0):
        """The log, once all words are in it."""
        deadline = time.monotonic() + seconds
        while not all(word in self.stderr() for word in words):
            assert time.monotonic() < deadline, (words, self.stderr())
            time.sleep(0.02)
        return self.stderr()


@pytest.fixture
def server():
    """A server that must still run, and end cleanly, when the test is over."""
    with FailingServer() as server:
        yield server
        assert server.alive(), server.stderr()
        log = server.stderr()
        assert server.stop() == 0, log


@pytest.fixture
def client(server):
    """A client; at the end the server must still answer it."""
    with EpicsClient(server.port) as client:
        yield client
        assert client.value("FAIL:GOOD") == 1.5
