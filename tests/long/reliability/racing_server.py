"""A server whose program does everything at once: `python racing_server.py`.

`start` begins racers by name, each a thread with a random number generator of its own;
`stop` ends them and tells what went wrong in them.
"""

import collections
import os
import random
import signal
import sys
import threading
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import pcaspy
from pcaspy import Driver, SimpleServer
from pcaspy.tools import ServerThread
from support.child_side import answer_commands, say

ASYN = [f"A{n}" for n in range(4)]
PLAIN = [f"P{n}" for n in range(4)]
VALUES = [f"V{n}" for n in range(4)]
CALM = "CALM"  # nobody but the test touches it
PVDB = {name: {"type": "int", "asyn": name in ASYN} for name in [*ASYN, *PLAIN]}
PVDB |= {name: {"type": "int"} for name in [*VALUES, CALM]}


class Recorder(Driver):
    """Counts how often each value was written; the tests give each value once."""

    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()
        self.written = collections.Counter()

    def write(self, reason, value):
        with self.lock:
            self.written[value] += 1
        self.setParam(reason, value)
        self.updatePV(reason)
        return True


class Racers:
    """What the threads do, once each time they are called."""

    def __init__(self, server, driver):
        self.server, self.driver = server, driver
        self.thread = None
        self.posted = 0

    def finish(self, rng):
        """A worker is done with some PV, whether a put waits or not."""
        self.driver.callbackPV(rng.choice(ASYN))

    def post(self, rng):
        self.posted += 1
        for name in VALUES:
            self.driver.setParam(name, self.posted)
        if rng.random() < 0.5:
            self.driver.updatePVs()
        else:
            for name in VALUES:
                self.driver.updatePV(name)

    def replace(self, rng):
        """Removes a PV and makes it anew, or makes it anew as it stands."""
        name = rng.choice(PLAIN + ASYN)
        if rng.random() < 0.5:
            pcaspy.driver.manager.pvf.pop(f"R:{name}", None)
        self.server.createPV("R:", {name: PVDB[name]})

    def process(self, rng):
        self.server.process(rng.uniform(0, 0.01))

    def threads(self, rng):
        """A ServerThread comes, works and goes."""
        self.thread = ServerThread(self.server)
        self.thread.start()
        pause(rng, 0.02)
        self.thread.stop()
        self.thread.join()

    def restart(self, rng):
        self.server.close()
        pause(rng, 0.005)
        self.server.start()
        pause(rng, 0.05)

    def count(self, _rng):
        self.server.stats()

    def fork(self, rng):
        pid = os.fork()
        if pid == 0:
            signal.alarm(60)
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        if status != 0:
            raise RuntimeError(f"a child ended with {status}")
        pause(rng, 0.02)


def pause(rng, most):
    """Lets others run, for a random time: there is nothing to wait for."""
    threading.Event().wait(rng.uniform(0, most))


class Commands:
    def __init__(self, server, driver):
        self.server, self.driver = server, driver
        self.racers = Racers(server, driver)
        self.stopped = threading.Event()
        self.running, self.errors = [], []

    def __call__(self, do, **arguments):
        return getattr(self, do)(**arguments)

    def start(self, names, seed):
        self.stopped.clear()
        for number, name in enumerate(names):
            rng = random.Random(f"{seed} {number}")
            thread = threading.Thread(target=self.race, args=[name, rng], name=name)
            thread.start()
            self.running.append(thread)

    def race(self, name, rng):
        work = getattr(self.racers, name)
        while not self.stopped.is_set():
            try:
                work(rng)
            except Exception:
                self.errors.append(f"{name}: {traceback.format_exc()}")
                return
            if rng.random() < 0.2:
                pause(rng, 0.002)

    def stop(self):
        """What went wrong in the threads."""
        self.stopped.set()
        for thread in self.running:
            thread.join()
        self.running.clear()
        return self.errors

    def settle(self, value):
        """All PVs are there and served, at this port; CALM gets this value."""
        names = [name for name in PVDB if name != CALM]
        missing = {n: PVDB[n] for n in names if f"R:{n}" not in self.driver_names()}
        if missing:
            self.server.createPV("R:", missing)
        self.server.start()
        self.driver.setParam(CALM, value)
        self.driver.updatePV(CALM)
        for name in ASYN:
            self.driver.callbackPV(name)
        return self.server.tcp_port

    @staticmethod
    def driver_names():
        return set(pcaspy.driver.manager.pvf)

    def written(self):
        """Values and how often."""
        with self.driver.lock:
            return list(self.driver.written.items())


def main():
    server = SimpleServer()
    server.createPV("R:", PVDB)
    driver = Recorder()
    server.start()
    say("READY", {"tcp_port": server.tcp_port})
    answer_commands(Commands(server, driver))
    server.close()


main()
