"""A server whose Driver.write of BLOCKS waits for the test: `python ... FOLDER MODE`.

`wait` waits without the GIL, as a Driver that sleeps does; `hold` keeps the GIL in one
long C call. FOLDER has the named pipes `entered` and `release`.
"""

import ctypes
import os
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from pcaspy import Driver, SimpleServer
from support.child_side import answer_commands_in_thread, say

PREFIX = "ISO:"
PVDB = {
    "BLOCKS": {"type": "int"},
    "CACHED": {"value": 4.5, "prec": 1},
    "LIST": {"count": 3, "value": [1.0, 2.0, 3.0]},
    "POSTED": {"type": "int"},
    "ORDER": {"type": "int"},
}


class BlockedDriver(Driver):
    def __init__(self, folder, mode):
        super().__init__()
        self.entered = os.open(folder / "entered", os.O_RDWR)
        self.release = os.open(folder / "release", os.O_RDWR)
        self.mode = mode
        self.writes = []

    def write(self, reason, value):
        self.writes.append((reason, value))
        if reason == "BLOCKS":
            os.write(self.entered, b"e")
            if self.mode == "hold":
                ctypes.PyDLL(None).read(self.release, ctypes.create_string_buffer(1), 1)
            else:
                os.read(self.release, 1)
        self.setParam(reason, value)
        self.updatePVs()
        return True

    def post(self, reason, value):
        self.setParam(reason, value)
        self.updatePV(reason)
        return threading.current_thread() is not threading.main_thread()

    def written(self):
        return self.writes


def main():
    server = SimpleServer()
    server.createPV(PREFIX, PVDB)
    driver = BlockedDriver(Path(sys.argv[1]), sys.argv[2])
    for reason in PVDB:
        driver.setParamStatus(reason, 0, 0)
    driver.updatePVs()
    server.process(0.01)
    ended = answer_commands_in_thread(
        lambda command, **arguments: getattr(driver, command)(**arguments)
    )
    say("READY", {"tcp_port": server.tcp_port})
    while not ended.is_set():
        server.process(0.1)


if __name__ == "__main__":
    main()
