"""Runs the same program on two servers and tells what each did.

A program is JSON: PVs, what the driver overrides, and steps. A step is a list: what to
do and with what. Steps of the server go to compat_side.py; steps of clients are raw
messages of circuits that the program calls by a number. After each step all that the
server has to say is collected, up to a mark that it posts behind it.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from support import dbr, wire
from support.environment import server_environment
from support.outcome import STATUS
from support.ports import LOOPBACK, free_port
from support.process import Child, ChildError
from support.wire import Circuit, Closed, Message

SECONDS = 60.0
SIDE = Path(__file__).with_name("compat_side.py")
MARK_SUBID = 1_000_000

Json = Any


class Died(Exception):
    """The server's process ended, or does not answer any more."""


class Client:
    """One circuit of a program: its channels and subscriptions by the program's names.

    Args:
        address: The server.
        user: Who the client says it is.
    """

    def __init__(self, address: tuple[str, int], user: str) -> None:
        self.circuit = Circuit(address, user=user)
        self.channels: dict[str, wire.Channel] = {}
        self.cids: dict[int, str] = {}
        self.ioids: dict[int, str] = {}
        self.subscriptions: dict[int, str] = {}
        self.closed = False
        self.early: list[Message] = []  # what came ahead of an echo
        mark = self.circuit.create("COMPAT:MARK")
        self.circuit.send(wire.event_request(mark.sid, MARK_SUBID, dbr.LONG))
        self.circuit.expect(wire.EVENT_ADD, timeout=SECONDS, p2=MARK_SUBID)

    def wait_until_read(self) -> None:
        """Waits until the server has read all that this circuit has sent."""
        self.circuit.send(wire.pack(wire.ECHO))
        while (message := self.circuit.receive(SECONDS)).command != wire.ECHO:
            self.early.append(message)

    def until(self, number: int) -> list[Message]:
        """All messages up to the mark of that number."""
        found, self.early = self.early, []
        while True:
            try:
                message = self.circuit.receive(SECONDS)
            except Closed:
                self.closed = True
                return found
            if message.command == wire.EVENT_ADD and message.p2 == MARK_SUBID:
                if struct.unpack_from(">i", message.payload)[0] == number:
                    return found
            else:
                found.append(message)

    # ---- requests; the answers are found by `until` ----

    def channel(self, name: str, full: str) -> None:
        cid = self.circuit.new_id()
        self.cids[cid] = name
        self.circuit.send(wire.create_request(full, cid))

    def get(self, name: str, type: int, count: int, notify: bool = True) -> None:
        ioid = self._ioid(f"get {name}")
        command = wire.READ_NOTIFY if notify else wire.READ
        self._send(command, name, type, count, ioid)

    def put(
        self, name: str, type: int, elements: list[Any], notify: bool = True
    ) -> None:
        ioid = self._ioid(f"put {name}")
        command = wire.WRITE_NOTIFY if notify else wire.WRITE
        data = dbr.encode(type, *elements)
        self._send(command, name, type, len(elements), ioid, data)

    def subscribe(self, name: str, sub: str, type: int, count: int, mask: int) -> None:
        subid = self.circuit.new_id()
        self.subscriptions[subid] = sub
        sid = self._sid(name)
        self.circuit.send(wire.event_request(sid, subid, type, count, mask))

    def cancel(self, name: str, sub: str) -> None:
        for subid, known in self.subscriptions.items():
            if known == sub:
                self._send(wire.EVENT_CANCEL, name, 0, 0, subid)

    def clear(self, name: str) -> None:
        cid = self.channels[name].cid if name in self.channels else 0
        self._send(wire.CLEAR_CHANNEL, name, 0, 0, cid)

    def events(self, on: bool) -> None:
        self.circuit.send(wire.pack(wire.EVENTS_ON if on else wire.EVENTS_OFF))

    def _sid(self, name: str) -> int:
        return self.channels[name].sid if name in self.channels else 4711

    def _ioid(self, what: str) -> int:
        ioid = self.circuit.new_id()
        self.ioids[ioid] = what
        return ioid

    def _send(
        self, command: int, name: str, type: int, count: int, p2: int, data: bytes = b""
    ) -> None:
        message = wire.pack(
            command, data, type=type, count=count, p1=self._sid(name), p2=p2
        )
        self.circuit.send(message)

    # ---- what came, in words and numbers that do not depend on ids and times ----

    def told(self, messages: Iterable[Message]) -> dict[str, list[Json]]:
        """Replies in order, and the updates of each subscription in order."""
        found: dict[str, list[Json]] = {}
        for message in messages:
            key, what = self._word(message)
            found.setdefault(key, []).append(what)
        return found

    def _word(self, m: Message) -> tuple[str, Json]:
        if m.command == wire.EVENT_ADD:
            name = self.subscriptions.get(m.p2, "?")
            if not m.payload:
                return name, "cancelled"
            return name, [_status(m.p1), *value_of(m)]
        if m.command in (wire.READ_NOTIFY, wire.READ):
            status = _status(m.p1) if m.command == wire.READ_NOTIFY else "READ"
            data = value_of(m) if status in ("NORMAL", "READ") else []
            return "replies", [self.ioids.get(m.p2, "?"), status, *data]
        if m.command == wire.WRITE_NOTIFY:
            return "replies", [self.ioids.get(m.p2, "?"), _status(m.p1)]
        if m.command == wire.CREATE_CHAN:
            name = self.cids[m.p1]
            self.channels[name] = wire.Channel(m.p1, m.p2, m.type, m.count, 0)
            return "replies", ["created", name, m.type, m.count]
        if m.command == wire.ACCESS_RIGHTS:
            return "rights", [self.cids.get(m.p1, "mark"), m.p2]
        if m.command == wire.ERROR:
            embedded = int.from_bytes(m.payload[:2], "big")
            return "replies", ["error", _status(m.p2), embedded]
        names = {
            wire.CREATE_CH_FAIL: "refused",
            wire.CLEAR_CHANNEL: "cleared",
            wire.SERVER_DISCONN: "gone",
        }
        cid = m.p2 if m.command == wire.CLEAR_CHANNEL else m.p1
        return "replies", [names.get(m.command, m.command), self.cids.get(cid, "?")]


def _status(number: int) -> Json:
    return STATUS.get(number, number)


def value_of(message: Message) -> list[Json]:
    """Type, count and all that the payload says but the time."""
    type, count, payload = message.type, message.count, message.payload
    if type > 34:
        return [type, count]
    needed = dbr.size(type, count)
    # The released server shortens single strings.
    payload = payload[:needed] + bytes(max(0, needed - len(payload)))
    payload += bytes(-len(payload) % 8)
    if count == 0 and type < 7:
        return [type, 0, []]
    found = dbr.decode(type, count, payload, zeroed=False)
    elements = [
        e.decode("latin-1") if isinstance(e, bytes) else repr(e) for e in found.elements
    ]
    told: list[Json] = [type, count, elements]
    if type >= dbr.STS:
        told.append([found.status, found.severity])
    if type >= dbr.GR:
        limits = found.limits and [repr(limit) for limit in found.limits]
        told.append([found.precision, found.units, limits, found.states])
    return told


class Side:
    """One server of a comparison, and the clients of the program that runs on it.

    Args:
        python: The interpreter of its environment.
        threaded: Its network runs in a thread of its own, and answers an ECHO also
            while a put waits. The released one reads in `process`, all that there is.
        script: What runs there.
        environment: Variables that the server's process gets, too.
    """

    def __init__(
        self, python: str, threaded: bool, script: Path = SIDE, **environment: str
    ) -> None:
        self.python = python
        self.script = script
        self.threaded = threaded
        self.environment = environment
        self.clients: dict[int, Client] = {}
        self.number = 0
        self.start()

    def start(self) -> None:
        """Starts the process."""
        self.port = free_port()
        variables = {
            "EPICS_CA_MAX_ARRAY_BYTES": "10000000",
            "EPICS_CA_SERVER_PORT": str(self.port),  # for inputs of access security
            **self.environment,
        }
        env = server_environment(self.port, **variables)
        self.child = Child([self.python, str(self.script)], env)

    def stop(self) -> None:
        """Ends the process."""
        self.end_program()
        self.child.stop()

    def fresh(self) -> None:
        """Ends the program that was; another process if the last one ended over it."""
        self.end_program()
        if not self.child.alive():
            self.child.stop()
            self.start()

    def ask(self, **command: Json) -> Json:
        """Lets the program do something.

        Raises:
            Died: The process ended over it.
        """
        try:
            return self.child.ask(SECONDS, **command)
        except ChildError as error:
            raise Died(str(error)) from error

    def begin(self, prefix: str, program: dict[str, Json]) -> Json:
        """Sets up PVs and driver; what came of it."""
        self.prefix = prefix
        return self.ask(do="begin", prefix=prefix, program=program)

    def end_program(self) -> None:
        """Closes the program's circuits."""
        for client in self.clients.values():
            client.circuit.close()
        self.clients.clear()

    def collect(self) -> Json:
        """What each circuit was told since the last time, and the driver's calls."""
        self.number += 1
        if self.threaded:
            for client in self.clients.values():
                self._wait_until_read(client)
        self.ask(do="mark", number=self.number)
        told = {
            str(name): client.told(client.until(self.number))
            for name, client in self.clients.items()
            if not client.closed
        }
        calls = self.ask(do="take_calls")
        closed = [name for name, client in self.clients.items() if client.closed]
        return {"told": told, "calls": calls, "closed": closed}

    @staticmethod
    def _wait_until_read(client: Client) -> None:
        try:
            client.wait_until_read()
        except Closed:
            client.closed = True

    def do(self, step: list[Json]) -> Json:
        """One step, and all that it led to.

        Raises:
            Died: The server ended over it.
        """
        what, *rest = step
        result = None
        try:
            if what == "ask":
                result = self.ask(**rest[0])
            elif what == "open":
                number, user = rest
                self.clients[number] = self._client(user)
            elif what == "leave":
                self.clients.pop(rest[0]).circuit.close()
            else:
                self._request(what, *rest)
            return {"result": result, **self.collect()}
        except (Closed, ConnectionError, wire.Silence) as error:
            raise Died(f"{step}: {error!r}") from error

    def _client(self, user: str) -> Client:
        return Client((LOOPBACK, self.port), user)

    def _request(self, what: str, number: int, *rest: Json) -> None:
        client = self.clients.get(number)
        if client is None or client.closed:
            return
        if what == "channel":
            name, reason = rest
            client.channel(name, self.prefix + reason)
        else:
            getattr(client, what)(*rest)


def prefixes() -> Iterator[str]:
    """Names for programs, each used once."""
    for n in range(1 << 30):
        yield f"C{os.getpid()}.{n}:"


def outline(program: dict[str, Json]) -> str:
    """The program as text, for a failure's message."""
    lines = [json.dumps(program.get(key)) for key in ("pvs", "read", "write")]
    return "\n".join([*lines, *(json.dumps(step) for step in program["steps"])])


def classes_only(told: Json) -> Json:
    """What a step told, an exception of it by its class alone."""
    result = told["result"]
    if isinstance(result, dict) and "raised" in result:
        return {**told, "result": {"raised": result["raised"]}}
    return told
