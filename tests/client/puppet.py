"""A Channel Access server that does to its client what a test tells it.

It runs in threads of the client's own process. `policy` is asked about each request and
says how to treat it; the server can stop reading, cut its circuits, go away from the
searches, and post updates.
"""

import contextlib
import os
import socket
import threading

from support import dbr, wire
from support.environment import client_environment
from support.ports import LOOPBACK, free_port

ECA_NORMAL = 1
#: What a policy may answer.
ANSWER, REFUSE, SILENT, LIE, CUT = "answer", "refuse", "silent", "lie", "cut"
BIG = 2000


def by_name(name):
    """The policy of names that say it themselves: X:REFUSE, X:SILENT ..."""
    kind = name.rpartition(":")[2].lower()
    return kind if kind in (REFUSE, SILENT, LIE, CUT) else ANSWER


class Puppet:
    """The server. Names begin with a prefix; those with ``BIG`` have 2000 elements."""

    def __init__(self, policy=None, prefix=b"P:"):
        self.prefix = prefix
        self.port = free_port()
        self.policy = policy or (lambda _message, name: by_name(name))
        self.visible = True
        self.reading = threading.Event()
        self.reading.set()
        self.lock = threading.Lock()
        self.circuits = []
        self.seen = []  # (command, name) of each request, in order
        self.listener = socket.create_server((LOOPBACK, self.port))
        self.searches = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.searches.bind((LOOPBACK, self.port))
        for run in (self.answer_searches, self.accept):
            threading.Thread(target=run, daemon=True).start()

    def environment(self, **more):
        """What a client needs to find this server, and no other."""
        return client_environment(
            self.port,
            EPICS_CA_CONN_TMO="2",
            EPICS_CA_MAX_ARRAY_BYTES="10000000",
            EPICS_CA_MAX_SEARCH_PERIOD="60",
            **more,
        )

    def use(self):
        """Makes this process' own client find this server. Before aioca is imported."""
        os.environ.update(self.environment())

    # ---- what a test does ----------------------------------------------------------

    def stall(self):
        """Stops reading. What the client sends fills the sockets."""
        self.reading.clear()

    def go_on(self):
        """Reads again."""
        self.reading.set()

    def cut(self):
        """Closes every circuit."""
        with self.lock:
            circuits = list(self.circuits)
        for circuit in circuits:
            circuit.cut()

    def grant(self, rights):
        """Tells every channel its access rights: 1 to read, 2 to write, 3 for both."""
        with self.lock:
            circuits = list(self.circuits)
        for circuit in circuits:
            circuit.grant(rights)

    def post(self, times=1):
        """Sends an update to every subscription."""
        with self.lock:
            circuits = list(self.circuits)
        for circuit in circuits:
            circuit.post(times)

    def count(self, command):
        """How many requests of a kind have been read."""
        return sum(1 for seen, _ in list(self.seen) if seen == command)

    # ---- threads -------------------------------------------------------------------

    def answer_searches(self):
        while True:
            data, client = self.searches.recvfrom(65536)
            if not self.visible:
                continue
            hits = [
                wire.pack(
                    wire.SEARCH, b"\0\x0d", type=self.port, p1=0xFFFFFFFF, p2=m.p2
                )
                for m in wire.unpack_all(data)
                if m.command == wire.SEARCH and m.payload.startswith(self.prefix)
            ]
            if hits:
                self.searches.sendto(wire.version(0) + b"".join(hits), client)

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            circuit = PuppetCircuit(self, client)
            with self.lock:
                self.circuits.append(circuit)
            threading.Thread(target=circuit.serve, daemon=True).start()


class PuppetCircuit:
    """One client's connection."""

    def __init__(self, server, client):
        self.server, self.client = server, client
        self.sending = threading.Lock()
        self.names = {}
        self.cids = []
        self.subscriptions = {}
        self.number = 0

    def cut(self):
        with contextlib.suppress(OSError):
            self.client.shutdown(socket.SHUT_RDWR)

    def send(self, data):
        with contextlib.suppress(OSError), self.sending:
            self.client.sendall(data)

    def serve(self):
        self.send(wire.version())
        buffer = b""
        with contextlib.suppress(OSError):
            while True:
                self.server.reading.wait()
                data = self.client.recv(65536)
                if not data:
                    break
                buffer += data
                while (found := wire.unpack(buffer)) is not None:
                    buffer = buffer[found[1] :]
                    self.handle(found[0])
        with self.server.lock:
            self.server.circuits.remove(self)
        self.client.close()

    def handle(self, m):
        name = self.names.get(m.p1, "")
        self.server.seen.append((m.command, name))
        if m.command == wire.CREATE_CHAN:
            self.create(m)
        elif m.command == wire.ECHO:
            self.send(wire.pack(wire.ECHO))
        elif m.command == wire.CLEAR_CHANNEL:
            self.send(wire.pack(wire.CLEAR_CHANNEL, p1=m.p1, p2=m.p2))
        elif m.command == wire.EVENT_CANCEL:
            self.subscriptions.pop(m.p2, None)
            self.send(
                wire.pack(wire.EVENT_ADD, type=m.type, count=m.count, p1=m.p1, p2=m.p2)
            )
        elif m.command in (wire.READ_NOTIFY, wire.WRITE_NOTIFY, wire.EVENT_ADD):
            self.treat(m, name)

    def create(self, m):
        name = m.payload.partition(b"\0")[0].decode()
        sid = len(self.names) + 1
        self.names[sid] = name
        self.cids.append(m.p1)
        count = BIG if "BIG" in name else 1
        self.send(
            wire.pack(wire.ACCESS_RIGHTS, p1=m.p1, p2=3)
            + wire.pack(wire.CREATE_CHAN, type=dbr.DOUBLE, count=count, p1=m.p1, p2=sid)
        )

    def grant(self, rights):
        granted = [wire.pack(wire.ACCESS_RIGHTS, p1=c, p2=rights) for c in self.cids]
        self.send(b"".join(granted))

    def treat(self, m, name):
        how = self.server.policy(m, name)
        if how == CUT:
            self.cut()
        elif how == REFUSE:
            self.send(self.reply(m, wire.ECA_GETFAIL))
        elif how in (ANSWER, LIE):
            if m.command == wire.EVENT_ADD:
                self.subscriptions[m.p2] = m
            self.send(self.reply(m, ECA_NORMAL, lie=how == LIE))

    def reply(self, m, status, lie=False):
        if m.command == wire.WRITE_NOTIFY:
            return wire.pack(m.command, type=m.type, count=m.count, p1=status, p2=m.p2)
        # A lie has another type, and not the bytes that this one would have.
        kind = (m.type + 3) % 35 if lie else m.type
        count = m.count or 1
        self.number += 1
        size = max(dbr.size(kind, count), 8)
        payload = (self.number % 60).to_bytes(1, "big") * size
        return wire.pack(m.command, payload, type=kind, count=count, p1=status, p2=m.p2)

    def post(self, times):
        for m in list(self.subscriptions.values()):
            self.send(b"".join(self.reply(m, ECA_NORMAL) for _ in range(times)))
