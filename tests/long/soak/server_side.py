"""The server of the soak: drivers that post, raise, answer late; PVs that come and go.

It saves all values, logs all puts, has status PVs and a control socket, and serves
PVAccess.

Every posted value carries a number that only grows, so that a client sees what is
lost, torn or out of order.
"""

import asyncio
import contextlib
import logging
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

from child_side import answer_commands, say

from pcaspy import Driver, PutLog
from pcaspy.control.client import found as found_sockets
from pcaspy.native._tables import instance_counts
from pcaspy.testing import IsolatedServer

PREFIX = "SOAK:"
SCALARS = [f"SCALAR{i}" for i in range(20)]
ARRAYS = [f"ARRAY{i}" for i in range(4)]
STRINGS = [f"STRING{i}" for i in range(4)]
SCANS = [f"SCAN{i}" for i in range(4)]
TEMPORARY = [f"TEMP{i}" for i in range(8)]
COUNT = 5000
TICK = 0.1
SCAN = 0.5
STATES = ["zero", "one", "two", "three"]


def entries():
    whole = {"type": "int"}
    return {
        **dict.fromkeys(SCALARS, whole),
        **{reason: {"type": "float", "count": COUNT} for reason in ARRAYS},
        **{reason: {"type": "string"} for reason in STRINGS},
        "ENUM": {"type": "enum", "enums": STATES},
        "TEXT": {"type": "char", "count": 64},
        "BURST": whole,
        "RAISES": whole,
        "LATE": {"type": "int", "asyn": True},
        "GUARDED": {"type": "int", "asg": "some"},
        **{reason: {**whole, "scan": SCAN, "port": "scan"} for reason in SCANS},
        "READ_RAISES": {"type": "int", "port": "scan"},
        **{f"PUT{i}": {"type": "int", "port": "async"} for i in range(8)},
    }


class PostingDriver(Driver):
    """Posts by itself; one PV's write raises, another's answers from a thread."""

    def write(self, reason, value):
        if reason == "RAISES":
            raise RuntimeError("this one always does")
        if reason == "LATE":
            threading.Thread(target=self.finish, args=(reason, value)).start()
            return True
        return super().write(reason, value)

    def finish(self, reason, value):
        time.sleep(0.01)
        self.setParam(reason, value)
        self.callbackPV(reason)
        self.callbackPV(reason)  # says more than was asked
        self.updatePVs()


class ScanDriver(Driver):
    port = "scan"
    number = 0
    paused = False

    def read(self, reason):
        if reason == "READ_RAISES":
            raise RuntimeError("this one always does")
        if not self.paused:
            self.number += 1
        return self.number


class AsyncDriver(Driver):
    port = "async"

    async def write(self, reason, value):
        await asyncio.sleep(0.005)
        self.setParam(reason, value)
        self.updatePV(reason)
        return True


def rules():
    """Files of access security: GUARDED may be read, and may not."""
    paths = []
    for rule in ("RULE(1, READ)", "RULE(0, READ)"):
        with tempfile.NamedTemporaryFile("w", suffix=".acf", delete=False) as file:
            file.write(f"ASG(some) {{ {rule} }}")
        paths.append(file.name)
    return paths


class Soak:
    """Commands of the run, and the thread that posts."""

    def __init__(self, server):
        self.server = server
        self.rules = rules()
        server.initAccessSecurityFile(self.rules[0])
        server.createPV(PREFIX, entries())
        self.driver, self.scans = PostingDriver(), ScanDriver()
        self.asynchronous = AsyncDriver()
        self.tick = 0
        self.burst = 0
        self.turn = threading.Lock()  # held while it posts
        self.paused = threading.Event()
        threading.Thread(target=self.post_for_ever, daemon=True).start()

    def handle(self, do):
        return getattr(self, do)()

    def post_for_ever(self):
        while True:
            time.sleep(TICK)
            with self.turn:
                if not self.paused.is_set():
                    self.post()
            with contextlib.suppress(ChildProcessError):
                os.waitpid(-1, os.WNOHANG)

    def post(self):
        self.tick += 1
        driver, now = self.driver, self.tick
        for reason in SCALARS:
            driver.setParam(reason, now)
        if now % 3 == 0:
            for reason in ARRAYS:
                driver.setParam(reason, [float(now)] * COUNT)
            for reason in STRINGS:
                driver.setParam(reason, f"number {now}")
            driver.setParam("ENUM", now % len(STATES))
            driver.setParam("TEXT", f"number {now}")
        driver.updatePVs()
        if now % 20 == 0:
            for _ in range(500):
                self.burst += 1
                driver.setParam("BURST", self.burst)
                driver.updatePV("BURST")
        if now % 50 == 0 and os.fork() == 0:
            os._exit(0)
        if now % 7 == 0:
            self.server.initAccessSecurityFile(self.rules[now % 2])
        if now % 5 == 0:
            self.come_and_go(TEMPORARY[now // 5 % len(TEMPORARY)])

    def come_and_go(self, reason):
        name = PREFIX + reason
        names = self.server._pcaspy.pvf
        if name in names:
            del names[name]
            return
        self.server.createPV(PREFIX, {reason: {"type": "int", "value": self.tick}})

    def pause(self):
        """No more posts; the numbers of the last ones."""
        self.paused.set()
        self.scans.paused = True
        with self.turn:
            pass
        time.sleep(2 * SCAN)
        last = {reason: self.driver.getParam(reason) for reason in SCALARS}
        last |= {reason: self.driver.getParam(reason)[0] for reason in ARRAYS}
        for reason in (*STRINGS, "TEXT", "ENUM", "BURST"):
            last[reason] = self.driver.getParam(reason)
        last |= {reason: self.scans.getParam(reason) for reason in SCANS}
        return {PREFIX + reason: value for reason, value in last.items()}

    def resume(self):
        self.scans.paused = False
        self.paused.clear()

    def stats(self):
        return {**self.server.stats(), **instance_counts(), "posts": self.tick}


def beside(folder):
    """What a server can do besides serving: all of it."""
    return {
        "pva": True,
        "state": folder / "values.state",
        "autosave": {"*": 2.0},
        "put_log": PutLog(folder / "puts.log", burst=1, max_bytes=1_000_000),
        "control": "soak",
    }


def main():
    # The tracebacks of those that raise would fill the disk.
    logging.disable(logging.CRITICAL)
    folder = Path(sys.argv[1])
    with IsolatedServer(**beside(folder)) as server:
        server.add_status("SOAK-STATUS:")
        soak = Soak(server)
        socket = next(
            found.path for found in found_sockets() if found.pid == os.getpid()
        )
        ready = {"tcp": server.tcp_port, "udp": server.udp_port, "socket": str(socket)}
        pva = server._pcaspy.pva
        say("READY", {**ready, "pva_udp": pva.udp_port, "pva_tcp": pva.tcp_port})
        answer_commands(soak.handle)


main()
