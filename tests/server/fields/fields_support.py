"""Our server and the reference IOC with equal records, as tests ask them."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from pathlib import Path

from support import dbr, wire
from support.environment import server_environment
from support.ports import LOOPBACK, free_port
from support.process import Child
from support.wire import Circuit

SERVERS = Path(__file__).parents[2] / "servers"
_marks = itertools.count(1)
ALL_MASKS = {"V": 1, "L": 2, "A": 4, "P": 8}


@dataclasses.dataclass
class Side:
    """One server, and a circuit to it for whatever a test asks."""

    child: Child
    prefix: str
    circuit: Circuit

    def open(self) -> Circuit:
        """One more circuit."""
        return Circuit((LOOPBACK, self.child.ready["tcp_port"]))

    def create(self, name: str, circuit: Circuit | None = None) -> wire.Channel | None:
        """A channel on PREFIXname; None if there is no such PV."""
        circuit = circuit or self.circuit
        cid = circuit.new_id()
        circuit.send(wire.create_request(self.prefix + name, cid))
        first = circuit.receive()
        if first.command == wire.CREATE_CH_FAIL:
            assert first.p1 == cid
            return None
        assert first.command == wire.ACCESS_RIGHTS
        made = circuit.expect(wire.CREATE_CHAN, p1=cid)
        return wire.Channel(cid, made.p2, made.type, made.count, first.p2)

    def get(self, name: str, family: int = 0, as_type: int | None = None) -> dbr.Value:
        """Its value as DBR type `as_type`, by default its own."""
        channel = self.create(name)
        assert channel is not None, name
        type_ = family + (channel.type if as_type is None else as_type)
        reply = self.circuit.get(channel, type_, 0)
        assert reply.p1 == wire.ECA_NORMAL
        return dbr.decode(type_, reply.count, reply.payload, zeroed=False)

    def put(self, name: str, value: str) -> int:
        """A put of text with callback; the status of its answer."""
        channel = self.create(name)
        assert channel is not None, name
        return self.circuit.put(channel, 0, dbr.encode(0, value)).p1

    def searched(self, name: str) -> bool:
        """Whether a search over TCP finds it."""
        self.circuit.send(
            wire.search_request(self.prefix + name, 7, reply=wire.DO_REPLY)
        )
        return self.circuit.receive().command == wire.SEARCH


class Watch:
    """Subscriptions to fields of one record, one for each kind of event."""

    def __init__(self, side: Side, record: str, fields: list[str]) -> None:
        self.side = side
        self.circuit = side.open()
        mark = side.create("MARK", self.circuit)
        assert mark is not None
        self.mark, _first = self.circuit.subscribe(mark, dbr.LONG)
        self.subscribed: dict[int, tuple[str, str, int]] = {}
        for field in fields:
            channel = side.create(f"{record}.{field}", self.circuit)
            assert channel is not None, field
            for letter, mask in ALL_MASKS.items():
                subid, _first = self.circuit.subscribe(channel, channel.type, 0, mask)
                self.subscribed[subid] = field, letter, channel.type

    def take(self) -> dict[str, str]:
        """{field: its events' letters} up to now: a mark of its own comes after all."""
        wanted = next(_marks)
        assert self.side.put("MARK", str(wanted)) == wire.ECA_NORMAL
        found: dict[str, set[str]] = {}
        while True:
            message = self.circuit.receive(wire.LONG_DEADLINE)
            if message.command != wire.EVENT_ADD:
                continue
            if message.p2 == self.mark:
                if dbr.decode(dbr.LONG, 1, message.payload).scalar == wanted:
                    break
                continue
            field, letter, _type = self.subscribed[message.p2]
            found.setdefault(field, set()).add(letter)
        return {field: "".join(sorted(letters)) for field, letters in found.items()}


def side(script: str, prefix: str, *arguments: str) -> Iterator[Side]:
    """A server on free ports of its own."""
    environment = server_environment(free_port())
    path = str(SERVERS / script)
    with Child.python(path, prefix, *arguments, env=environment) as child:
        with Circuit((LOOPBACK, child.ready["tcp_port"])) as circuit:
            yield Side(child, prefix, circuit)
