"""A server that stands in Driver.write until the last line of the test."""

import os
import select
from pathlib import Path

import pytest

from support.environment import server_environment
from support.epics_client import ECA_NORMAL, EpicsClient
from support.ports import LOOPBACK, free_port
from support.process import Child

SERVER = Path(__file__).parent / "blocked_server.py"
SECONDS = 10.0


class Blocked:
    """The server, and the client whose put it does not come back from."""

    def __init__(self, folder, mode):
        self.port = free_port()
        for name in ("entered", "release"):
            os.mkfifo(folder / name)
        self._entered = os.open(folder / "entered", os.O_RDWR)
        self._release = os.open(folder / "release", os.O_RDWR)
        self._held = False
        env = server_environment(self.port)
        self.server = Child.python(str(SERVER), str(folder), mode, env=env)
        self.address = (LOOPBACK, self.server.ready["tcp_port"])
        self.writer = EpicsClient(self.port)

    def block(self):
        """Put to BLOCKS; returns when Driver.write has begun and waits."""
        self.writer.start_put("ISO:BLOCKS", 1, seconds=60)
        assert select.select([self._entered], [], [], SECONDS)[0], "write never began"
        os.read(self._entered, 1)
        self._held = True

    def release(self):
        """The event that Driver.write waits for; the put must have waited as well."""
        os.write(self._release, b"r")
        self._held = False
        assert self.writer.answer() == ECA_NORMAL

    def close(self):
        """End everything, also after a failure."""
        if self._held:
            os.write(self._release, b"r")
        self.writer.stop()
        status = self.server.stop()
        os.close(self._entered)
        os.close(self._release)
        assert status == 0


@pytest.fixture(params=["wait", "hold"])
def blocked(request, tmp_path):
    """A server that stands in Driver.write, without and with the GIL."""
    blocked = Blocked(tmp_path, request.param)
    try:
        blocked.block()
        yield blocked
    finally:
        blocked.close()


@pytest.fixture
def waiting(tmp_path):
    """The same, without the GIL: other Python threads go on."""
    blocked = Blocked(tmp_path, "wait")
    try:
        blocked.block()
        yield blocked
    finally:
        blocked.close()


@pytest.fixture
def client(blocked):
    """Another client, started only now: it connects while the write is blocked."""
    with EpicsClient(blocked.port) as client:
        yield client
