"""Status PVs of ours and of an IOC, as tests ask for them with raw circuits."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from support import dbr, wire
from support.wire import Circuit

CTRL = 28
SECONDS = 60.0  # only against hanging


class Asked:
    """A circuit to a server, and the PVs of a prefix there."""

    def __init__(self, port: int, prefix: str) -> None:
        self.circuit = Circuit(("127.0.0.1", port))
        self.prefix = prefix

    def __enter__(self) -> Asked:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.circuit.close()

    def create(self, name: str) -> wire.Channel | None:
        """A channel; None if there is no such PV."""
        cid = self.circuit.new_id()
        self.circuit.send(wire.create_request(self.prefix + name, cid))
        first = self.circuit.receive()
        if first.command == wire.CREATE_CH_FAIL:
            return None
        assert first.command == wire.ACCESS_RIGHTS
        made = self.circuit.expect(wire.CREATE_CHAN, p1=cid)
        return wire.Channel(cid, made.p2, made.type, made.count, first.p2)

    def ask(self, name: str) -> tuple[wire.Channel, dbr.Value]:
        """The channel, and the value with all that comes with it."""
        channel = self.create(name)
        assert channel is not None, name
        type_ = CTRL + channel.type
        reply = self.circuit.get(channel, type_, 0)
        assert reply.p1 == wire.ECA_NORMAL, name
        return channel, dbr.decode(type_, reply.count, reply.payload, zeroed=False)

    def value(self, name: str) -> Any:
        """The first element, or text."""
        channel, value = self.ask(name)
        if channel.type == 4 and channel.count > 1:
            return bytes(value.elements).rstrip(b"\0").decode()
        return value.elements[0]

    def severity(self, name: str) -> int:
        return self.ask(name)[1].severity

    def put(self, name: str, value: Any) -> int:
        """A put of text with callback; the status of its answer."""
        channel = self.create(name)
        assert channel is not None, name
        return self.circuit.put(channel, 0, dbr.encode(0, str(value))).p1

    def wait_for(self, name: str, holds: Callable[[Any], bool]) -> Any:
        """The first value for which that holds."""
        return wait_until(lambda: (v := self.value(name), holds(v)), lambda p: p[1])[0]


def wait_until(
    look: Callable[[], Any],
    holds: Callable[[Any], Any] = bool,
    seconds: float = SECONDS,
) -> Any:
    """What `look` returned when it held; fails if that does not come in time."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if holds(found):
            return found
        assert time.monotonic() < deadline, f"not in time: {found!r}"
        time.sleep(0.01)


def beats(asked):
    return asked.value("HEARTBEAT")
