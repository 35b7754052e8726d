"""A server that is made in a process of its own and gets its values by queues."""

import multiprocessing
import signal
from queue import Empty

import numpy as np

from pcaspy import Driver, SimpleServer
from pcaspy.tools import ServerThread

PREFIX = "MODEL:"


class ModelDriver(Driver):
    """Inputs are passed on, outputs cannot be put."""

    def __init__(self, server):
        super().__init__()
        self.server = server

    def read(self, reason):
        """What a client gets."""
        return self.getParam(reason)

    def write(self, reason, value):
        """A client's input."""
        if reason in ("SUM", "IMAGE:ArrayData_RBV"):
            return False
        self.setParam(reason, value)
        self.updatePVs()
        self.server.inputs.put((reason, value))
        return True


class ServerProcess(multiprocessing.Process):
    """Made in one process, at work in another."""

    def __init__(self, pvs, inputs, outputs):
        super().__init__(daemon=True)
        self.pvs, self.inputs, self.outputs = pvs, inputs, outputs
        self.exit_event = multiprocessing.Event()

    def run(self):
        """Serve, and publish what comes."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        server = SimpleServer()
        server.createPV(PREFIX, self.pvs)
        driver = ModelDriver(self)
        thread = ServerThread(server)
        thread.start()
        while not self.exit_event.is_set():
            try:
                values = self.outputs.get(timeout=0.05)
            except Empty:
                continue
            for name, value in values.items():
                driver.setParam(name, value)
            driver.updatePVs()
        thread.stop()


def main():
    """The model: a sum, and an image that grows brighter."""
    image = np.arange(12.0).reshape(3, 4)
    pvs = {
        "X": {"type": "float", "prec": 3, "value": 1.0, "lolim": -5, "hilim": 5},
        "Y": {"type": "float", "prec": 3, "value": 2.0, "default": 2.0, "units": "mm"},
        "SUM": {"type": "float", "prec": 3, "value": np.float64(3.0)},
        "IMAGE:NDimensions_RBV": {"type": "float", "value": image.ndim},
        "IMAGE:Dimensions_RBV": {"type": "int", "count": 2, "value": image.shape},
        "IMAGE:ArraySize_RBV": {"type": "int", "value": int(np.prod(image.shape))},
        "IMAGE:ArrayData_RBV": {"type": "float", "count": 12, "value": image.flatten()},
    }
    inputs, outputs = multiprocessing.Queue(), multiprocessing.Queue()
    server = ServerProcess(pvs, inputs, outputs)
    server.start()
    state = {"X": 1.0, "Y": 2.0}
    while True:
        name, value = inputs.get()
        state[name] = value
        total = state["X"] + state["Y"]
        outputs.put({"IMAGE:ArrayData_RBV": (image * total).flatten(), "SUM": total})


if __name__ == "__main__":
    main()
