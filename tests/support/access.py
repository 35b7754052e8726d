"""What tests of access security have in common."""

from __future__ import annotations

import struct

from . import dbr
from .targets import SERVERS
from .wire import ACCESS_RIGHTS, WRITE_NOTIFY, Channel, Circuit, pack

RULES = SERVERS / "access.acf"
NONE, READ, ALL = 0, 1, 3
SEVEN = struct.pack(">i", 7)


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
