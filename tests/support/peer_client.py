"""A client of other make as a child process that runs tests/whole/peer/clients/NAME."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .peers import peer_python
from .process import Child
from .targets import Target

CLIENTS = Path(__file__).parents[1] / "whole" / "peer" / "clients"
CONNECT_SECONDS = 15.0
PEERS = ("pyepics", "caproto", "aioca")


class Peer:
    """A client of another make, driven as a process of its own environment."""

    def __init__(self, name: str, target: Target) -> None:
        self.name = name
        self.target = target
        script = str(CLIENTS / f"{name}_client.py")
        env = target.client_environment()
        self.child = Child([str(peer_python(name)), script], env)

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.child.stop()

    def connect(self, name: str, seconds: float = CONNECT_SECONDS) -> dict[str, Any]:
        """Native type and count of a PV."""
        pv = self.target.pv(name)
        found: dict[str, Any] = self.child.ask(
            seconds + 10, do="connect", pv=pv, timeout=seconds
        )
        return found

    def get(self, name: str, dbr: int, count: int = 0) -> dict[str, Any]:
        """One reading."""
        found: dict[str, Any] = self.child.ask(
            do="get", pv=self.target.pv(name), dbr=dbr, count=count
        )
        return found

    def put(
        self, name: str, value: Any, *, wait: bool = True, dbr: int | None = None
    ) -> None:
        """A put, with completion unless `wait` is false."""
        pv = self.target.pv(name)
        self.child.ask(do="put", pv=pv, value=value, wait=wait, dbr=dbr)

    def monitor(self, name: str, dbr: int, mask: int = 5, count: int = 0) -> int:
        """Subscribe; the number to ask for its events with."""
        pv = self.target.pv(name)
        number: int = self.child.ask(
            do="monitor", pv=pv, dbr=dbr, mask=mask, count=count
        )
        return number

    def events(
        self, subscription: int, number: int, seconds: float = 10.0
    ) -> list[dict[str, Any]]:
        """At least `number` events."""
        found: list[dict[str, Any]] = self.child.ask(
            seconds + 10,
            do="events",
            subscription=subscription,
            number=number,
            timeout=seconds,
        )
        assert len(found) >= number, f"{len(found)} events of {number}: {found}"
        return found
