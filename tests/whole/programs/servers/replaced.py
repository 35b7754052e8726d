"""Servers that are dropped and made anew in one process, with other PVs or the same."""

import gc
import sys

from pcaspy import Driver, SimpleServer
from pcaspy.tools import ServerThread

ROUNDS = ({"A": {}, "TELL": {}}, {"A": {"value": 5.0}, "B": {}, "TELL": {}})


class Told(Driver):
    """Its TELL ends a round."""

    def __init__(self):
        super().__init__()
        self.ended = False

    def write(self, reason, value):
        """Keep everything."""
        self.setParam(reason, value)
        self.updatePVs()
        self.ended = self.ended or reason == "TELL"
        return True


class Fixture:
    """A server that can be started, stopped and thrown away."""

    def __init__(self, threaded):
        self.threaded = threaded
        self.server = self.driver = self.thread = None

    def start(self, pvs):
        """Make the server and serve until it was told to end."""
        self.server = SimpleServer()
        self.server.createPV("AGAIN:", pvs)
        self.driver = Told()
        if self.threaded:
            self.thread = ServerThread(self.server)
            self.thread.start()
        while not self.driver.ended:
            if self.threaded:
                self.thread.join(0.05)
            else:
                self.server.process(0.05)

    def kill(self):
        """Stop serving and forget everything."""
        if self.thread is not None:
            self.thread.stop()
            self.thread.join()
        self.server = self.driver = self.thread = None
        gc.collect()


fixture = Fixture("thread" in sys.argv)
for round_ in ROUNDS:
    fixture.start(round_)
    fixture.kill()
fixture.start(ROUNDS[0])
