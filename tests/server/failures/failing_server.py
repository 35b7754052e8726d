"""A server whose Driver goes wrong on request; `call` runs any method of it.

The log goes to standard error, where the tests read it.
"""

import logging
import math
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np

from pcaspy import Driver, SimpleServer
from support.child_side import answer_commands_in_thread, say

PREFIX = "FAIL:"
PVDB = {
    "GOOD": {"value": 1.5},
    "READ_RAISES": {"value": 2.5},
    "READ_NONE": {"value": 2.5},
    "READ_WRONG": {"value": 2.5},
    "READ_TEXT": {"value": 2.5},
    "WRITE_RAISES": {"type": "int", "value": 3},
    "WRITE_FALSE": {"type": "int", "value": 3},
    "ASYN_RAISES": {"type": "int", "value": 3, "asyn": True},
    "SCANNED": {"scan": 0.1},
    "SCAN_RAISES": {"scan": 0.1},
    "SCAN_CHANGED": {"type": "int"},
    "ORPHAN": {"port": "nobody"},
    "NUMBER": {"type": "float", "prec": 3, "low": -1, "high": 1, "lolo": -2, "hihi": 2},
    "ONLY_HIGH": {"high": 5, "hihi": 8},
    "INTEGER": {"type": "int"},
    "SHORT": {"type": "short"},
    "LABEL": {"type": "enum", "enums": ["OFF", "ON"]},
    "CHAR": {"type": "char"},
    "TEXT": {"type": "char", "count": 20},
    "STRING": {"type": "string"},
    "ARRAY": {"count": 4},
    "LIMITED": {"count": 4, "low": -1, "high": 1},
    "LARGE": {"count": 200_000},
}
WRONG = {"READ_NONE": None, "READ_WRONG": object(), "READ_TEXT": "7.25"}
VALUES = {
    "object": object(),
    "nan": math.nan,
    "bytes": b"some bytes",
    "float32": np.float32(1.5),
    "bool": np.True_,
    "int64": np.int64(-7),
    "uint16": np.uint16(60000),
    "strided": np.arange(8.0)[::2],
    "reversed": np.arange(4.0)[::-1],
    "int8 array": np.array([-1, 2, -3, 4], dtype=np.int8),
    "big endian": np.array([1, 2, 3, 4], dtype=">f4"),
    "tuple": (4, 3, 2, 1),
    "too many": list(range(9)),
    "nan array": [math.nan, 0.0, math.nan, 0.0],
    "large": np.arange(200_000.0),
}


class FailingDriver(Driver):
    def __init__(self):
        super().__init__()
        self.scans = 0

    def read(self, reason):
        if reason in ("READ_RAISES", "SCAN_RAISES"):
            raise RuntimeError(f"no {reason} today")
        if reason == "SCAN_CHANGED":
            self.scans += 1
            return self.scans
        if reason == "SCANNED":
            return self.getParam(reason) + 1
        if reason.startswith("MANY"):
            return self.getParam(reason) + 1
        return WRONG[reason] if reason in WRONG else self.getParam(reason)

    def write(self, reason, value):
        if reason in ("WRITE_RAISES", "ASYN_RAISES"):
            raise RuntimeError(f"no {reason} today")
        if reason == "WRITE_FALSE":
            return False
        return super().write(reason, value)

    def set(self, reason, value=None, kind=None):
        """setParam and updatePVs; an exception is given back as its name."""
        try:
            self.setParam(reason, VALUES[kind] if kind else value)
        except Exception as error:
            return type(error).__name__
        self.updatePVs()
        return None

    def info(self, reason, **fields):
        self.setParamInfo(reason, fields)
        self.updatePVs()

    def enums(self, reason, labels):
        self.setParamEnums(reason, labels)
        self.updatePVs()


class Commands:
    """What a test can tell; runs in the command thread."""

    def __init__(self, server, driver):
        self.server = server
        self.driver = driver

    def create(self, pvdb):
        """CreatePV while the server runs; the text of what it raises."""
        try:
            self.server.createPV(PREFIX, pvdb)
        except ValueError as error:
            return str(error)
        return None

    def threads(self):
        return threading.active_count()

    def __call__(self, command, **arguments):
        owner = self if hasattr(self, command) else self.driver
        return getattr(owner, command)(**arguments)


def main():
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    server = SimpleServer()
    server.createPV(PREFIX, PVDB)
    driver = FailingDriver()
    server.process(0.01)
    ended = answer_commands_in_thread(Commands(server, driver))
    say("READY", {})
    while not ended.is_set():
        server.process(0.1)


if __name__ == "__main__":
    main()
