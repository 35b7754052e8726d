"""Our server with the common PVs: `python common_server.py PREFIX`.

Where it listens comes from EPICS_CAS_*. The methods of Commands are
what a test can tell it.
"""

import ctypes
import os
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import pcaspy
import pcaspy.driver
from servers.common_pvdb import PVDB, SET_AT_START, SLOW_SECONDS
from support.child_side import answer_commands_in_thread, say


class CommonDriver(pcaspy.Driver):
    """Accepts every write but the ones to REFUSES; completes SLOW and SLOW2 later."""

    def __init__(self):
        super().__init__()
        self.released = threading.Event()
        self.released.set()
        for reason in SET_AT_START:
            self.setParam(reason, PVDB[reason].get("value", 0))
        self.updatePVs()

    def write(self, reason, value):
        self.released.wait()
        if reason == "REFUSES":
            return False
        self.setParam(reason, value)
        if reason.startswith("SLOW"):
            threading.Timer(SLOW_SECONDS, self.callbackPV, (reason,)).start()
        return True


class Commands:
    """What a test can tell this server; runs in the command thread."""

    def __init__(self, server, driver, prefix):
        self.server, self.driver, self.prefix = server, driver, prefix

    def __call__(self, do, **arguments):
        return getattr(self, do)(**arguments)

    def post(self, name, value):
        self.driver.setParam(name, value)
        self.driver.updatePV(name)

    def stats(self):
        return self.server.stats()

    def units(self, name, units):
        self.driver.setParamInfo(name, {"unit": units})
        self.driver.updatePV(name)

    def deadband(self, name, width):
        self.driver.setParamInfo(name, {"mdel": width, "adel": width})

    def remove(self, name):
        manager = pcaspy.driver.manager
        del manager.pvs["default"][name]
        del manager.pvf[self.prefix + name]

    def add(self, name):
        self.server.createPV(self.prefix, {name: PVDB[name]})

    def hold(self):
        """Let the next write wait until `release`."""
        self.driver.released.clear()

    def release(self):
        self.driver.released.set()

    def hold_gil(self, fifo):
        """Hold the GIL in one C call until a byte comes through a named pipe."""
        descriptor = os.open(fifo, os.O_RDONLY)
        ctypes.PyDLL(None).read(descriptor, ctypes.create_string_buffer(1), 1)
        os.close(descriptor)


def main():
    prefix = sys.argv[1]
    server = pcaspy.SimpleServer()
    server.createPV(prefix, PVDB)
    driver = CommonDriver()
    server.start()
    say(
        "READY",
        {"tcp_port": server.tcp_port, "udp_port": server.udp_port, "pid": os.getpid()},
    )
    ended = answer_commands_in_thread(Commands(server, driver, prefix))
    while not ended.is_set():
        server.process(0.05)


if __name__ == "__main__":
    main()
