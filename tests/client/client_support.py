"""What the tests of the client share."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

from support.environment import client_environment, server_environment
from support.ports import free_port
from support.process import Child

HERE = Path(__file__).parent
MAIN_PORT, SECOND_PORT, THIRD_PORT = free_port(), free_port(), free_port()


def scenario_child(python, port):
    """A client by that interpreter, which runs scenarios on request."""
    env = client_environment(
        port, PYTHONPATH=os.pathsep.join([str(HERE), str(HERE.parent / "support")])
    )
    return Child([str(python), str(HERE / "scenario_side.py")], env)


async def until(condition, seconds=15.0):
    """Waits for something to become true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "nothing happened"
        await asyncio.sleep(0.005)


class Ioc:
    """EPICS' own server with a database of the test's, on a given port."""

    def __init__(self, folder, port):
        self.folder, self.port = folder, port
        self.child = None

    def start(self, database):
        path = self.folder / "test.db"
        path.write_text(database)
        env = server_environment(
            self.port,
            PYTHONPATH=str(HERE.parent / "support"),
            EPICS_CA_MAX_ARRAY_BYTES="100000000",
        )
        self.child = Child([sys.executable, str(HERE / "ioc_side.py"), str(path)], env)

    def shell(self, line):
        """Runs a line in the IOC's shell."""
        self.child.ask(line=line)

    def kill(self):
        if self.child is not None:
            self.child.kill()
            self.child.stop()
            self.child = None

    def pause(self):
        """Stops the process: its sockets stay open and nobody reads them."""
        os.kill(self.child.pid, signal.SIGSTOP)
        # It goes on for a moment: wait until each of its threads has stopped.
        deadline = time.monotonic() + 5
        tasks = Path(f"/proc/{self.child.pid}/task")
        while any(
            "State:\tT" not in (task / "status").read_text() for task in tasks.iterdir()
        ):
            assert time.monotonic() < deadline, "it does not stop"
            time.sleep(0.001)

    def go_on(self):
        if self.child.alive():
            os.kill(self.child.pid, signal.SIGCONT)


class Pulse:
    """Measures the longest time for which the event loop did not turn."""

    async def __aenter__(self):
        self.longest = 0.0
        self._task = asyncio.create_task(self._beat())
        return self

    async def __aexit__(self, *_exc):
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _beat(self):
        last = time.monotonic()
        while True:
            await asyncio.sleep(0.005)
            now = time.monotonic()
            self.longest = max(self.longest, now - last)
            last = now
