"""Datagrams of Channel Access: searches, their answers, beacons. Bytes and values only.

What does not fit ends a datagram, as it does for a server; nothing here raises.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ..native._tables import protocol

CA = protocol()
_HEADER = struct.Struct(">HHHHII")
_ROUNDING = 8
_SAME = 0xFFFFFFFF  # "the address that this came from"
_PORTS = 0xFFFF

_VERSION, _SEARCH, _BEACON = CA["VERSION"], CA["SEARCH"], CA["BEACON"]
_OLDEST = CA["OLDEST_MINOR"]
_HIT_PAYLOAD = struct.pack(">H6x", CA["MINOR"])

Address = tuple[str, int]


class Search(NamedTuple):
    """A name that a client looks for."""

    name: bytes
    client: Address


class Hit(NamedTuple):
    """An answer: where a name is served."""

    cid: int
    server: Address
    guid: bytes = b""  # of the server; only PVAccess has it


class Beacon(NamedTuple):
    """A server says that it is there."""

    server: Address
    number: int
    guid: bytes = b""


def dotted(address: int) -> str:
    """An address as text."""
    return str(ipaddress.IPv4Address(address))


def is_loopback(address: str) -> bool:
    """Whether it is of this host only."""
    return address.startswith("127.")


# Command, type, count, p1, p2, payload.
Message = tuple[int, int, int, int, int, bytes]


def messages(data: bytes) -> Iterator[Message]:
    """The messages of a datagram, up to the first one that is none."""
    at, size = 0, len(data)
    while size - at >= _HEADER.size:
        command, length, kind, count, p1, p2 = _HEADER.unpack_from(data, at)
        at += _HEADER.size
        if length % _ROUNDING or length > size - at:
            return
        yield command, kind, count, p1, p2, data[at : at + length]
        at += length


def searches(data: bytes, source: Address, relayed: bool, own: int) -> list[Search]:
    """The names that a datagram asks for.

    Args:
        data: The datagram.
        source: Where it came from.
        relayed: A server of this host may have passed it on, which then says for
            which client, in VERSION.
        own: The sequence number of datagrams of ours, which are no searches of others.
    """
    found: list[Search] = []
    client, first = source, True
    for command, kind, count, p1, p2, payload in messages(data):
        if command == _VERSION:
            if p1 == own:
                return []
            if first and relayed and p2 != 0 and is_loopback(source[0]):
                client = dotted(p1), kind
        elif command != _SEARCH:
            break
        elif count >= _OLDEST:
            end = payload.find(0)
            if end > 0:
                found.append(Search(payload[:end], client))
        first = False
    return found


def hits(data: bytes, source: Address) -> list[Hit]:
    """The answers in a datagram."""
    found: list[Hit] = []
    for command, kind, _, p1, p2, _payload in messages(data):
        if command == _SEARCH:
            address = source[0] if p1 in (0, _SAME) else dotted(p1)
            if kind:
                found.append(Hit(p2, (address, kind)))
        elif command != _VERSION:
            break
    return found


def beacons(data: bytes, source: Address) -> list[Beacon]:
    """The beacons in a datagram: of a server, or copied by a repeater."""
    return [
        Beacon((dotted(p2) if p2 else source[0], count), p1)
        for command, _, count, p1, p2, _payload in messages(data)
        if command == _BEACON and count
    ]


def questions(
    asked: Iterable[tuple[int, bytes]], own: int, port: int
) -> Iterator[bytes]:
    """Datagrams that ask for names, each with the number that its answer has.

    Answers come to the port that they are sent from.
    """
    head = _HEADER.pack(_VERSION, 0, CA["SEQUENCE_VALID"], CA["MINOR"], own, 0)
    frame = head
    for cid, name in asked:
        payload = name + bytes(_ROUNDING - len(name) % _ROUNDING)
        made = _HEADER.pack(
            _SEARCH, len(payload), CA["DONT_REPLY"], CA["MINOR"], cid, cid
        )
        made += payload
        if len(frame) + len(made) > CA["MOST_SENT"]:
            if len(frame) > len(head):
                yield frame
            frame = head
        frame += made
    if len(frame) > len(head):
        yield frame


def can_be_asked(name: bytes) -> bool:
    """A name that fits a datagram as clients send them."""
    room = CA["MOST_SENT"] - 2 * _HEADER.size
    return len(name) + _ROUNDING - len(name) % _ROUNDING <= room


def registration(address: str) -> bytes:
    """Asks a repeater for beacons."""
    own = int(ipaddress.IPv4Address(address))
    return _HEADER.pack(CA["REGISTER"], 0, 0, 0, 0, own)


def confirmation(address: str) -> bytes:
    """A repeater's answer to that."""
    own = int(ipaddress.IPv4Address(address))
    return _HEADER.pack(CA["CONFIRM"], 0, 0, 0, 0, own)


def beacon(found: Beacon) -> bytes:
    """A copy for the clients of a repeater."""
    address, port = found.server
    where = int(ipaddress.IPv4Address(address))
    return _HEADER.pack(_BEACON, 0, CA["MINOR"], port, found.number, where)


def is_registration(data: bytes) -> bool:
    """A client of a repeater: its message, or what old ones send, nothing."""
    first = next(messages(data), None)
    return not data or (first is not None and first[0] == CA["REGISTER"])


def is_confirmation(data: bytes) -> bool:
    """A repeater has taken us."""
    first = next(messages(data), None)
    return first is not None and first[0] == CA["CONFIRM"]


def printable(name: bytes) -> str:
    """A name for a terminal: nothing in it moves the cursor."""
    text = name.decode("utf-8", "backslashreplace")
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode()
        for each in text
    )
