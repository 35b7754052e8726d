"""The servers a test runs on: ours and the reference IOC, with the same PVs."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any, TypeVar

from . import dbr
from .environment import client_environment, server_environment
from .ports import LOOPBACK, free_port
from .process import Child
from .wire import Circuit, Message

SERVERS = Path(__file__).parents[1] / "servers"
OURS, REFERENCE = "ours", "reference"
BOTH = (OURS, REFERENCE)
_numbers = itertools.count(1)
T = TypeVar("T")


class Target:
    """A running server with the common PVs under a prefix of its own.

    Args:
        name: OURS or REFERENCE.
        port: Search port and wanted TCP port; a free one if not given.
        prefix: Prefix of every PV name.
        environment: EPICS_* variables to add, replace or (None) remove.
    """

    def __init__(
        self,
        name: str,
        *,
        port: int | None = None,
        prefix: str | None = None,
        environment: dict[str, str | None] | None = None,
    ) -> None:
        self.name = name
        self.prefix = prefix or f"T{os.getpid()}:{next(_numbers)}:"
        self.port = port or free_port()
        self.environment = dict(environment or {})
        self._start()

    def _start(self) -> None:
        env = server_environment(self.port, **self.environment)
        if self.name == OURS:
            argv = [str(SERVERS / "common_server.py"), self.prefix]
        else:
            script = str(SERVERS / "reference_server.py")
            argv = [script, str(SERVERS / "common.db"), self.prefix]
        self.child = Child.python(*argv, env=env)
        self.tcp = (LOOPBACK, int(self.child.ready["tcp_port"]))
        self.udp = (LOOPBACK, int(self.child.ready["udp_port"]))

    def __enter__(self) -> Target:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the server; it must still be alive and end without an error status."""
        alive, errors = self.child.alive(), self.child.stderr()
        status = self.child.stop()
        assert alive, f"the server ended with status {status}\n{errors}"
        assert status == 0, f"exit status {status}\n{errors}"

    def restart(self) -> None:
        """kill -9, then a new process on the same port."""
        self.child.kill()
        self.child.stop()
        self._start()

    def pv(self, name: str) -> str:
        """The full name of a common PV."""
        return self.prefix + name

    def choose(self, ours: T, reference: T) -> T:
        """What to expect of this target, where the two differ on purpose."""
        return ours if self.name == OURS else reference

    def circuit(self, **options: Any) -> Circuit:
        """A new circuit to this server."""
        return Circuit(self.tcp, **options)

    def client_environment(self, **changes: str) -> dict[str, str]:
        """Settings for a client that finds only this server."""
        return client_environment(self.udp[1], **changes)

    def decode(self, message: Message) -> dbr.Value:
        """Decode a reply or update; only ours must zero every unused byte."""
        return dbr.decode(
            message.type, message.count, message.payload, zeroed=self.name == OURS
        )

    def post(self, name: str, value: Any) -> None:
        """Set a PV from inside the server, in a thread of its own."""
        self.child.ask(do="post", name=name, value=value)

    def set_units(self, name: str, units: str) -> None:
        """Change a PV's units from inside the server."""
        self.child.ask(do="units", name=name, units=units)

    def set_deadband(self, name: str, width: float) -> None:
        """Change how far a number must move for monitors and archivers."""
        self.child.ask(do="deadband", name=name, width=width)
