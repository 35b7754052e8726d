"""What the tests of the put log have in common."""

import logging
import queue
import struct
from datetime import datetime

from pcaspy.native._put_log import Put
from support.wire import LONG_DEADLINE, WRITE_NOTIFY, Circuit, pack

STRING, ENUM, CHAR, LONG, DOUBLE = 0, 3, 4, 5, 6


class Puts(logging.Handler):
    """A handler that the test reads: what a put log gives to `logging`."""

    def __init__(self):
        super().__init__()
        self.records = queue.SimpleQueue()

    def emit(self, record):
        self.records.put(record)

    def next(self, pv=None):
        """The next put, of that PV if one is named."""
        while True:
            put = self.records.get(timeout=LONG_DEADLINE).put
            if pv is None or put["pv"] == pv:
                return put

    def rest(self):
        """What is there, once the server has ended."""
        found = []
        while not self.records.empty():
            found.append(self.records.get().put)
        return found


class Writer:
    """A client that puts and says what became of it."""

    def __init__(self, server, **who):
        self.circuit = Circuit(("127.0.0.1", server.tcp_port), **who)
        self.channels = {}

    def channel(self, name):
        if name not in self.channels:
            self.channels[name] = self.circuit.create(name)
        return self.channels[name]

    def put(self, name, value, type=DOUBLE, count=1):
        """The status."""
        data = value if isinstance(value, bytes) else struct.pack(">d", value)
        channel = self.channel(name)
        return self.circuit.put(channel, type, data, count).p1

    def send(self, name, values):
        """Puts without waiting for each; returns when all are answered."""
        channel = self.channel(name)
        first = self.circuit.new_id()
        messages = [
            pack(
                WRITE_NOTIFY,
                struct.pack(">d", value),
                type=DOUBLE,
                count=1,
                p1=channel.sid,
                p2=first,
            )
            for value in values
        ]
        self.circuit.send(b"".join(messages))
        for _ in messages:
            self.circuit.expect(WRITE_NOTIFY, LONG_DEADLINE)

    def address(self):
        host, port = self.circuit.socket.getsockname()
        return f"{host}:{port}"

    def close(self):
        self.circuit.close()


class Tally:
    written = dropped = 0

    def count_written(self, puts):
        self.written += puts

    def count_dropped(self, puts):
        self.dropped += puts


WHEN = datetime(2020, 8, 10, 13, 2, 8, 124900).timestamp()


def put(**changes):
    """One as the engine makes it."""
    made = {
        **{"time": WHEN, "pv": "ao", "user": "devman", "host": "devWs"},
        **{"address": "10.0.0.1:5000", "protocol": "ca", "old": 1.0, "old_size": 1},
        **{"new": 77.5, "new_size": 1, "is_array": False, "outcome": "accepted"},
        **{"trapped": False, "more": 0, "least": None, "most": None},
        **changes,
    }
    return Put(**made)
