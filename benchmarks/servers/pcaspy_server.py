"""Serve with pcaspy: the same script for this project and for the released package.

    pcaspy_server.py MODE COUNT

MODE: plain | read (Driver.read overridden) | write (Driver.write overridden)
| scan (each PV read each second) | arrays.
"""

import sys
import time

import numpy as np
from control import (
    ARRAYS,
    MONITORED_ARRAY,
    PREFIX,
    Created,
    Poster,
    announce,
    serve_stdin,
)

from pcaspy import Driver, SimpleServer

BUSY_SECONDS = 0.05


class PlainDriver(Driver):
    """Everything is cached."""


class ReadDriver(Driver):
    """Each get is answered by Python, with a new value."""

    reads = 0

    def read(self, reason):
        self.reads += 1
        return float(self.reads)


class WriteDriver(Driver):
    """Puts are handled by Python; two PVs of them keep it busy for a while."""

    writes = 0

    def write(self, reason, value):
        self.writes += 1
        if reason == "SLEEP":
            time.sleep(BUSY_SECONDS)
        elif reason == "COMPUTE":
            end = time.perf_counter() + BUSY_SECONDS
            while time.perf_counter() < end:
                sum(range(100))
        self.setParam(reason, value)
        return True


DRIVERS = {
    "plain": PlainDriver,
    "arrays": PlainDriver,
    "read": ReadDriver,
    "scan": ReadDriver,
    "write": WriteDriver,
}


def make_pvdb(mode, count):
    if mode == "arrays":
        return {
            name: {"type": "float", "count": n, "value": np.zeros(n)}
            for name, n in ARRAYS.items()
        }
    extra = {"scan": 1} if mode == "scan" else {}
    names = [str(i) for i in range(count)]
    if mode == "write":
        names += ["SLEEP", "COMPUTE"]
    return {n: {"type": "float", "prec": 3, "unit": "mA", **extra} for n in names}


class PcaspyPoster(Poster):
    def __init__(self, driver, count):
        self.driver = driver
        self.names = [str(i) for i in range(count)]

    @property
    def writes(self):
        return self.driver.writes

    def post(self, index, value):
        self.driver.setParam(self.names[index], value)
        self.driver.updatePV(self.names[index])

    def post_all(self, count, value):
        """As documented for each: one bulk call here, a loop in the released one."""
        driver, names = self.driver, self.names[:count]
        if hasattr(driver, "setParams"):
            driver.setParams(dict.fromkeys(names, value))
            return
        for name in names:
            driver.setParam(name, value)
        driver.updatePVs()

    def post_array(self, value):
        self.driver.setParam(MONITORED_ARRAY, value)
        self.driver.updatePV(MONITORED_ARRAY)

    def sparse(self, count):
        spent = 0.0
        for i in range(count):
            self.driver.setParam("0", float(i))
            start = time.perf_counter()
            self.driver.updatePVs()
            spent += time.perf_counter() - start
        return {"ms": 1e3 * spent / count}


def main(mode, count):
    pvdb = make_pvdb(mode, count)
    server = SimpleServer()
    with Created() as created:
        server.createPV(PREFIX, pvdb)
        create_s = time.perf_counter() - created.start
        driver = DRIVERS[mode]()
    created.facts["create_s"] = create_s
    serve_stdin(PcaspyPoster(driver, count))
    announce(**created.facts)
    while True:
        server.process(0.1)


main(sys.argv[1], int(sys.argv[2]))
