"""A server that answers with other types and bytes than asked for, and its client.

Prints one line of JSON for each answer: what was asked, what was sent, what came out.
Run as a process of its own: memory errors would end it.
"""

import asyncio
import json
import os
import random
import socket
import sys
import threading

from support import dbr, wire
from support.environment import client_environment
from support.ports import LOOPBACK, free_port

NATIVE = {"CHAR": dbr.CHAR, "DOUBLE": dbr.DOUBLE, "ENUM": dbr.ENUM, "TEXT": dbr.STRING}
NATIVE["ONE"] = dbr.DOUBLE
COUNT = 40
MOST = 3000
ECA_NORMAL = 1


class Server:
    """Serves four names; what it answers reads with is set before each of them."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.port = free_port()
        self.answer_type, self.answer_count = 0, 0
        self.sids = {}
        self.listener = socket.create_server((LOOPBACK, self.port))
        self.searches = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.searches.bind((LOOPBACK, self.port))
        for run in (self.answer_searches, self.serve):
            threading.Thread(target=run, daemon=True).start()

    def answer_searches(self):
        while True:
            data, client = self.searches.recvfrom(65536)
            hits = [
                wire.pack(
                    wire.SEARCH, b"\0\x0d", type=self.port, p1=0xFFFFFFFF, p2=m.p2
                )
                for m in wire.unpack_all(data)
                if m.command == wire.SEARCH and self.name_of(m) in NATIVE
            ]
            if hits:
                self.searches.sendto(wire.version(0) + b"".join(hits), client)

    @staticmethod
    def name_of(message):
        return message.payload.partition(b"\0")[0].decode()

    def serve(self):
        client, _ = self.listener.accept()
        client.sendall(wire.version())
        buffer = b""
        while data := client.recv(65536):
            buffer += data
            while (found := wire.unpack(buffer)) is not None:
                buffer = buffer[found[1] :]
                client.sendall(self.answer(found[0]))

    def answer(self, m):
        if m.command == wire.CREATE_CHAN:
            sid = len(self.sids) + 1
            native = NATIVE[self.name_of(m)]
            count = 1 if self.name_of(m) == "ONE" else COUNT
            self.sids[sid] = native
            rights = wire.pack(wire.ACCESS_RIGHTS, p1=m.p1, p2=3)
            return rights + wire.pack(
                wire.CREATE_CHAN, type=native, count=count, p1=m.p1, p2=sid
            )
        if m.command == wire.ECHO:
            return wire.pack(wire.ECHO)
        if m.command in (wire.READ_NOTIFY, wire.EVENT_ADD):
            # An update without payload would confirm that a subscription has ended.
            size = max(dbr.size(self.answer_type, self.answer_count), 8)
            return wire.pack(
                m.command,
                self.random.randbytes(size),
                type=self.answer_type,
                count=self.answer_count,
                p1=ECA_NORMAL,
                p2=m.p2,
            )
        return b""


async def tell_all(server):
    from aioca import FORMAT_CTRL, FORMAT_RAW, FORMAT_TIME, caget, camonitor

    queue = asyncio.Queue()
    formats = {"raw": FORMAT_RAW, "time": FORMAT_TIME, "ctrl": FORMAT_CTRL}
    for answer in range(dbr.PUT_ACKT):  # what lies behind, libca drops by itself
        for name, native in NATIVE.items():
            server.answer_type = answer
            server.answer_count = server.random.choice([0, 1, 2, COUNT, MOST])
            for form, code in formats.items():
                value = await caget(name, format=code, throw=False, timeout=10)
                report(name, native, form, server, value)
                # What it says of itself can be looked at, whatever it is.
                repr(value), repr(vars(value))
            subscription = camonitor(name, queue.put, format=FORMAT_TIME)
            value = await asyncio.wait_for(queue.get(), 10)
            report(name, native, "monitor", server, value)
            subscription.close()


def report(name, native, form, server, value):
    line = {
        "name": name,
        "native": native,
        "form": form,
        "type": server.answer_type,
        "count": server.answer_count,
        "ok": value.ok,
        "elements": getattr(value, "size", 1) if value.ok else 0,
        "scalar": not hasattr(value, "size"),
    }
    print(json.dumps(line))


def main():
    server = Server(int(sys.argv[1]))
    os.environ.update(client_environment(server.port))
    asyncio.run(tell_all(server))
    sys.stdout.flush()
    os._exit(0)


main()
