"""A server for a device with a line protocol over TCP: see simulated_device.py.

Readings come once in a while, by `scan`. While the device does not answer they are in
alarm (READ, INVALID), puts fail, and each reading tries to connect anew.
Usage: python socket_device.py [HOST:PORT]
"""

import socket
import sys
import threading

from pcaspy import Driver, SimpleServer

PREFIX = "PSU:"
PVDB = {
    "VOLTAGE": {"prec": 3, "unit": "V", "scan": 0.5, "lolim": 0, "hilim": 30},
    "CURRENT": {"prec": 4, "unit": "A", "scan": 0.5},
    "SET_VOLTAGE": {"prec": 3, "unit": "V", "lolim": 0, "hilim": 30},
}
QUESTIONS = {"VOLTAGE": "VOLT?", "CURRENT": "CURR?"}
SECONDS = 2.0  # that an answer may take


class Line:
    """The connection: one question at a time, connected when it is needed.

    Scan threads and the thread of process() share it.
    """

    def __init__(self, address):
        self.address = address
        self.lock = threading.Lock()
        self.stream = None

    def ask(self, question):
        """The answer to a line. OSError: there is none."""
        with self.lock:
            if self.stream is None:
                with socket.create_connection(self.address, SECONDS) as connection:
                    self.stream = connection.makefile("rw", newline="\n")
            try:
                self.stream.write(question + "\n")
                self.stream.flush()
                answer = self.stream.readline()
                if not answer.endswith("\n"):
                    raise ConnectionError("the device has hung up")
            except OSError:
                self.stream = None
                raise
        return answer.strip()


class SupplyDriver(Driver):
    def __init__(self, address):
        super().__init__()
        self.line = Line(address)

    def read(self, reason):
        if reason in QUESTIONS:
            return float(self.line.ask(QUESTIONS[reason]))
        return self.getParam(reason)

    def write(self, reason, value):
        if reason != "SET_VOLTAGE" or self.line.ask(f"VOLT {value}") != "OK":
            return False
        return super().write(reason, value)


if __name__ == "__main__":
    host, _, port = (sys.argv[1:] or ["127.0.0.1:5025"])[0].partition(":")
    server = SimpleServer()
    server.createPV(PREFIX, PVDB)
    driver = SupplyDriver((host, int(port)))
    try:
        while True:
            server.process(0.1)
    except KeyboardInterrupt:
        pass
