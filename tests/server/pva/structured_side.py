"""Our server with tables and images: `python structured_side.py PREFIX`."""

import gc
import logging
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
import structured_values as values

from pcaspy import Driver, SimpleServer
from pcaspy.tools import ServerThread
from support.child_side import answer_commands, say

PVDB = {
    "TABLE": {
        "type": "table",
        "columns": values.COLUMNS,
        "labels": values.LABELS,
        "desc": "a table",
        "udf": False,
    },
    "IMAGE": {"type": "ndarray", "desc": "an image"},
    "SMALL": {"type": "ndarray", "count": 6},
    "SHORT": {"type": "table", "columns": {"a": "float", "b": "string"}, "count": 3},
    "READ": {"type": "ndarray"},
    "NUMBER": {"type": "int"},
}


class StructuredDriver(Driver):
    def __init__(self):
        super().__init__()
        self.written = []

    def read(self, reason):
        if reason == "READ":
            return np.arange(6, dtype="u2").reshape(2, 3)
        return self.getParam(reason)

    def write(self, reason, value):
        self.written.append([reason, shown(value)])
        self.setParam(reason, value)
        self.updatePVs()
        return True


def shown(value):
    """What JSON can carry."""
    if isinstance(value, dict):
        return {name: shown(column) for name, column in value.items()}
    if isinstance(value, np.ndarray):
        return [value.dtype.str, list(value.shape), value.tolist()]
    return value


class Commands:
    def __init__(self, driver):
        self.driver = driver

    def __call__(self, do, **arguments):
        return getattr(self, do)(**arguments)

    def table(self, seed, name="TABLE"):
        self.driver.setParam(name, values.table(seed))
        self.driver.updatePVs()
        return shown(self.driver.getParam(name))

    def image(self, dtype, shape, seed, name="IMAGE"):
        self.driver.setParam(name, values.image(dtype, shape, seed))
        self.driver.updatePVs()
        return shown(self.driver.getParam(name))

    def images(self, count, size):
        """So many images of that many bytes, each filled with its number."""
        for number in range(1, count + 1):
            pixels = np.full((size // 1024, 1024), number % 256, "u1")
            self.driver.setParam("IMAGE", pixels)
            self.driver.updatePV("IMAGE")

    def unusual(self):
        """Arrays in other orders and layouts than the wire has."""
        whole = np.arange(24, dtype="i4").reshape(4, 6)
        given = {
            "every second": whole[::2, ::3],
            "by columns": np.asfortranarray(whole),
            "big endian": whole.astype(">i4"),
            "nested lists": [[1.5, 2], [3, 4]],
            "bytes": b"\x01\x02",
            "backwards": whole[::-1],
        }
        kept = {}
        for name, pixels in given.items():
            self.driver.setParam("IMAGE", pixels)
            found = self.driver.getParam("IMAGE")
            kept[name] = (
                found.tolist()
                == np.asarray(
                    np.frombuffer(pixels, "u1") if name == "bytes" else pixels
                ).tolist()
            )
        return kept

    def set(self, name, value):
        """The error, or None."""
        try:
            self.driver.setParam(name, value)
        except (TypeError, ValueError) as error:
            return f"{type(error).__name__}: {error}"
        self.driver.updatePV(name)
        return None

    def mine(self):
        """Arrays of the program's own may change afterwards."""
        column, pixels = [1.0, 2.0], np.zeros((2, 2))
        self.driver.setParam("SHORT", {"a": column, "b": ["u", "v"]})
        self.driver.setParam("IMAGE", pixels)
        column[0], pixels[0, 0] = 7.0, 7.0
        found = [shown(self.driver.getParam(name)) for name in ("SHORT", "IMAGE")]
        return [found[0]["a"][2], found[1][2]]

    def alarm(self, name):
        self.driver.setParamStatus(name, 3, 2)
        self.driver.updatePV(name)

    def info(self, name, info):
        try:
            self.driver.setParamInfo(name, info)
        except ValueError as error:
            return str(error)
        self.driver.updatePV(name)
        return None

    def written(self):
        written, self.driver.written = self.driver.written, []
        return written

    def memory(self):
        """Of this process, in MB, after what Python can free."""
        gc.collect()
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1]) * 4096 / 1e6


def main():
    logging.basicConfig()
    server = SimpleServer(port=0, pva=True)
    server.createPV(sys.argv[1], PVDB)
    driver = StructuredDriver()
    server.start()
    ports = {
        "pva_udp_port": server.pva_udp_port,
        "pva_tcp_port": server.pva_tcp_port,
        "tcp_port": server.tcp_port,
    }
    thread = ServerThread(server)
    thread.start()
    say("READY", ports)
    answer_commands(Commands(driver))
    thread.stop()
    thread.join()
    server.close()


if __name__ == "__main__":
    main()
