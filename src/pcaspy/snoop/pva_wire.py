"""Datagrams of PVAccess: searches, their answers, beacons. Bytes and values only.

The numbers are those of the protocol's specification; no header of pvxs that is
installed has them. As in `wire`, what does not fit ends a datagram, and nothing raises.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterable, Iterator

from .wire import Address, Beacon, Hit, Search, is_loopback

PORT = 5076  # of searches and beacons

_MAGIC = 0xCA
_VERSION = 2
_CONTROL, _SEGMENT, _FROM_SERVER, _BIG = 0x01, 0x30, 0x40, 0x80
_BEACON, _SEARCH, _ANSWER, _ORIGIN = 0, 3, 4, 22
_HEADER = 8
_NO_TEXT, _LONG_SIZE = 0xFF, 0xFE
_GUID = 12
_MAPPED = bytes(10) + b"\xff\xff"  # ahead of an IPv4 address
_PROTOCOL = b"tcp"
_MOST_NAMES = 1000  # of one datagram
_MOST_SENT = 1400


class _Short(Exception):
    """A message ends before it should."""


class _Reader:
    """The fields of a message, one after the other."""

    def __init__(self, data: bytes, big: bool) -> None:
        self._data, self._at = data, 0
        self._order = ">" if big else "<"

    def take(self, size: int) -> bytes:
        """So many bytes."""
        found = self._data[self._at : self._at + size]
        if len(found) != size:
            raise _Short
        self._at += size
        return found

    def number(self, kind: str) -> int:
        """A number of that code of struct."""
        size = struct.calcsize(kind)
        found: int = struct.unpack(self._order + kind, self.take(size))[0]
        return found

    def text(self) -> bytes:
        """A text; an empty one for none."""
        size = self.number("B")
        if size == _NO_TEXT:
            return b""
        return self.take(self.number("I") if size == _LONG_SIZE else size)

    def address(self) -> str:
        """An IPv4 address; "" if it is none, or means all."""
        found = self.take(16)
        if found[:12] not in (_MAPPED, bytes(12)) or found[12:] == bytes(4):
            return ""
        return str(ipaddress.IPv4Address(found[12:]))


def _messages(data: bytes) -> Iterator[tuple[int, _Reader]]:
    """Commands and their payloads, of messages for applications."""
    while len(data) >= _HEADER and data[0] == _MAGIC:
        flags, command = data[2], data[3]
        order = ">" if flags & _BIG else "<"
        (size,) = struct.unpack_from(order + "I", data, 4)
        if flags & _CONTROL:
            data = data[_HEADER:]
            continue
        if flags & _SEGMENT or size > len(data) - _HEADER:
            return
        yield command, _Reader(data[_HEADER : _HEADER + size], bool(flags & _BIG))
        data = data[_HEADER + size :]


def searches(data: bytes, source: Address, relayed: bool, own: int) -> list[Search]:
    """The names that a datagram asks for; see `wire.searches`."""
    found: list[Search] = []
    try:
        for command, reader in _messages(data):
            if command == _SEARCH:
                found += _of_search(reader, source, own)
            elif command != _ORIGIN:
                break
    except _Short:
        pass
    return found


def _of_search(reader: _Reader, source: Address, own: int) -> list[Search]:
    found: list[Search] = []
    sequence = reader.number("I")
    if sequence == own:
        return found
    reader.take(4)
    address, port = reader.address(), reader.number("H")
    # Another address counts only where a search may have been passed on.
    client = address if address and is_loopback(source[0]) else source[0]
    for _ in range(min(reader.number("B"), _MOST_NAMES)):
        reader.text()
    try:
        for _ in range(min(reader.number("H"), _MOST_NAMES)):
            reader.number("I")
            name = reader.text()
            if name and 0 not in name:
                found.append(Search(name, (client, port)))
    except _Short:
        pass
    return found


def hits(data: bytes, source: Address) -> list[Hit]:
    """The answers in a datagram."""
    found: list[Hit] = []
    try:
        for command, reader in _messages(data):
            if command != _ANSWER:
                break
            guid = reader.take(_GUID)
            reader.number("I")
            address, port = reader.address() or source[0], reader.number("H")
            if reader.text() != _PROTOCOL or not reader.number("B") or not port:
                continue
            for _ in range(min(reader.number("H"), _MOST_NAMES)):
                found.append(Hit(reader.number("I"), (address, port), guid))
    except _Short:
        pass
    return found


def beacons(data: bytes, source: Address) -> list[Beacon]:
    """The beacons in a datagram."""
    found: list[Beacon] = []
    try:
        for command, reader in _messages(data):
            if command == _ORIGIN:
                continue
            if command != _BEACON:
                break
            guid = reader.take(_GUID)
            reader.number("B")
            number = reader.number("B")
            reader.number("H")
            address, port = reader.address() or source[0], reader.number("H")
            if port:
                found.append(Beacon((address, port), number, guid))
    except _Short:
        pass
    return found


def questions(
    asked: Iterable[tuple[int, bytes]], own: int, port: int
) -> Iterator[bytes]:
    """Datagrams that ask for names; answers come to `port`."""
    items = b""
    count = 0
    for cid, name in asked:
        made = struct.pack(">IB", cid, len(name)) + name
        if len(items) + len(made) > _MOST_SENT:
            yield _question(own, port, count, items)
            items, count = b"", 0
        items += made
        count += 1
    if count:
        yield _question(own, port, count, items)


def _question(own: int, port: int, count: int, items: bytes) -> bytes:
    body = struct.pack(">IB3x", own, 0) + bytes(16) + struct.pack(">HB", port, 1)
    body += bytes([len(_PROTOCOL)]) + _PROTOCOL + struct.pack(">H", count) + items
    return struct.pack(">BBBBI", _MAGIC, _VERSION, _BIG, _SEARCH, len(body)) + body


def can_be_asked(name: bytes) -> bool:
    """A name whose length is one byte."""
    return len(name) < _LONG_SIZE
