"""PVs with two prefixes on one server, one driver for all of them."""

from pcaspy import Driver, SimpleServer

HALL = {"TEMPERATURE": {"value": 21.5, "unit": "C", "udf": False}}
TUNNEL = {"PRESSURE": {"value": 2e-9, "prec": 11, "unit": "mbar", "udf": False}}


class LabDriver(Driver):
    """Stores what clients write."""


if __name__ == "__main__":
    server = SimpleServer()
    server.createPV("HALL:", HALL)
    server.createPV("TUNNEL:", TUNNEL)
    driver = LabDriver()
    try:
        while True:
            server.process(0.1)
    except KeyboardInterrupt:
        pass
