"""A server with control in this process, and what tests of it have in common."""

import contextlib
import itertools
import os
import threading
import time

from pcaspy import Driver
from pcaspy.control.client import Control, find
from pcaspy.testing import IsolatedServer

DEADLINE = 60.0
PVDB = {
    "POS": {"value": 1.5, "prec": 2, "unit": "mm", "hihi": 10, "desc": "where it is"},
    "N": {"type": "int", "value": 7, "drvl": -5, "drvh": 5, "enforce_limits": True},
    "STATE": {"type": "enum", "enums": ["off", "on"], "value": 1},
    "TEXT": {"type": "string", "value": "left"},
    "LONG": {"type": "char", "count": 200, "value": "a longer text"},
    "WAVE": {"count": 5, "value": [1, 2, 3, 4, 5]},
    "FIXED": {"value": 3, "readonly": True},
    "NO": {"value": 0},
}


class Axis(Driver):
    """Refuses puts to NO and keeps the others, with who made them."""

    def __init__(self):
        super().__init__()
        self.clients = []

    def write(self, reason, value):
        from pcaspy import current_client

        if reason == "NO":
            return False
        self.clients.append((reason, str(current_client())))
        self.setParam(reason, value)
        return True


class Served:
    """A server, its driver, and connections to its control socket."""

    _numbers = itertools.count()

    def __init__(self, pvdb=PVDB, driver=Axis, **options):
        self.name = f"axis{os.getpid()}.{next(self._numbers)}"
        self.prefix = f"C{self.name}:"
        self.server = IsolatedServer(control=self.name, **options)
        self.server.createPV(self.prefix, pvdb)
        self.driver = driver()
        self._ends = contextlib.ExitStack()

    def __enter__(self):
        self._ends.enter_context(self.server)
        self.path = find(self.name).path
        self.control = self.connect()
        return self

    def __exit__(self, *exc):
        self._ends.__exit__(*exc)

    def connect(self):
        return self._ends.enter_context(Control(self.path, timeout=DEADLINE))

    def ask(self, do, **arguments):
        if "pv" in arguments:
            arguments["pv"] = self.prefix + arguments["pv"]
        return self.control.ask(do, **arguments)

    @property
    def tcp(self):
        return ("127.0.0.1", self.server.tcp_port)

    @property
    def udp(self):
        return ("127.0.0.1", self.server.udp_port)


def eventually(found, wanted=bool):
    """What ``found()`` returns, once `wanted` holds for it."""
    deadline = time.monotonic() + DEADLINE
    while True:
        value = found()
        if wanted(value):
            return value
        assert time.monotonic() < deadline, value
        time.sleep(0.005)


class Hangs(Driver):
    """Each write waits until it is let go."""

    def __init__(self):
        super().__init__()
        self.go_on = threading.Event()

    def write(self, reason, value):
        self.go_on.wait(60)  # this line
        self.setParam(reason, value)
