"""A driver that fills its parameters itself and never calls `Driver.__init__`."""

import sys

import pcaspy
from pcaspy.driver import Data, manager

OVERRIDES = sys.argv[1]


class Heir(pcaspy.Driver):
    """Takes over the values of the driver before it."""

    def __init__(self, before=None):
        self.pvDB = {}
        for reason, pv in manager.pvs[self.port].items():
            self.pvDB[reason] = data = Data()
            known = before is not None and reason in before.pvDB
            data.value = before.pvDB[reason].value if known else pv.info.value

    if OVERRIDES == "read":

        def read(self, reason):
            """What a client gets."""
            return self.getParam(reason)

    def write(self, reason, value):
        """Keep it; NEXT makes another driver with one PV more."""
        global driver
        self.setParam(reason, value)
        self.updatePVs()
        if reason == "NEXT":
            server.createPV("HEIR:", {f"MORE{value:g}": {"value": value}})
            driver = Heir(before=self)
        return True


server = pcaspy.SimpleServer()
server.createPV("HEIR:", {"A": {"value": 1.0}, "W": {"count": 3}, "NEXT": {}})
driver = Heir()
while True:
    server.process(0.05)
