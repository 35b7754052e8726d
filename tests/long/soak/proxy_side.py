"""A proxy for Channel Access that stalls, splits and cuts.

Searches go to the server, and the answers name the proxy's port, so that a client
connects through it.
"""

import asyncio
import contextlib
import os
import random
import socket
import sys
import threading

from child_side import answer_commands, say
from wire import SEARCH, pack, unpack_all

LOOPBACK = "127.0.0.1"
MOST_SEARCHERS = 64


class Proxy:
    def __init__(self, port, server_tcp, server_udp):
        self.port, self.tcp, self.udp = port, server_tcp, server_udp
        self.rough = False
        self.searchers = {}
        self.counters = dict.fromkeys(("circuits", "cuts", "stalls", "splits"), 0)

    def handle(self, do):
        if do == "stats":
            return self.counters
        self.rough = do == "rough"
        return None

    async def serve(self):
        loop = asyncio.get_running_loop()
        await asyncio.start_server(self.accept, LOOPBACK, self.port)
        self.clients, _ = await loop.create_datagram_endpoint(
            lambda: Searches(self), (LOOPBACK, self.port)
        )
        say("READY", {})
        await asyncio.Event().wait()

    async def search(self, data, address):
        """Sends on what a client asks, by a socket of that client's own."""
        known = self.searchers.get(address)
        if known is None:
            loop = asyncio.get_running_loop()
            known, _ = await loop.create_datagram_endpoint(
                lambda: Answers(self, address), remote_addr=(LOOPBACK, self.udp)
            )
            self.searchers[address] = known
            if len(self.searchers) > MOST_SEARCHERS:
                self.searchers.pop(next(iter(self.searchers))).close()
        known.sendto(data)

    async def accept(self, reader, writer):
        self.counters["circuits"] += 1
        try:
            far_reader, far_writer = await asyncio.open_connection(LOOPBACK, self.tcp)
        except OSError:
            writer.close()
            return
        pumps = [
            asyncio.create_task(self.pump(reader, far_writer)),
            asyncio.create_task(self.pump(far_reader, writer)),
        ]
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for pump in pumps:
            pump.cancel()
        for end in (writer, far_writer):
            end.transport.abort()
        await asyncio.gather(*pumps, return_exceptions=True)

    async def pump(self, reader, writer):
        """One direction, until its end or until it is cut."""
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if self.rough and not await self.disturb():
                    return
                for piece in self.pieces(data):
                    writer.write(piece)
                    await writer.drain()

    async def disturb(self):
        """Perhaps a pause; False to cut the circuit."""
        fate = random.random()
        if fate < 0.0015:
            self.counters["cuts"] += 1
            return False
        if fate < 0.006:
            self.counters["stalls"] += 1
            await asyncio.sleep(12 if fate < 0.002 else random.uniform(0.05, 2.0))
        return True

    def pieces(self, data):
        if not self.rough or random.random() > 0.1:
            return [data]
        self.counters["splits"] += 1
        cuts = sorted(random.randrange(len(data) + 1) for _ in range(8))
        return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]


class Searches(asyncio.DatagramProtocol):
    def __init__(self, proxy):
        self.proxy = proxy
        self.tasks = set()

    def datagram_received(self, data, address):
        task = asyncio.get_running_loop().create_task(self.proxy.search(data, address))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


class Answers(asyncio.DatagramProtocol):
    def __init__(self, proxy, client):
        self.proxy, self.client = proxy, client

    def datagram_received(self, data, _address):
        frame = b"".join(
            pack(
                m.command,
                m.payload,
                type=self.proxy.port if m.command == SEARCH else m.type,
                count=m.count,
                p1=m.p1,
                p2=m.p2,
            )
            for m in unpack_all(data)
        )
        self.proxy.clients.sendto(frame, self.client)


async def main():
    proxy = Proxy(*(int(argument) for argument in sys.argv[1:4]))
    threading.Thread(target=lambda: run_commands(proxy), daemon=True).start()
    await proxy.serve()


def run_commands(proxy):
    answer_commands(proxy.handle)
    os._exit(0)


socket.setdefaulttimeout(10)
asyncio.run(main())
