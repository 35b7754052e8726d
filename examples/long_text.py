"""Text longer than the 40 characters of an EPICS string: an array of characters."""

from pcaspy import Driver, SimpleServer

PREFIX = "MTEST:"
PVDB = {
    "TEXT": {
        "type": "char",
        "count": 300,
        "value": "any text up to 299 characters",
        "udf": False,
    },
    "LENGTH": {"type": "int", "value": 29, "udf": False},
}


class TextDriver(Driver):
    def write(self, reason, value):
        if reason != "TEXT":
            return False
        self.setParam("TEXT", value)  # a str: the engine knows about the bytes
        self.setParam("LENGTH", len(value))
        self.updatePVs()
        return True


if __name__ == "__main__":
    server = SimpleServer()
    server.createPV(PREFIX, PVDB)
    driver = TextDriver()
    try:
        while True:
            server.process(0.1)
    except KeyboardInterrupt:
        pass
