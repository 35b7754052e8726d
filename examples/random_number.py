"""A new random number for each get, by overriding Driver.read."""

import random

from pcaspy import Driver, SimpleServer

PREFIX = "MTEST:"
PVDB = {"RAND": {"prec": 3, "udf": False}}


class RandomDriver(Driver):
    def read(self, reason):
        if reason == "RAND":
            return random.random()
        return self.getParam(reason)


if __name__ == "__main__":
    server = SimpleServer()
    server.createPV(PREFIX, PVDB)
    driver = RandomDriver()
    try:
        while True:
            server.process(0.1)
    except KeyboardInterrupt:
        pass
