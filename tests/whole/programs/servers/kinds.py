"""PVs of all kinds, for clients of every make; runs with either pcaspy."""

import threading
from pathlib import Path

from pcaspy import Driver, SimpleServer

PVS = {
    "DOUBLE": {
        **{"prec": 3, "unit": "mm", "value": 1.5, "lolim": -20, "hilim": 20},
        **{"lolo": -10, "low": -5, "high": 5, "hihi": 10},
    },
    "LONG": {"type": "int", "value": 42, "unit": "turns"},
    "SHORT": {"type": "short", "value": -7},
    "ENUM": {"type": "enum", "enums": ["Off", "On", "Broken"], "value": 1},
    "STRING": {"type": "string", "value": "some text"},
    "CHARS": {
        "type": "char",
        "count": 80,
        "value": "a text of more than forty characters",
    },
    "ARRAY": {"count": 5, "value": [0.5, 1.5, 2.5, 3.5, 4.5]},
    "LONGS": {"type": "int", "count": 4, "value": [1, 2, 3, 4]},
    "STRINGS": {"type": "string", "count": 3, "value": ["one", "two", "three"]},
    "SLOW": {"asyn": True},
    "REFUSED": {"value": 3.0},
    "READONLY": {"asg": "readonly", "value": 8.0},
    "TRIGGER": {},
    "STEPS": {"type": "int"},
}


class Kinds(Driver):
    """Takes every put but that to REFUSED; SLOW ends in another thread."""

    def write(self, reason, value):
        """A put that a client sent."""
        if reason == "REFUSED":
            return False
        self.setParam(reason, value)
        if reason == "SLOW":
            threading.Timer(0.2, self.callbackPV, ["SLOW"]).start()
        if reason == "TRIGGER":
            for number in range(1, 4):
                self.setParam("STEPS", int(10 * value) + number)
                self.updatePV("STEPS")
        self.updatePVs()
        return True


def main():
    """Serve until the process is ended."""
    server = SimpleServer()
    server.initAccessSecurityFile(str(Path(__file__).with_suffix(".acf")))
    server.createPV("KINDS:", PVS)
    driver = Kinds()
    driver.updatePVs()
    while True:
        server.process(0.1)


if __name__ == "__main__":
    main()
