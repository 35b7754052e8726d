"""Serve with repics' server with threads: repics_server.py MODE COUNT."""

import sys
import threading

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
from repics.ca.server import Server, SharedPV


class Written:
    """The handler of each PV: it counts the puts and accepts them."""

    writes = 0

    def put(self, pv, operation):
        self.writes += 1
        pv.post(operation.value())
        operation.done()


class RepicsPoster(Poster):
    def __init__(self, pvs, handler):
        self.pvs = list(pvs.values())
        self.array_pv = pvs.get(PREFIX + MONITORED_ARRAY)
        self.handler = handler

    @property
    def writes(self):
        return self.handler.writes

    def post(self, index, value):
        self.pvs[index].post(value)

    def post_array(self, value):
        self.array_pv.post(value)


def make_pvs(mode, count, handler):
    """Make the PVs; they know neither units nor a precision."""
    if mode == "arrays":
        return {
            PREFIX + name: SharedPV(initial=np.zeros(ARRAYS[name])) for name in ARRAYS
        }
    handled = handler if mode == "write" else None
    return {f"{PREFIX}{i}": SharedPV(handled, initial=0.0) for i in range(count)}


def main(mode, count):
    handler = Written()
    with Created() as created:
        pvs = make_pvs(mode, count, handler)
        server = Server([pvs])
    serve_stdin(RepicsPoster(pvs, handler))
    announce(**created.facts)
    with server:
        threading.Event().wait()


main(sys.argv[1], int(sys.argv[2]))
