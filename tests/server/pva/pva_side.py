"""Our server over both protocols: `python pva_side.py PREFIX OPTIONS`.

Where it listens comes from EPICS_*. OPTIONS: "rules=FILE" loads access rules, and
"driver=plain" has a driver without a read of its own. The methods of Commands are what
a test can tell it.
"""

import ctypes
import gc
import logging
import os
import signal
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import pcaspy
import pcaspy.driver
from pcaspy import Alarm, Severity
from pcaspy.native._tables import instance_counts
from pcaspy.tools import ServerThread
from servers import common_pvdb
from support.child_side import answer_commands, say

# As more.db has them.
MORE = {
    "AI": {
        **{"type": "float", "prec": 2, "unit": "mA", "value": 1.5},
        **{"lolim": -10, "hilim": 10, "high": 8},
    },
    "LONGIN": {"type": "int", "value": 7},
    "MBBI": {"type": "enum", "enums": ["a", "b"], "value": 1},
    "BI": {"type": "enum", "enums": ["no", "yes"], "value": 1},
    "STRINGIN": {"type": "string", "value": "text"},
}
# Those whose driver does something special.
SPECIAL = {
    "ASYNC": {"type": "int", "asyn": True, "value": 0},
    "LATER": {"type": "int", "value": 0},
    "RAISES": {"type": "int", "value": 0},
    "RAISES:LATER": {"type": "int", "value": 0},
    "READ": {"type": "int", "value": 0},
    "UNREADABLE": {"type": "int", "value": 0},
    "BLOCKS": {"type": "int", "value": 0},
    "COUNTER": {"type": "int", "value": 0},
    "LEVEL": {"type": "int", "value": 1},
    "GUARDED": {"type": "int", "value": 0, "asg": "guarded"},
    **{f"N{i}": {"type": "int", "value": i} for i in range(20)},
}
PVDB = {**common_pvdb.PVDB, **MORE, **SPECIAL}


class PlainDriver(pcaspy.Driver):
    """Gets are answered without it."""

    def __init__(self):
        super().__init__()
        self.written, self.reads = [], 0
        self.may_go_on = threading.Event()
        self.blocked = threading.Event()
        for reason, info in PVDB.items():
            if "value" in info and reason != "NEVERSET":
                self.setParam(reason, info["value"])
        self.updatePVs()

    def write(self, reason, value):
        self.written.append([reason, value])
        if reason == "LATER":
            return self.write_later(reason, value)
        if reason == "RAISES:LATER":
            return self.fail_later()
        if reason == "REFUSES":
            return False
        if reason == "RAISES":
            raise RuntimeError("a text that is none of the client's business")
        if reason == "BLOCKS":
            self.blocked.set()
            self.may_go_on.wait()
        self.setParam(reason, value)
        return True

    async def write_later(self, reason, value):
        while not self.may_go_on.is_set():
            await pause()
        self.setParam(reason, value)

    async def fail_later(self):
        raise RuntimeError("a text that is none of the client's business")


class PvaDriver(PlainDriver):
    def read(self, reason):
        if reason == "READ":
            self.reads += 1
            return self.reads
        if reason == "UNREADABLE":
            raise RuntimeError("no such luck")
        return self.getParam(reason)


async def pause():
    import asyncio

    await asyncio.sleep(0.01)


class Commands:
    """What a test can tell this server; runs in the main thread."""

    def __init__(self, server, driver, prefix):
        self.server, self.driver, self.prefix = server, driver, prefix
        self.thread = ServerThread(server)
        self.thread.start()
        self.children = []

    def __call__(self, do, **arguments):
        return getattr(self, do)(**arguments)

    def post(self, name, value):
        self.driver.setParam(name, value)
        self.driver.updatePVs()

    def post_many(self, name, values):
        for value in values:
            self.driver.setParam(name, value)
            self.driver.updatePV(name)

    def post_filled(self, name, value, count):
        self.post(name, [value] * count)

    def toggle_while_posting(self, name, times, last):
        """Posts numbers that grow, while the right to read comes and goes."""
        for number in range(times):
            self.driver.setParam("LEVEL", 9 if number % 2 else 1)
            for item in range(10):
                self.driver.setParam(name, 10 * number + item + 1)
                self.driver.updatePVs()
        self.post("LEVEL", 1)
        self.post(name, last)

    def count(self, names, first, last):
        """Posts each number to each of these PVs."""
        for number in range(first, last + 1):
            for name in names:
                self.driver.setParam(name, number)
            self.driver.updatePVs()

    def alarm(self, name, alarm, severity, message=""):
        alarm, severity = getattr(Alarm, alarm), getattr(Severity, severity)
        self.driver.setParamStatus(name, alarm, severity, message)
        self.driver.updatePV(name)

    def info(self, name, info):
        self.driver.setParamInfo(name, info)
        self.driver.updatePV(name)

    def enums(self, name, enums, states):
        self.driver.setParamEnums(name, enums, states)
        self.driver.updatePV(name)

    def stats(self):
        return dict(self.server.stats())

    def instances(self):
        gc.collect()  # an entry that was replaced is part of a cycle
        return instance_counts()

    def written(self):
        """What was put, since the last time."""
        written, self.driver.written = self.driver.written, []
        return written

    def complete(self, name):
        """A put with completion ends."""
        self.driver.callbackPV(name)

    def let_go_on(self, on=True):
        if on:
            self.driver.may_go_on.set()
        else:
            self.driver.blocked.clear()
            self.driver.may_go_on.clear()

    def wait_until_blocked(self):
        return self.driver.blocked.wait(60)

    def hold_gil(self, path):
        """Until there is something in that pipe: no Python runs here.

        To open it waits for the other end.
        """
        libc = ctypes.PyDLL(None)
        descriptor = os.open(path, os.O_RDONLY)
        libc.read(descriptor, ctypes.create_string_buffer(1), 1)
        os.close(descriptor)

    def create(self, name, info):
        self.server.createPV(self.prefix, {name: info})
        if "value" in info:
            self.post(name, info["value"])

    def remove(self, name):
        del pcaspy.driver.manager.pvf[self.prefix + name]

    def alias(self, name, other):
        """One PV under another name, too."""
        pvf = pcaspy.driver.manager.pvf
        pvf[self.prefix + other] = pvf[self.prefix + name]

    def rules(self, path, by_address=False, **macros):
        pcaspy.cas.asCheckClientIP = by_address
        self.server.initAccessSecurityFile(path, P=self.prefix, **macros)

    def group(self, name, group):
        pcaspy.driver.manager.pvf[self.prefix + name].setAccessSecurityGroup(group)

    def close(self):
        """The server ends; `start` has it back, perhaps on other ports."""
        self.thread.stop()
        self.thread.join()
        self.server.close()

    def start(self, ports):
        names = ["EPICS_PVAS_SERVER_PORT", "EPICS_PVAS_BROADCAST_PORT"]
        os.environ.update(zip(names, map(str, ports), strict=True))
        self.server.start()
        self.thread = ServerThread(self.server)
        self.thread.start()
        return [self.server.pva_tcp_port, self.server.pva_udp_port]

    def fork(self, name=None, value=None):
        """A child that posts, and ends as programs do; its exit status."""
        pid = os.fork()
        if pid == 0:
            signal.alarm(60)
            if name is not None:
                self.post(name, value)
            sys.stderr.flush()
            sys.exit(0)  # all exit hooks run
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def fork_while_posting(self, name, forks, last):
        """How the children ended; each posts what the parent's clients never see."""
        end = threading.Event()

        def post():
            number = 0
            while not end.is_set():
                number += 1
                self.post(name, number)

        poster = threading.Thread(target=post)
        poster.start()
        ended = [self.fork(name, -1) for _ in range(forks)]
        end.set()
        poster.join()
        self.post(name, last)
        return ended

    def second_server(self, name, value):
        """Its port for searches."""
        names = ["EPICS_PVAS_SERVER_PORT", "EPICS_PVAS_BROADCAST_PORT"]
        os.environ.update(dict.fromkeys(names, "0"))
        self.second = pcaspy.SimpleServer(port=0, pva=True)
        self.second.createPV(self.prefix, {name: {"type": "int", "value": value}})
        self.second_driver = pcaspy.Driver(self.second)
        self.second_driver.setParam(name, value)
        self.second.start()
        self.second_thread = ServerThread(self.second)
        self.second_thread.start()
        return self.second.pva_udp_port

    def end_second_server(self):
        self.second_thread.stop()
        self.second_thread.join()
        self.second.close()

    def serve_in_child(self):
        """Which protocols servers serve that the child of a fork starts."""
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            signal.alarm(60)
            told = []
            for server in (self.server, pcaspy.SimpleServer(port=0, pva=True)):
                server.start()
                ports = {"ca": server.tcp_port, "pva": server.pva_tcp_port}
                told.append(" ".join(name for name, port in ports.items() if port))
            os.write(writer, "\n".join(told).encode())
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader) as pipe:
            told = pipe.read().split("\n")
        os.waitpid(pid, 0)
        return told

    def end_now(self):
        """As a program that ends while it serves."""
        sys.exit(0)


def main():
    logging.basicConfig()
    logging.getLogger("pcaspy.put").setLevel(logging.INFO)
    prefix, *options = sys.argv[1:]
    given = dict(option.split("=", 1) for option in options)
    server = pcaspy.SimpleServer(port=0, pva=True)
    server.createPV(prefix, PVDB)
    if "rules" in given:
        server.initAccessSecurityFile(given["rules"], P=prefix)
    driver = PlainDriver() if given.get("driver") == "plain" else PvaDriver()
    commands = Commands(server, driver, prefix)
    server.start()
    ports = ["tcp_port", "udp_port", "pva_tcp_port", "pva_udp_port"]
    say("READY", {name: getattr(server, name) for name in ports})
    try:
        answer_commands(commands)
    finally:
        driver.may_go_on.set()
        commands.thread.stop()
        server.close()


if __name__ == "__main__":
    main()
