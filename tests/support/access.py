"""What tests of access security have in common."""

from __future__ import annotations

import struct
from pathlib import Path

from . import dbr
from .environment import server_environment
from .ports import LOOPBACK
from .process import Child
from .targets import OURS, SERVERS, Target
from .wire import ACCESS_RIGHTS, WRITE_NOTIFY, Channel, Circuit, pack

RULES = SERVERS / "access.acf"
NONE, READ, ALL = 0, 1, 3
SEVEN = struct.pack(">i", 7)


class AccessTarget(Target):
    """A server with the PVs of access.db under a prefix of its own."""

    def __init__(self, name: str, rules: Path | None = RULES, *options: str) -> None:
        self.rules = "-" if rules is None else str(rules)
        self.options = options
        super().__init__(name)

    def _start(self) -> None:
        script = "access_server.py" if self.name == OURS else "access_ioc.py"
        self.child = Child.python(
            str(SERVERS / script),
            self.prefix,
            self.rules,
            *self.options,
            env=server_environment(self.port, **self.environment),
        )
        self.tcp = (LOOPBACK, int(self.child.ready["tcp_port"]))
        self.udp = (LOOPBACK, int(self.child.ready["udp_port"]))


def with_rights(circuit: Circuit, channel: Channel, rights: int) -> None:
    """Wait until the client is told these rights, if it does not have them."""
    if channel.rights != rights:
        told_rights(circuit, channel, rights)


def told_rights(circuit: Circuit, channel: Channel, rights: int) -> None:
    """Wait until the client is told these rights."""
    while True:
        message = circuit.expect(ACCESS_RIGHTS, p1=channel.cid)
        if message.p2 == rights:
            return


def put_status(circuit: Circuit, channel: Channel) -> int:
    """The status of putting 7; what is told about rights meanwhile is passed over."""
    ioid = circuit.new_id()
    circuit.send(
        pack(WRITE_NOTIFY, SEVEN, type=dbr.LONG, count=1, p1=channel.sid, p2=ioid)
    )
    while (message := circuit.receive()).command != WRITE_NOTIFY:
        assert message.command == ACCESS_RIGHTS
    return message.p1
