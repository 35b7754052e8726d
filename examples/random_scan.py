"""Random numbers that change by themselves: `scan` reads the PVs once a second.

MTEST:RAND is one number, MTEST:LIST ten of them.
"""

import random

from pcaspy import Driver, SimpleServer

PREFIX = "MTEST:"
PVDB = {
    "RAND": {"prec": 3, "scan": 1},
    "LIST": {"prec": 3, "scan": 1, "count": 10},
}


class RandomDriver(Driver):
    def read(self, reason):
        if reason == "RAND":
            return random.random()
        return [random.random() for _ in range(10)]


if __name__ == "__main__":
    server = SimpleServer()
    server.createPV(PREFIX, PVDB)
    driver = RandomDriver()
    try:
        while True:
            server.process(0.1)
    except KeyboardInterrupt:
        pass
