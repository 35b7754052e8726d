"""Raw-socket clients that behave badly, one kind after the other, each in a thread."""

import contextlib
import random
import socket
import struct
import threading

from support import dbr, wire
from support.wire import Circuit, pack

PREFIX = "SOAK:"
TEMPORARY = [f"TEMP{i}" for i in range(8)]
GONE = (OSError, AssertionError)  # the server may close what it does not like


class RoughClients:
    """Threads that go on until `hold`, which waits until their circuits are closed."""

    def __init__(self, tcp, udp):
        self.address, self.search_address = ("127.0.0.1", tcp), ("127.0.0.1", udp)
        self.counters = {}
        self.wrong = []
        self._held = threading.Event()
        self._threads = []

    def go_on(self):
        self._held.clear()
        kinds = [
            self.never_reads,
            self.sleeps,
            self.babbles,
            self.crowds,
            self.searches,
            self.leaves_puts,
            self.floods,
            self.loses_rights,
        ]
        self._threads = [
            threading.Thread(target=self._repeat, args=(kind,)) for kind in kinds
        ]
        for thread in self._threads:
            thread.start()

    def hold(self):
        self._held.set()
        for thread in self._threads:
            thread.join()

    def _repeat(self, kind):
        while not self._held.is_set():
            name = kind.__name__
            self.counters[name] = self.counters.get(name, 0) + 1
            try:
                kind()
            except GONE as error:
                self.wrong.append(f"{name}: {error!r}")
            self._wait(random.uniform(0.2, 1.0))

    def _wait(self, seconds):
        self._held.wait(seconds)

    def _end(self, circuit):
        """Closes with a reset half of the time."""
        if random.random() < 0.5:
            linger = struct.pack("ii", 1, 0)
            circuit.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        circuit.close()

    def never_reads(self):
        """Subscribes to arrays, asks for hundreds of them, and reads nothing."""
        circuit = Circuit(self.address, receive_buffer=4096)
        channel = circuit.create(PREFIX + "ARRAY0")
        for subid in range(4):
            circuit.send(wire.event_request(channel.sid, subid, dbr.DOUBLE, 0))
        gets = pack(wire.READ_NOTIFY, type=dbr.DOUBLE, count=5000, p1=channel.sid, p2=1)
        circuit.send(gets * 300)
        self._wait(random.uniform(5, 30))
        self._end(circuit)

    def sleeps(self):
        """EVENTS_OFF; when it wakes the newest value must come."""
        circuit = Circuit(self.address)
        names = [f"SCALAR{i}" for i in range(20)]
        channels = [circuit.create(PREFIX + name) for name in names]
        circuit.send(pack(wire.EVENTS_OFF))
        for subid, channel in enumerate(channels):
            circuit.send(wire.event_request(channel.sid, subid, dbr.LONG))
        self._wait(random.uniform(5, 30))
        circuit.drain()
        reply = circuit.get(channels[3], dbr.LONG)
        (newest,) = struct.unpack_from(">i", reply.payload)
        circuit.send(pack(wire.EVENTS_ON))
        for update in circuit.updates(3):
            if struct.unpack_from(">i", update.payload)[0] >= newest:
                break
        self._end(circuit)

    def babbles(self):
        """Noise, or a good stream with some bytes of it changed."""
        circuit = Circuit(self.address)
        channel = circuit.create(PREFIX + "LATE")
        good = b"".join(
            (
                wire.create_request(PREFIX + "TEXT", 5),
                wire.event_request(channel.sid, 1, dbr.LONG),
                pack(wire.READ_NOTIFY, type=6, count=1, p1=channel.sid, p2=9),
                pack(wire.WRITE_NOTIFY, bytes(8), type=5, count=1, p1=channel.sid),
                pack(wire.CLEAR_CHANNEL, p1=channel.sid, p2=channel.cid),
            )
        )
        data = bytearray(good * 3)
        for _ in range(random.randrange(1, 12)):
            data[random.randrange(len(data))] = random.randrange(256)
        if random.random() < 0.3:
            data = random.randbytes(random.randrange(1, 4096))
        circuit.send_hostile(bytes(data[: random.randrange(1, len(data) + 1)]))
        self._wait(0.1)
        self._end(circuit)

    def crowds(self):
        """Many circuits at once that vanish in the middle of a message."""
        with contextlib.ExitStack() as stack:
            for number in range(30):
                circuit = stack.enter_context(Circuit(self.address))
                channel = circuit.create(f"{PREFIX}SCALAR{number % 20}")
                circuit.subscribe(channel, dbr.LONG)
                circuit.send(wire.create_request(PREFIX + "TEXT", 1)[:20])
            self._wait(random.uniform(0.1, 2))

    def leaves_puts(self):
        """Puts, gets and subscriptions behind each other, and the end comes between."""
        circuit = Circuit(self.address)
        channels = []
        for name in ("LATE", "PUT6", "PUT7", "RAISES", random.choice(TEMPORARY)):
            with contextlib.suppress(AssertionError):  # that one is not there today
                channels.append(circuit.create(PREFIX + name))
        for number in range(random.randrange(1, 60)):
            channel = random.choice(channels)
            fields = {"type": dbr.LONG, "count": 1, "p1": channel.sid, "p2": number}
            circuit.send(
                random.choice(
                    [
                        pack(wire.WRITE, struct.pack(">i", number), **fields),
                        pack(wire.WRITE_NOTIFY, struct.pack(">i", number), **fields),
                        pack(wire.READ_NOTIFY, **fields),
                        wire.event_request(channel.sid, number, dbr.LONG),
                    ]
                )
            )
        ending = random.randrange(3)
        if ending == 0:
            circuit.send(pack(wire.CLEAR_CHANNEL, p1=channels[0].sid, p2=0))
        elif ending == 1:
            circuit.socket.shutdown(socket.SHUT_WR)
        self._wait(random.choice([0, 0.01, 0.5]))
        self._end(circuit)

    def floods(self):
        """Messages that are cheap to send, thousands of them."""
        circuit = Circuit(self.address)
        channel = circuit.create(PREFIX + "SCALAR0")
        array = circuit.create(PREFIX + "ARRAY1")
        prime = 15_173 * 13
        requests = [
            wire.event_request(channel.sid, n * prime & 0xFFFFFFFF, dbr.LONG)
            for n in range(2000)
        ]
        text = pack(wire.READ_NOTIFY, type=dbr.STRING, count=5000, p1=array.sid)
        off_and_on = pack(wire.EVENTS_OFF) * 500 + pack(wire.EVENTS_ON)
        circuit.socket.settimeout(5)
        with contextlib.suppress(TimeoutError):
            circuit.socket.sendall(b"".join(requests) + off_and_on + text * 10)
        self._wait(random.uniform(0, 2))
        self._end(circuit)

    def loses_rights(self):
        """Watches a PV whose rights come and go, and reads now and then."""
        circuit = Circuit(self.address, receive_buffer=4096)
        channel = circuit.create(PREFIX + "GUARDED")
        for subid in range(20):
            circuit.send(wire.event_request(channel.sid, subid, dbr.CTRL + dbr.LONG))
        self._wait(random.uniform(1, 10))
        circuit.drain()
        self._wait(random.uniform(0, 2))
        self._end(circuit)

    def searches(self):
        """Names that nobody serves, names that are wrong, and bytes."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for number in range(100):
                name = PREFIX + random.choice(
                    ["SCALAR1", f"NOBODY{number}", "\xff" * 9]
                )
                datagram = wire.version(number) + wire.search_request(name, number)
                if random.random() < 0.2:
                    datagram = random.randbytes(random.randrange(64))
                sock.sendto(datagram, self.search_address)
