"""The same PVs twice on one server: a driver for each, chosen by `port`."""

from pcaspy import Driver, SimpleServer


def axis(port):
    return {"POSITION": {"prec": 3, "unit": "mm", "port": port, "udf": False}}


class LeftDriver(Driver):
    port = "left"


class RightDriver(Driver):
    port = "right"

    def write(self, reason, value):
        self.setParam(reason, -value)  # this axis is mounted the other way round
        self.updatePVs()
        return True


if __name__ == "__main__":
    server = SimpleServer()
    server.createPV("LEFT:", axis("left"))
    server.createPV("RIGHT:", axis("right"))
    drivers = LeftDriver(), RightDriver()
    try:
        while True:
            server.process(0.1)
    except KeyboardInterrupt:
        pass
