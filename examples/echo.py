"""Keep what clients write: MTEST:RAND gives back the last value put to it."""

from pcaspy import Driver, SimpleServer

PREFIX = "MTEST:"
PVDB = {"RAND": {"prec": 3, "udf": False}}


class EchoDriver(Driver):
    """Adds nothing: a Driver stores what is written and returns it when read."""


if __name__ == "__main__":
    server = SimpleServer()
    server.createPV(PREFIX, PVDB)
    driver = EchoDriver()
    try:
        while True:
            server.process(0.1)
    except KeyboardInterrupt:
        pass
