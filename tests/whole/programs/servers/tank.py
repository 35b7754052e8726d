"""A tank that is filled only while its level is low, as rules say."""

import sys

from pcaspy import Driver, SimpleServer

PREFIX = "TANK:"
PVS = {
    "LEVEL": {},
    "FILL": {"prec": 3, "asg": "fill"},
    "FLOW": {"asg": "readback", "value": 1.5},
    "MODE": {"asg": "operators", "type": "enum", "enums": ["Auto", "Manual"]},
    "LOST": {"asg": "no such group"},
}


class Tank(Driver):
    """Stores what it is given."""

    def __init__(self):
        super().__init__()


server = SimpleServer()
server.initAccessSecurityFile(sys.argv[1], P=PREFIX)
server.createPV(PREFIX, PVS)
tank = Tank()
while True:
    server.process(0.1)
