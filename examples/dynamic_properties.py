"""Labels, units and limits that change while clients watch.

A put of 1 to MTEST:CHANGE gives MTEST:STATE two more labels and MTEST:ENERGY its unit;
0 takes them back. Clients that subscribed to DBE_PROPERTY get an update.
"""

from pcaspy import Driver, SimpleServer

PREFIX = "MTEST:"
FEW = ["ZERO", "ONE"]
MANY = [*FEW, "TWO", "THREE"]
PVDB = {
    "CHANGE": {"type": "int", "udf": False},
    "STATE": {"type": "enum", "enums": FEW, "udf": False},
    "ENERGY": {"prec": 2, "value": 8.05, "udf": False},
}


class PropertyDriver(Driver):
    def write(self, reason, value):
        self.setParam(reason, value)
        if reason == "CHANGE":
            self.setParamEnums("STATE", MANY if value else FEW)
            self.setParamInfo("ENERGY", {"unit": "eV" if value else ""})
        self.updatePVs()
        return True


if __name__ == "__main__":
    server = SimpleServer()
    server.createPV(PREFIX, PVDB)
    driver = PropertyDriver()
    try:
        while True:
            server.process(0.1)
    except KeyboardInterrupt:
        pass
