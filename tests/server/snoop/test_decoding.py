"""Datagrams of searches, answers and beacons, right ones and any others."""

from __future__ import annotations

import random
import string

import pytest

from pcaspy.snoop import wire as own
from support import wire
from support.wire import NOT_FOUND, RSRV_IS_UP, SEARCH, VERSION, pack, unpack_all

CLIENT = ("10.1.0.7", 4711)
LOOPBACK = ("127.0.0.1", 4711)
OURS = 0x1234567


def names(data, source=CLIENT, relayed=False):
    return [
        (search.name, search.client)
        for search in own.searches(data, source, relayed, OURS)
    ]


def test_searches_as_libca_sends_them():
    data = wire.version(77) + b"".join(
        wire.search_request(f"PV:{n}" * n, n) for n in range(1, 9)
    )
    expected = [(f"PV:{n}".encode() * n, CLIENT) for n in range(1, 9)]
    assert names(data) == expected


def test_searches_without_version():
    assert names(wire.search_request("A", 1)) == [(b"A", CLIENT)]


@pytest.mark.parametrize(
    "message",
    [
        pack(SEARCH, b"", count=13),
        pack(SEARCH, b"\0" * 8, count=13),
        pack(SEARCH, b"NAMEWITH", count=13),  # no NUL
        wire.search_request("OLD", 1, minor=3),
        pack(SEARCH, wire.text("REPLY"), type=5064, count=0),
    ],
)
def test_what_is_passed_over(message):
    data = message + wire.search_request("B", 2)
    assert names(data) == [(b"B", CLIENT)]


@pytest.mark.parametrize(
    "message",
    [
        pack(SEARCH, b"A\0\0\0\0", count=13, size=5),
        pack(SEARCH, b"A" * 8, count=13, size=64_000),
        pack(SEARCH, b"A" * 8, count=13, extended=True),
        pack(RSRV_IS_UP, count=5064),
        pack(NOT_FOUND),
        b"GET / HTTP/1.1\r\n\r\n",
        b"\xff" * 16,
    ],
)
def test_what_ends_a_datagram(message):
    first, last = wire.search_request("A", 1), wire.search_request("B", 2)
    assert names(first + message + last) == [(b"A", CLIENT)]


def relayed_version(address, port, used=0x0A010001):
    return pack(VERSION, type=port, count=13, p1=address, p2=used)


def test_a_search_that_a_server_passed_on():
    """It says for whom, if it comes where servers of a host speak to each other."""
    data = relayed_version(0x0A010002, 40123) + wire.search_request("A", 1)
    assert names(data, LOOPBACK, relayed=True) == [(b"A", ("10.1.0.2", 40123))]
    assert names(data, LOOPBACK, relayed=False) == [(b"A", LOOPBACK)]
    assert names(data, CLIENT, relayed=True) == [(b"A", CLIENT)]
    plain = wire.version(5) + wire.search_request("A", 1)
    assert names(plain, LOOPBACK, relayed=True) == [(b"A", LOOPBACK)]


def test_our_own_questions_are_no_searches():
    (frame,) = own.questions([(1, b"A"), (2, b"B")], OURS, 1)
    assert names(frame) == []
    assert [search.name for search in own.searches(frame, CLIENT, False, 1)] == [
        *(b"A", b"B"),
    ]


def test_questions_are_what_servers_take():
    asked = [(n, b"N" * n) for n in range(1, 400) if own.can_be_asked(b"N" * n)]
    found = []
    for frame in own.questions(asked, OURS, 1):
        assert len(frame) <= 1024
        version, *searches = unpack_all(frame)
        assert (version.command, version.type, version.count) == (VERSION, 1, 13)
        for search in searches:
            assert (search.command, search.type, search.count) == (SEARCH, 5, 13)
            assert search.p1 == search.p2
            assert search.payload.endswith(b"\0")
            found.append((search.p2, search.payload.rstrip(b"\0")))
    assert found == asked


def test_the_longest_name_that_can_be_asked_for():
    longest = max(n for n in range(1100) if own.can_be_asked(b"x" * n))
    (frame,) = own.questions([(1, b"x" * longest)], OURS, 1)
    assert len(frame) <= 1024 < len(frame) + 8


def hit(cid, port=5064, address=0xFFFFFFFF):
    payload = b"\0\x0d" + b"\0" * 6
    return pack(SEARCH, payload, type=port, p1=address, p2=cid)


def test_answers():
    data = wire.version(1) + hit(7) + hit(8, 5070) + hit(9, 5071, 0x0A000001)
    assert own.hits(data, ("10.9.9.9", 5064)) == [
        own.Hit(7, ("10.9.9.9", 5064)),
        own.Hit(8, ("10.9.9.9", 5070)),
        own.Hit(9, ("10.0.0.1", 5071)),
    ]


def test_beacons():
    data = pack(RSRV_IS_UP, type=13, count=5064, p1=3)
    data += pack(RSRV_IS_UP, type=13, count=5070, p1=4, p2=0x0A000001)
    assert own.beacons(data, ("10.9.9.9", 99)) == [
        own.Beacon(("10.9.9.9", 5064), 3),
        own.Beacon(("10.0.0.1", 5070), 4),
    ]
    (first, second) = own.beacons(data, ("10.9.9.9", 99))
    assert own.beacons(own.beacon(first), ("127.0.0.1", 5065)) == [first]
    assert own.beacons(own.beacon(second), ("127.0.0.1", 5065)) == [second]


def mutated(draw, data):
    data = bytearray(data)
    for _ in range(draw.randrange(4)):
        at = draw.randrange(len(data) + 1)
        kind = draw.randrange(3)
        if kind == 0 and data:
            data[at % len(data)] = draw.choice((0, 1, 6, 13, 24, 0x7F, 0xFF))
        elif kind == 1:
            del data[at:]
        else:
            data[at:at] = draw.randbytes(draw.randrange(20))
    return bytes(data)


def test_any_bytes():
    """Nothing raises, nothing is invented: all names are in the datagram."""
    draw = random.Random(7)
    right = [
        wire.version(1) + wire.search_request("A:B", 1) + wire.search_request("C", 2),
        hit(1) + hit(2),
        pack(RSRV_IS_UP, type=13, count=5064, p1=3),
        relayed_version(1, 2) + wire.search_request("D", 1),
        own.registration("127.0.0.1"),
    ]
    for _ in range(20_000):
        data = mutated(draw, draw.choice([*right, draw.randbytes(40), b""]))
        for relayed in (True, False):
            for search in own.searches(data, LOOPBACK, relayed, OURS):
                assert search.name in data
                assert b"\0" not in search.name
                own.printable(search.name)
        for found in own.hits(data, CLIENT):
            assert 0 < found.server[1] < 65536
        for beacon in own.beacons(data, CLIENT):
            assert len(own.beacon(beacon)) == 16
        own.is_registration(data)
        own.is_confirmation(data)


def test_a_name_cannot_write_to_the_terminal():
    for name in (
        b"\x1b[2JA",
        b"A\nB",
        b"\xff\xfe",
        "\u202eX".encode(),
        b"\x9b1m",
        b"\r",
    ):
        assert own.printable(name).isprintable()
    plain = string.ascii_letters + "Ä:_{}.$ "
    assert own.printable(plain.encode()) == plain
