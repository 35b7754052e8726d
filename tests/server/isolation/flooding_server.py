"""A server whose threads post without a pause, each to PVs of its own.

They hold a lock while they post, which `Driver.write` takes, too.
"""

import os
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from pcaspy import Driver, SimpleServer
from support.child_side import answer_commands_in_thread, say

PREFIX = "FLOOD:"
POSTERS = 2
EACH = 3
FORKED_POSTS = 200
PVDB = {
    f"N{poster}_{i}": {"type": "int"} for poster in range(POSTERS) for i in range(EACH)
}
PVDB["PUT"] = {"type": "int"}


class FloodingDriver(Driver):
    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()
        self.flooding = threading.Event()
        self.idle = [threading.Event() for _ in range(POSTERS)]
        self.closing = threading.Event()
        self.closed = threading.Event()
        self.counts = [0] * POSTERS
        for poster in range(POSTERS):
            threading.Thread(target=self.flood, args=(poster,), daemon=True).start()

    def post_next(self, poster):
        self.counts[poster] += 1
        count = self.counts[poster]
        names = [f"N{poster}_{i}" for i in range(EACH)]
        if count % 3 == 0:
            self.setParams(dict.fromkeys(names, count))
            return
        for name in names:
            self.setParam(name, count)
            if count % 3 == 1:
                self.updatePV(name)
        if count % 3 == 2:
            self.updatePVs()

    def flood(self, poster):
        while True:
            self.idle[poster].set()
            self.flooding.wait()
            self.idle[poster].clear()
            while self.flooding.is_set():
                with self.lock:
                    self.post_next(poster)

    def write(self, reason, value):
        with self.lock:
            self.setParam(reason, value)
            self.updatePVs()
        return True

    # Commands

    def start(self):
        self.flooding.set()

    def halt(self):
        """The last value of each poster's PVs."""
        self.flooding.clear()
        for idle in self.idle:
            idle.wait()
        return self.counts

    def fork(self):
        """Forks while all post; the child posts, too. Its exit status."""
        pid = os.fork()
        if pid == 0:
            for count in range(FORKED_POSTS):
                self.setParams(dict.fromkeys(PVDB, count))
            os._exit(7)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def close(self):
        """Closes the server while all post, and then lets them go on."""
        self.closing.set()
        self.closed.wait()
        before = sum(self.counts)
        while sum(self.counts) < before + 100:
            pass


def main():
    server = SimpleServer()
    server.createPV(PREFIX, PVDB)
    driver = FloodingDriver()
    server.process(0.01)
    ended = answer_commands_in_thread(
        lambda command, **arguments: getattr(driver, command)(**arguments)
    )
    say("READY", {"tcp_port": server.tcp_port})
    while not ended.is_set() and not driver.closing.is_set():
        server.process(0.1)
    server.close()
    driver.closed.set()
    ended.wait()


if __name__ == "__main__":
    main()
