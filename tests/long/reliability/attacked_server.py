"""A server to be attacked, on the released pcaspy and on ours.

`attacked_server.py MODE`.

MODE "blocked": its pvExistTest waits until the test says "go". MODE "slow": a write
takes a millisecond. MODE "fails": a write raises. MODE "posts": it posts 1,000 PVs of
1 kB ten times a second. MODE "access": an access security file, reloaded by command.
MODE "names": the same with hosts by address, loaded by command only.
"""

import logging
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np

from pcaspy import Driver, SimpleServer, cas
from support.child_side import answer_commands_in_thread, say

PVDB = {
    "LONG": {"type": "int", "value": 7},
    "OTHER": {"type": "int"},
    "PUT": {"type": "int"},
    "ASYN": {"type": "int", "asyn": True},
    "BIG": {"count": 1_000_000, "value": np.arange(1e6) / 7},
    "KEPT": {"count": 1_000_000, "asyn": True},
    "LEVEL": {"value": 1},
    **{f"GUARDED{n}": {"type": "int", "asg": "fill"} for n in range(1000)},
    **{f"N{n}": {"count": 125, "value": np.arange(125.0)} for n in range(1000)},
}
GO = threading.Event()


class Attacked(Driver):
    """Slow or failing, as MODE says."""

    def __init__(self, mode):
        super().__init__()
        self.mode = mode
        self.written = 0

    def write(self, reason, value):
        self.written += 1
        if self.mode == "slow" and reason == "PUT":
            time.sleep(0.001)
        if self.mode == "fails" and reason == "PUT":
            raise RuntimeError("this write always fails")
        self.setParam(reason, value)
        return True


class Blocks(SimpleServer):
    """Does not know yet which names there are."""

    def pvExistTest(self, context, addr, fullname):
        if fullname.startswith("X:ATTACK"):
            GO.wait()
        return super().pvExistTest(context, addr, fullname)


def main():
    mode, *rules = sys.argv[1:]
    logging.basicConfig(level=logging.WARNING)
    server = Blocks() if mode == "blocked" else SimpleServer()
    if mode == "names":
        cas.asCheckClientIP = True
    elif rules:
        server.initAccessSecurityFile(rules[0], P="X:")
    server.createPV("X:", PVDB)
    driver = Attacked(mode)
    numbers = np.arange(125.0)

    def handle(do, value=None):
        if do == "go":
            GO.set()
        elif do == "level":
            driver.setParam("LEVEL", value)
            driver.updatePV("LEVEL")
        elif do == "reload":
            server.initAccessSecurityFile(rules[0], P="X:")
        elif do == "done":
            driver.callbackPV(value)
        elif do == "written":
            return driver.written
        elif do == "stats":
            return server.stats()
        elif do == "close":
            server.close()
        elif do == "open":
            with open(__file__):
                return True

    server.process(0.01)
    say("READY", {})
    ended = answer_commands_in_thread(handle)
    turn = time.monotonic()
    while not ended.is_set():
        server.process(0.01)
        if mode == "posts" and time.monotonic() >= turn:
            turn += 0.1
            numbers[0] += 1
            for n in range(1000):
                driver.setParam(f"N{n}", numbers)
            driver.updatePVs()


main()
