"""A client on raw circuits for programs whose replies are compared with each other.

It finds PVs by search, as every client does, keeps one circuit to each server it finds,
and sorts what comes by what it answers. What it returns is plain data without time
stamps, so that two runs of a program can be compared with `==`.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from support import dbr, wire
from support.ports import LOOPBACK, udp_socket

DEADLINE = 60.0
ASK_AGAIN = 0.2  # seconds after which what has no answer yet is asked once more


@dataclass(frozen=True)
class Attached:
    """A channel and the circuit it belongs to."""

    circuit: wire.Circuit
    channel: wire.Channel


class Client:
    """Everything a test asks of a program's PVs, by their full names."""

    def __init__(self, port: int, user: str = "tester", host: str = "testhost") -> None:
        self._server = (LOOPBACK, port)
        self._who = {"user": user, "host": host}
        self._circuits: dict[tuple[str, int], wire.Circuit] = {}
        self._attached: dict[str, Attached] = {}
        self._replies: dict[tuple[wire.Circuit, int, int], wire.Message] = {}
        self._updates: dict[str, list[wire.Message]] = defaultdict(list)
        self._subscribed: dict[tuple[wire.Circuit, int], str] = {}
        self._rights: dict[tuple[wire.Circuit, int], int] = {}

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave: close every circuit."""
        for circuit in self._circuits.values():
            circuit.close()
        self._circuits.clear()
        self._attached.clear()

    # Finding and connecting

    def search(self, name: str, seconds: float = DEADLINE) -> tuple[str, int]:
        """The TCP address of the server that has a PV; asks until one answers."""
        request = wire.version(sequence=1) + wire.search_request(name, 1)
        deadline = time.monotonic() + seconds
        with udp_socket(ASK_AGAIN) as sock:
            while time.monotonic() < deadline:
                sock.sendto(request, self._server)
                with contextlib.suppress(TimeoutError, ConnectionError):
                    for message in self._datagram(sock):
                        if message.command == wire.SEARCH:
                            return (LOOPBACK, message.type)
        raise AssertionError(f"nobody answers for {name}")

    def is_found(self, name: str, beside: str) -> bool:
        """Whether the server that has `beside` has this name as well."""
        request = wire.version(sequence=2) + wire.search_request(name, 2)
        request += wire.search_request(beside, 3)
        deadline = time.monotonic() + DEADLINE
        with udp_socket(ASK_AGAIN) as sock:
            while time.monotonic() < deadline:
                sock.sendto(request, self._server)
                with contextlib.suppress(TimeoutError, ConnectionError):
                    found = self._datagram(sock)
                    ids = [m.p2 for m in found if m.command == wire.SEARCH]
                    if 3 in ids:
                        return 2 in ids
        raise AssertionError(f"nobody answers for {beside}")

    def connect(self, name: str) -> dict[str, int]:
        """Search and create the channel: native type, count and access rights."""
        address = self.search(name)
        if address not in self._circuits:
            self._circuits[address] = wire.Circuit(address, **self._who)
        circuit = self._circuits[address]
        cid = circuit.new_id()
        circuit.send(wire.create_request(name, cid))
        reply = self._reply(circuit, wire.CREATE_CHAN, cid)
        rights = self._rights[circuit, cid]
        channel = wire.Channel(cid, reply.p2, reply.type, reply.count, rights)
        self._attached[name] = Attached(circuit, channel)
        return {"type": reply.type, "count": reply.count, "rights": rights}

    def clear(self, name: str) -> None:
        """Clear the channel."""
        at = self._attached.pop(name)
        at.circuit.send(
            wire.pack(wire.CLEAR_CHANNEL, p1=at.channel.sid, p2=at.channel.cid)
        )
        self._reply(at.circuit, wire.CLEAR_CHANNEL, at.channel.cid)

    def wait_until_ended(self, name: str) -> None:
        """Read until the server has ended the channel; its next use connects anew."""
        deadline = time.monotonic() + DEADLINE
        while name in self._attached:
            self._take(self._attached[name].circuit, deadline)

    def rights(self, name: str) -> int:
        """Access rights as the server told them last."""
        at = self._at(name)
        return self._rights[at.circuit, at.channel.cid]

    def wait_for_rights(self, name: str, wanted: int) -> None:
        """Read until the server has told these rights."""
        at = self._at(name)
        deadline = time.monotonic() + DEADLINE
        while self.rights(name) != wanted:
            self._take(at.circuit, deadline)

    # Requests

    def get(
        self, name: str, family: int = dbr.CTRL, base: int | None = None, count: int = 0
    ) -> dict[str, Any]:
        """A reading, or the `error` that the server answers with."""
        at = self._at(name)
        type_ = family + (at.channel.type if base is None else base)
        ioid = at.circuit.new_id()
        at.circuit.send(
            wire.pack(
                wire.READ_NOTIFY, type=type_, count=count, p1=at.channel.sid, p2=ioid
            )
        )
        return plain(self._reply(at.circuit, wire.READ_NOTIFY, ioid))

    def wait_until_readable(self, name: str) -> dict[str, Any]:
        """Ask again, for whatever else comes in between, until a get has a value."""
        deadline = time.monotonic() + DEADLINE
        while "error" in (found := self.get(name)):
            assert time.monotonic() < deadline, f"{name}: {found}"
            with contextlib.suppress(wire.Silence):
                self._take(self._at(name).circuit, time.monotonic() + ASK_AGAIN)
        return found

    def value(self, name: str, **options: Any) -> Any:
        """Only the value; a list where the PV is an array."""
        found = self.get(name, dbr.PLAIN, **options)
        assert "error" not in found, f"{name}: {found}"
        return found["value"]

    def put(
        self,
        name: str,
        *values: Any,
        base: int | None = None,
        seconds: float = DEADLINE,
    ) -> int:
        """WRITE_NOTIFY; the status of its answer."""
        at, ioid = self.start_put(name, *values, base=base)
        return self._reply(at.circuit, wire.WRITE_NOTIFY, ioid, seconds).p1

    def start_put(
        self, name: str, *values: Any, base: int | None = None
    ) -> tuple[Attached, int]:
        """Send WRITE_NOTIFY; `put_result` waits for the answer."""
        at = self._at(name)
        ioid = at.circuit.new_id()
        self._send_write(at, wire.WRITE_NOTIFY, values, base, ioid)
        return at, ioid

    def put_result(self, started: tuple[Attached, int]) -> int:
        """The status that a put begun before is answered with."""
        at, ioid = started
        return self._reply(at.circuit, wire.WRITE_NOTIFY, ioid).p1

    def write(self, name: str, *values: Any, base: int | None = None) -> None:
        """WRITE, which has no answer."""
        self._send_write(self._at(name), wire.WRITE, values, base, 0)

    # Subscriptions

    def subscribe(
        self,
        name: str,
        family: int = dbr.TIME,
        mask: int = wire.DBE_VALUE | wire.DBE_ALARM,
        base: int | None = None,
    ) -> dict[str, Any]:
        """Subscribe under this name; the first update."""
        at = self._at(name)
        subid = at.circuit.new_id()
        type_ = family + (at.channel.type if base is None else base)
        self._subscribed[at.circuit, subid] = name
        at.circuit.send(wire.event_request(at.channel.sid, subid, type_, 0, mask=mask))
        return self.update(name)

    def update(self, name: str) -> dict[str, Any]:
        """The next update of a subscription."""
        at = self._at(name)
        deadline = time.monotonic() + DEADLINE
        while not self._updates[name]:
            self._take(at.circuit, deadline)
        return plain(self._updates[name].pop(0))

    def updates_until(self, name: str, value: Any) -> list[dict[str, Any]]:
        """Updates up to and with the one that has this value."""
        found = [self.update(name)]
        while found[-1].get("value") != value:
            found.append(self.update(name))
        return found

    def reach(self, name: str, value: Any) -> dict[str, Any]:
        """The update that has this value; how many came before it is not told."""
        return self.updates_until(name, value)[-1]

    def updates_so_far(self, name: str) -> list[dict[str, Any]]:
        """Updates that come before the answer to an ECHO sent now."""
        at = self._at(name)
        mark = wire.pad(b"mark")
        at.circuit.send(wire.pack(wire.ECHO, mark))
        self._reply(at.circuit, wire.ECHO, 0)
        found = [plain(message) for message in self._updates[name]]
        self._updates[name].clear()
        return found

    def wait_for_end(self) -> None:
        """Read until the server has closed every circuit; the client is empty then."""
        for circuit in self._circuits.values():
            circuit.expect_close(DEADLINE)
        self.close()

    # Inside

    def _datagram(self, sock: socket.socket) -> list[wire.Message]:
        """One datagram of the server's; searches that lost their way are left out."""
        data, source = sock.recvfrom(65536)
        return wire.unpack_all(data) if source == self._server else []

    def _at(self, name: str) -> Attached:
        if name not in self._attached:
            self.connect(name)
        return self._attached[name]

    def _send_write(
        self, at: Attached, command: int, values: Any, base: int | None, ioid: int
    ) -> None:
        type_ = at.channel.type if base is None else base
        data = dbr.encode(type_, *values)
        at.circuit.send(
            wire.pack(
                command,
                data,
                type=type_,
                count=len(values),
                p1=at.channel.sid,
                p2=ioid,
            )
        )

    def _reply(
        self, circuit: wire.Circuit, command: int, id_: int, seconds: float = DEADLINE
    ) -> wire.Message:
        deadline = time.monotonic() + seconds
        while (circuit, command, id_) not in self._replies:
            self._take(circuit, deadline)
        return self._replies.pop((circuit, command, id_))

    def _take(self, circuit: wire.Circuit, deadline: float) -> None:
        message = circuit.receive(max(0.001, deadline - time.monotonic()))
        if message.command == wire.ACCESS_RIGHTS:
            self._rights[circuit, message.p1] = message.p2
        elif message.command == wire.EVENT_ADD:
            name = self._subscribed[circuit, message.p2]
            self._updates[name].append(message)
        elif message.command in (wire.CREATE_CHAN, wire.CREATE_CH_FAIL):
            assert message.command == wire.CREATE_CHAN, "the server refuses the channel"
            self._replies[circuit, message.command, message.p1] = message
        elif message.command == wire.ERROR:
            self._take_error(circuit, message)
        elif message.command == wire.SERVER_DISCONN:
            self._forget(circuit, message.p1)
        else:
            self._replies[circuit, message.command, message.p2] = message

    def _forget(self, circuit: wire.Circuit, cid: int) -> None:
        """A channel that the server ends; the next use of its name searches anew."""
        for name, at in list(self._attached.items()):
            if at.circuit is circuit and at.channel.cid == cid:
                del self._attached[name]

    def _take_error(self, circuit: wire.Circuit, message: wire.Message) -> None:
        """The request that an ERROR quotes is answered by its status."""
        command, _size, _type, _count, _sid, id_ = struct.unpack_from(
            ">HHHHII", message.payload
        )
        reply = wire.Message(command, p1=message.p2, p2=id_)
        if command == wire.EVENT_ADD:
            self._updates[self._subscribed[circuit, id_]].append(reply)
        else:
            self._replies[circuit, command, id_] = reply


def plain(message: wire.Message) -> dict[str, Any]:
    """What a reading or update says, without its time stamp."""
    if message.p1 != wire.ECA_NORMAL:
        return {"error": message.p1}
    # libca fills up strings that a server cuts behind their end.
    size = dbr.size(message.type, message.count)
    size += -size % 8
    payload = message.payload.ljust(size, b"\0")[:size]
    found = dbr.decode(message.type, message.count, payload, zeroed=False)
    values = [
        v.decode("latin-1") if isinstance(v, bytes) else v for v in found.elements
    ]
    fields = {
        "type": message.type,
        "value": values[0] if len(values) == 1 else values,
        "status": found.status,
        "severity": found.severity,
        "precision": found.precision,
        "units": found.units,
        "limits": found.limits,
        "states": found.states,
    }
    return {key: value for key, value in fields.items() if value is not None}


def listening(address: tuple[str, int]) -> bool:
    """Whether a server accepts circuits at an address."""
    with socket.socket() as sock:
        return sock.connect_ex(address) == 0
