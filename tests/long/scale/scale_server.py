"""The server of run.py: scale_server.py PVS SCANNED PUTS.

PVs 0 ... PVS-1 are stored values, SCAN0 ... are read each second by a driver in Python,
PUT0 ... take a put that ends HOLD seconds later. It obeys lines on its stdin, and
answers each with a line of JSON.
"""

import ctypes
import json
import os
import resource
import signal
import sys
import threading
import time

from pcaspy import Driver, SimpleServer

PREFIX = "SCALE:"
HOLD = 1.0


class Stored(Driver):
    """All values are posted; no Python in a get."""


class Scanned(Driver):
    """Each PV is read once a second."""

    port = "scanned"
    reads = 0

    def read(self, reason):
        self.reads += 1
        return float(self.reads)


class Slow(Driver):
    """Puts that are in progress for a while."""

    port = "slow"

    def __init__(self):
        super().__init__()
        self.open = []
        self.most = 0

    def write(self, reason, value):
        self.open.append(reason)
        self.most = max(self.most, len(self.open))
        if len(self.open) == 1:
            threading.Timer(HOLD, self.end).start()
        return True

    def end(self):
        ended, self.open = self.open, []
        for reason in ended:
            self.callbackPV(reason)


def make_pvdb(pvs, scanned, puts):
    plain = {"prec": 3, "unit": "mA"}
    pvdb = {str(i): dict(plain) for i in range(pvs)}
    for i in range(scanned):
        pvdb[f"SCAN{i}"] = plain | {"scan": 1, "port": "scanned"}
    for i in range(puts):
        pvdb[f"PUT{i}"] = plain | {"asyn": True, "port": "slow"}
    return pvdb


class Commands:
    """What run.py asks for."""

    def __init__(self, server, drivers, pvs):
        self.server = server
        self.stored, self.scanned, self.slow = drivers
        self.names = [str(i) for i in range(pvs)]
        self.stopped, self.idle = threading.Event(), threading.Event()

    def obey(self):
        for line in sys.stdin:
            say(getattr(self, line.strip())())
        os._exit(0)

    def post(self):
        """Post all stored values, one batch."""
        start = time.perf_counter()
        self.stored.setParams(dict.fromkeys(self.names, time.time()))
        return {"seconds": time.perf_counter() - start, "posts": len(self.names)}

    def stats(self):
        return self.server.stats()

    def trim(self):
        """Have the C library give back what is free."""
        start = time.perf_counter()
        ctypes.CDLL(None).malloc_trim(0)
        return {"seconds": time.perf_counter() - start}

    def most(self):
        return {"writes": self.slow.most, "reads": self.scanned.reads}

    def close(self):
        """End the server; the process lives on."""
        self.stopped.set()
        self.idle.wait()
        start, cpu = time.perf_counter(), time.process_time()
        self.server.close()
        spent = time.process_time() - cpu
        return {"seconds": time.perf_counter() - start, "cpu": spent}


def say(facts):
    print(json.dumps(facts), flush=True)


def main(pvs, scanned, puts):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    pvdb = make_pvdb(pvs, scanned, puts)
    server = SimpleServer(control="scale")
    start, cpu = time.perf_counter(), time.process_time()
    server.createPV(PREFIX, pvdb)
    seconds, spent = time.perf_counter() - start, time.process_time() - cpu
    commands = Commands(server, (Stored(), Scanned(), Slow()), pvs)
    driver = time.perf_counter() - start - seconds
    threading.Thread(target=commands.obey, daemon=True).start()
    server.process(0.01)
    say(
        {
            "seconds": seconds,
            "cpu": spent,
            "drivers": driver,
            "tcp_port": server.tcp_port,
            "udp_port": server.udp_port,
            "descriptors": len(os.listdir("/proc/self/fd")),
        }
    )
    while not commands.stopped.is_set():
        server.process(0.1)
    commands.idle.set()
    signal.pause()


main(*map(int, sys.argv[1:]))
