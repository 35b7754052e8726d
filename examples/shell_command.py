"""Run shell commands: put one to MTEST:COMMAND, read its OUTPUT, ERROR and STATUS.

COMMAND is `asyn`, so a put with callback returns when the command has ended. One
command runs at a time: a plain put in the meantime is refused.
"""

import subprocess
import threading

from pcaspy import Driver, SimpleServer

PREFIX = "MTEST:"
DONE, BUSY = range(2)
PVDB = {
    "COMMAND": {"type": "char", "count": 200, "asyn": True, "udf": False},
    "OUTPUT": {"type": "char", "count": 1000, "udf": False},
    "ERROR": {"type": "char", "count": 1000, "udf": False},
    "STATUS": {"type": "enum", "enums": ["DONE", "BUSY"], "udf": False},
}


class ShellDriver(Driver):
    def write(self, reason, value):
        if reason != "COMMAND" or self.getParam("STATUS") == BUSY:
            return False
        self.setParam("COMMAND", value)
        self.setParam("STATUS", BUSY)
        self.updatePVs()
        threading.Thread(target=self.run, args=[value], daemon=True).start()
        return True

    def run(self, command):
        """Run the command and post what it said; in a thread of its own."""
        ended = subprocess.run(command, shell=True, capture_output=True, text=True)
        self.setParam("OUTPUT", ended.stdout.rstrip())
        self.setParam("ERROR", ended.stderr.rstrip())
        self.setParam("STATUS", DONE)
        self.callbackPV("COMMAND")
        self.updatePVs()


if __name__ == "__main__":
    server = SimpleServer()
    server.createPV(PREFIX, PVDB)
    driver = ShellDriver()
    try:
        while True:
            server.process(0.1)
    except KeyboardInterrupt:
        pass
