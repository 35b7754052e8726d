"""A server whose entries restrict puts: `python entry_server.py`.

`set` changes fields of a PV, `name` gives the PV NAMED its other name or takes it away,
`fork` begins to fork from a thread, `tell` returns what was written and how children
ended. Every change is made while other clients put.
"""

import os
import signal
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import pcaspy
from pcaspy import Driver, SimpleServer
from pcaspy.tools import ServerThread
from support.child_side import answer_commands_in_thread, say

LIMITS = {"drvl": -10, "drvh": 10}
PVDB = {
    "LIMIT": {**LIMITS, "enforce_limits": "refuse"},
    "CLAMP": {**LIMITS, "enforce_limits": "clamp"},
    "SWITCH": {},
    "RANGE": {**LIMITS, "enforce_limits": True},
    "NAMED": {"alias": "OTHER"},
    "FIXED": {"readonly": True},
}


class Recorder(Driver):
    """Knows the least and the largest value that was written."""

    def __init__(self):
        super().__init__()
        self.written = {}

    def write(self, reason, value):
        low, high = self.written.get(reason, (value, value))
        self.written[reason] = min(low, value), max(high, value)
        self.setParam(reason, value)
        return True


class Forker(threading.Thread):
    """Forks again and again; children end at once."""

    def __init__(self):
        super().__init__(daemon=True)
        self.stop = threading.Event()
        self.ended = []

    def run(self):
        while not self.stop.is_set():
            pid = os.fork()
            if pid == 0:
                signal.alarm(60)
                os._exit(0)
            self.ended.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def main():
    server = SimpleServer()
    server.createPV("E:", PVDB)
    driver = Recorder()
    forker = Forker()
    named = pcaspy.driver.manager.pvf["E:NAMED"]

    def handle(do, reason="", fields=None, on=True):
        if do == "set":
            driver.setParamInfo(reason, fields)
        elif do == "name" and on:
            pcaspy.driver.manager.pvf["E:OTHER"] = named
        elif do == "name":
            del pcaspy.driver.manager.pvf["E:OTHER"]
        elif do == "fork":
            forker.start()
        elif do == "join":
            forker.stop.set()
            forker.join(60)
            return sorted(set(forker.ended)), len(forker.ended)
        elif do == "close":
            thread.stop()
            thread.join()
        return driver.written

    with ServerThread(server) as thread:
        server.start()
        say("READY", {"tcp_port": server.tcp_port})
        answer_commands_in_thread(handle).wait()


if __name__ == "__main__":
    main()
