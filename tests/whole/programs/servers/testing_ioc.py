"""An oscilloscope with images for trying displays: access rules, threads, arrays."""

import sys
import threading

import numpy as np

from pcaspy import Driver, SimpleServer

PREFIX = "SCOPE:"
POINTS, SIZE = 1000, 100
RULED = {"asg": "default"}
PVS = {
    "Run": {"type": "enum", "enums": ["STOP", "RUN"], **RULED},
    "ReadOnly": {"type": "enum", "enums": ["FALSE", "TRUE"], "value": 0},
    "UpdateTime": {"prec": 3, "unit": "s", "value": 0.03, **RULED},
    "Waveform": {"count": POINTS, "prec": 5, **RULED},
    "TimeBase": {
        **{"count": POINTS, "prec": 5, **RULED},
        "value": np.arange(POINTS, dtype=float) * 10 / (POINTS - 1),
    },
    "Image": {
        **{"type": "char", "count": SIZE**2, **RULED},
        "value": np.zeros(SIZE**2, dtype=np.uint8),
    },
    "ImageWidth": {"type": "int", "value": SIZE, **RULED},
    "String": {"type": "string", "value": "Test String", **RULED},
    "Message": {"type": "char", "count": 100, "value": "a message"},
    "Float": {
        **{"type": "float", "value": 0.0, "unit": "mJ", "prec": 3, **RULED},
        **{
            "lolim": -1.2,
            "lolo": -1,
            "low": -0.8,
            "high": 0.8,
            "hihi": 1,
            "hilim": 1.2,
        },
    },
    "Bits": {"type": "int", "value": 0b101010, "lolim": 0, "hilim": 32, **RULED},
    "Infinity": {"count": 10, "value": np.array([np.inf] * 10), **RULED},
}


class Scope(Driver):
    """A thread makes data while Run is set."""

    def __init__(self):
        Driver.__init__(self)
        self.wakened = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def write(self, reason, value):
        """Bounds for UpdateTime, a nudge for Run."""
        if reason == "UpdateTime":
            value = max(0.01, value)
        elif reason == "Run" and not self.getParam("Run") and value == 1:
            self.wakened.set()
            self.wakened.clear()
        self.setParam(reason, value)
        return True

    def run(self):
        """A wave and an image in turn."""
        turn = 0
        while True:
            seconds = self.getParam("UpdateTime") if self.getParam("Run") else None
            self.wakened.wait(seconds)
            if not self.getParam("Run"):
                continue
            turn = (turn + 1) % 100
            self.setParam("Waveform", np.full(POINTS, float(turn)))
            image = np.abs(256.0 * np.random.random((SIZE, SIZE)))
            self.setParam(
                "Image", image.flatten(order="C").astype(np.uint8, copy=False)
            )
            self.updatePVs()


server = SimpleServer()
server.initAccessSecurityFile(sys.argv[1], P=PREFIX)
server.createPV(PREFIX, PVS)
scope = Scope()
scope.setParam("ReadOnly", 0)
while True:
    server.process(0.03)
