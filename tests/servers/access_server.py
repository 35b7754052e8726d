"""Our server with access security: `python access_server.py PREFIX ACF|- OPTIONS`.

OPTIONS: "late" loads the file when all PVs are there and served. The methods of
Commands are what a test can tell it.
"""

import logging
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import pcaspy
from pcaspy import cas
from support.child_side import answer_commands_in_thread, say

GROUPS = {
    "READONLY": "readonly",
    "CLOSED": "closed",
    "OPERATORS": "operators",
    "CONSOLE": "console",
    "BOTH": "both",
    "LEVELS": "levels",
    "NOTHING": "nothing",
    "FILL": "fill",
    "HIDDEN": "hidden",
    "LOST": "lost",
    "UNKNOWN": "nobody has defined this",
}
PVDB = {
    "LEVEL": {"type": "float", "value": 1},
    "OPEN": {"type": "int"},
    "ASYNC": {"type": "int"},
    "READ": {"type": "int"},
    **{name: {"type": "int", "asg": group} for name, group in GROUPS.items()},
}


def shown(client):
    """A client as JSON."""
    return None if client is None else [client.user, client.host, client.address]


class AccessDriver(pcaspy.Driver):
    """Keeps what is written, and who did it."""

    def __init__(self):
        super().__init__()
        self.clients = []
        self.reading, self.may_end = threading.Event(), threading.Event()
        self.may_end.set()
        for reason in PVDB:
            self.setParam(reason, PVDB[reason].get("value", 0))
        self.updatePVs()

    def read(self, reason):
        value = self.getParam(reason)
        if reason == "READ":
            self.clients.append(shown(pcaspy.current_client()))
            self.reading.set()
            self.may_end.wait(10)
        return value

    def write(self, reason, value):
        if reason == "ASYNC":
            return self.write_later(reason, value)
        self.clients.append(shown(pcaspy.current_client()))
        self.setParam(reason, value)
        return True

    async def write_later(self, reason, value):
        self.clients.append(shown(pcaspy.current_client()))
        self.setParam(reason, value)


class Kept(logging.Handler):
    """Keeps the texts that are logged."""

    def __init__(self, name):
        super().__init__()
        self.texts = []
        logger = logging.getLogger(name)
        logger.addHandler(self)
        logger.setLevel(logging.INFO)

    def emit(self, record):
        self.texts.append(record.getMessage())


class Commands:
    """What a test can tell this server; runs in the command thread."""

    def __init__(self, server, driver, prefix):
        self.server, self.driver, self.prefix = server, driver, prefix
        self.puts, self.warnings = Kept("pcaspy.put"), Kept("pcaspy.access")

    def __call__(self, do, **arguments):
        return getattr(self, do)(**arguments)

    def load(self, path, by_address=False, **macros):
        """Load rules; the error's kind and text if there is one."""
        cas.asCheckClientIP = by_address
        try:
            self.server.initAccessSecurityFile(path, P=self.prefix, **macros)
        except (OSError, ValueError) as error:
            return [type(error).__name__, str(error)]
        return None

    def post(self, name, value):
        self.driver.setParam(name, value)
        self.driver.updatePV(name)

    def group(self, name, group):
        """Move a PV to another group."""
        pcaspy.driver.manager.pvf[self.prefix + name].setAccessSecurityGroup(group)

    def hold_read(self):
        """A read of READ takes the value and does not end."""
        self.driver.reading.clear()
        self.driver.may_end.clear()

    def wait_for_read(self):
        """Until it is at work."""
        return self.driver.reading.wait(10)

    def end_read(self):
        self.driver.may_end.set()

    def stop_inputs(self):
        cas.asCaStop()

    def start_inputs(self):
        cas.asCaStart()

    def logged(self):
        """What came on `pcaspy.put` and `pcaspy.access`."""
        return [self.puts.texts, self.warnings.texts]

    def clients(self):
        """Who the driver was called for, since the last time."""
        clients, self.driver.clients = self.driver.clients, []
        return clients

    def outside(self):
        """Who the client is where there is none."""
        return shown(pcaspy.current_client())


def main():
    prefix, rules, *options = sys.argv[1:]
    server = pcaspy.SimpleServer()
    if rules != "-" and not options:
        pcaspy.SimpleServer.initAccessSecurityFile(rules, P=prefix)
    server.createPV(prefix, PVDB)
    driver = AccessDriver()
    commands = Commands(server, driver, prefix)
    server.start()
    if rules != "-" and options:
        server.initAccessSecurityFile(rules, P=prefix)
    say("READY", {"tcp_port": server.tcp_port, "udp_port": server.udp_port})
    ended = answer_commands_in_thread(commands)
    while not ended.is_set():
        server.process(0.05)


if __name__ == "__main__":
    main()
