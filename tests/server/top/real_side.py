"""A server with a driver that is slow where it is asked to be. Argument: PVs more."""

import json
import sys
import threading
import time

from pcaspy import Driver
from pcaspy.testing import IsolatedServer

PVDB = {
    "position": {"prec": 2, "unit": "mm", "drvh": 100, "enforce_limits": True},
    "limit": {"value": 12, "hihi": 10},
    "mode": {"type": "enum", "enums": ["Off", "Auto", "Hand"]},
    "name": {"type": "text", "value": "written [red]by[/] hand"},
    "trace": {"count": 2000, "value": list(range(2000))},
    "fixed": {"value": 1, "readonly": True},
    "slow": {},
    "ticks": {"type": "int"},
}


class SlowDriver(Driver):
    def write(self, reason, value):
        if reason == "slow":
            time.sleep(value)  # the line that is at fault
        return self.setParam(reason, value)


def main(more, name):
    pvdb = {f"more{n:06}": {"value": n} for n in range(more)}
    server = IsolatedServer(control=name, pva=True, defined=True)
    server.createPV("real:", {**PVDB, **pvdb})
    driver = SlowDriver()
    with server:
        found = {"udp_port": server.udp_port, "pva_udp_port": server.pva_udp_port}
        print("READY", json.dumps(found), flush=True)
        ended = threading.Event()
        threading.Thread(target=lambda: (sys.stdin.read(), ended.set())).start()
        ticks = 0
        while not ended.wait(0.05):
            ticks += 1
            driver.setParam("ticks", ticks)
            driver.updatePVs()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
