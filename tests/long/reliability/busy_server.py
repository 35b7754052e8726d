"""A server with much under way: `python busy_server.py [SECONDS]`.

MANY0 to MANY999 begin with BUSY_BASE (environment; 0) and their number.

Scans, posts from threads, put callbacks that wait and an array with a checksum in it.
With SECONDS its program ends by itself then, in the middle of everything.
"""

import os
import signal
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np

from pcaspy import Driver, SimpleServer
from support.child_side import answer_commands_in_thread, say

COUNT = 20_000
MANY = 1000
PVDB = {
    "COUNTER": {"type": "int"},
    "ECHO": {"type": "int"},
    "NEVER": {"type": "int", "asyn": True},
    "NEVER1": {"type": "int", "asyn": True},
    "RAISES": {"type": "int"},
    "NONSENSE": {"type": "int"},
    "ARRAY": {"type": "int", "count": COUNT},
    **{f"SCAN{n}": {"type": "int", "scan": 0.05} for n in range(20)},
    **{f"FAST{n}": {"type": "int"} for n in range(50)},
    **{f"MANY{n}": {"type": "int"} for n in range(MANY)},
}


def checked(number):
    """An array whose last element is a function of all others."""
    array = np.arange(number, number + COUNT, dtype=np.int32)
    array[-1] = array[:-1].sum(dtype=np.int64) % 1_000_003
    return array


class Busy(Driver):
    """Reads raise or count, writes raise, return nonsense or never complete."""

    def __init__(self):
        super().__init__()
        self.scans = 0
        self.kept_open = threading.Semaphore(0)  # puts to NEVER, NEVER1
        self.setParam("ARRAY", checked(0))
        base = int(os.environ.get("BUSY_BASE", "0"))
        for n in range(MANY):
            self.setParam(f"MANY{n}", base + n)
        self.updatePVs()
        self.stopped = threading.Event()
        self.posted = {}

    def read(self, reason):
        if reason.startswith("SCAN"):
            self.scans += 1
            if self.scans % 7 == 0:
                raise RuntimeError("a scan goes wrong")
            return object() if self.scans % 11 == 0 else self.scans
        return self.getParam(reason)

    def write(self, reason, value):
        if reason == "RAISES":
            raise RuntimeError("a write goes wrong")
        if reason == "NONSENSE":
            return object()
        if reason.startswith("NEVER"):
            self.kept_open.release()
        else:
            self.setParam(reason, value)
        return True

    def post(self, reason, pause):
        """A thread's work: counts up, as fast as it can without a pause."""
        number = 0
        while not self.stopped.wait(pause) if pause else not self.stopped.is_set():
            number += 1
            self.setParam(reason, number)
            self.updatePV(reason)
        self.posted[reason] = number

    def post_arrays(self, pause):
        """Another thread's."""
        number = 0
        while not self.stopped.wait(pause) if pause else not self.stopped.is_set():
            number += 1
            self.setParam("ARRAY", checked(number))
            self.updatePV("ARRAY")


class Commands:
    """What a test can tell it."""

    def __init__(self, server, driver):
        self.server, self.driver, self.threads = server, driver, []
        self.signals = 0

    def __call__(self, do, **arguments):
        return getattr(self, do)(**arguments)

    def start(self, threads=0, arrays=False, pause=0.0):
        work = [(self.driver.post, (f"FAST{n}", pause)) for n in range(threads)]
        work += [(self.driver.post_arrays, (pause,))] if arrays else []
        self.driver.stopped.clear()
        self.driver.posted.clear()
        self.threads = [
            threading.Thread(target=f, args=a, daemon=True) for f, a in work
        ]
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.driver.stopped.set()
        for thread in self.threads:
            thread.join()
        return self.driver.posted

    def start_storm(self, period):
        """A signal each `period` seconds, which Python handles."""
        self.signals = 0
        signal.setitimer(signal.ITIMER_REAL, period, period)

    def stop_storm(self):
        """How many came."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        return self.signals

    def on_signal(self, _number, _frame):
        self.signals += 1

    def wait_for_open_puts(self, number):
        """Until so many more have come to NEVER and NEVER1."""
        return all(self.driver.kept_open.acquire(timeout=10) for _ in range(number))

    def stats(self):
        return self.server.stats()

    def wall_clock(self):
        return time.time()


def main():
    server = SimpleServer()
    server.createPV("B:", PVDB)
    driver = Busy()
    server.start()
    commands = Commands(server, driver)
    signal.signal(signal.SIGALRM, commands.on_signal)
    signal.signal(signal.SIGUSR1, commands.on_signal)
    say(
        "READY",
        {"tcp_port": server.tcp_port, "udp_port": server.udp_port, "pid": os.getpid()},
    )
    if len(sys.argv) > 1:
        commands.start(threads=3, arrays=True, pause=0.001)
        end = time.monotonic() + float(sys.argv[1])
        while time.monotonic() < end:
            server.process(0.01)
        return
    ended = answer_commands_in_thread(commands)
    while not ended.is_set():
        server.process(0.05)


if __name__ == "__main__":
    main()
