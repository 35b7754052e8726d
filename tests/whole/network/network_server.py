"""A server for tests of the network: `python network_server.py PREFIX`, then commands.

The environment says where it serves. SLOW takes puts and completes them when told.
"""

import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from pcaspy import Driver, SimpleServer
from pcaspy.tools import ServerThread
from support.child_side import answer_commands, say

PVDB = {
    "A": {"type": "int"},
    "B": {"type": "int"},
    "SLOW": {"type": "int", "asyn": True},
    "ARRAY": {"type": "int", "count": 100_000},
    **{f"MANY{n}": {"type": "int", "value": n} for n in range(200)},
}


class Recorder(Driver):
    """Keeps what was written."""

    def __init__(self):
        super().__init__()
        self.written = []
        self.changed = threading.Condition()

    def write(self, reason, value):
        self.setParam(reason, value)
        self.updatePV(reason)
        with self.changed:
            self.written.append([reason, value])
            self.changed.notify_all()
        return True


class Commands:
    def __init__(self, server, driver):
        self.server, self.driver = server, driver
        self.stopped = threading.Event()
        self.ticker = None

    def __call__(self, do, **arguments):
        return getattr(self, do)(**arguments)

    def post(self, reason, value):
        self.driver.setParam(reason, value)
        self.driver.updatePV(reason)

    def start_posts(self, reason, period):
        """Counts up in a thread."""

        def run():
            number = 0
            while not self.stopped.wait(period):
                number += 1
                self.post(reason, number)

        self.stopped.clear()
        self.ticker = threading.Thread(target=run, daemon=True)
        self.ticker.start()

    def stop_posts(self):
        self.stopped.set()
        self.ticker.join()

    def written(self, number, seconds=10):
        """What was written, as soon as there are so many."""
        with self.driver.changed:
            self.driver.changed.wait_for(
                lambda: len(self.driver.written) >= number, seconds
            )
            return list(self.driver.written)

    def finish(self, reason):
        self.driver.callbackPV(reason)

    def stats(self):
        return self.server.stats()


def main():
    server = SimpleServer()
    server.createPV(sys.argv[1], PVDB)
    driver = Recorder()
    server.start()
    thread = ServerThread(server)
    thread.daemon = True
    thread.start()
    say("READY", {"tcp_port": server.tcp_port, "udp_port": server.udp_port})
    answer_commands(Commands(server, driver))
    thread.stop()
    thread.join()
    server.close()


main()
