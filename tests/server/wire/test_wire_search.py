"""Searches by UDP and TCP: answers, frames and datagrams nobody should send (2.1, 2.2).

A datagram with a search for a known PV follows each bad one: its answer, and nothing
ahead of it, proves that the bad one was dropped.
"""

from __future__ import annotations

import socket
import struct

import pytest

from support import wire
from support.ports import udp_socket
from support.targets import OURS
from support.wire import (
    DO_REPLY,
    DONT_REPLY,
    ECHO,
    RSRV_IS_UP,
    SEARCH,
    VERSION,
    Message,
    pack,
    search_request,
    udp_search,
    unpack_all,
    version,
)

HERE = 0xFFFFFFFF


@pytest.fixture
def sock():
    """A client's UDP socket."""
    with udp_socket() as made:
        yield made


def hit(target, cid):
    """The SEARCH reply a client expects."""
    return Message(SEARCH, target.tcp[1], 0, HERE, cid, struct.pack(">H6x", 13))


def expect_dropped(target, sock, data):
    """Send `data`, then a good search: only that is answered."""
    sock.sendto(data, target.udp)
    cid = expect_dropped.cid = expect_dropped.cid + 1
    good = version(sequence=cid) + search_request(target.pv("LONG"), cid)
    (frame,) = udp_search(sock, target.udp, good)
    assert frame == [Message(VERSION, 1, 13, cid, 0), hit(target, cid)]


expect_dropped.cid = 1000


@pytest.mark.parametrize("reply", [DONT_REPLY, DO_REPLY])
def test_one_search(target, sock, reply):
    datagram = version(sequence=77) + search_request(target.pv("LONG"), 5, reply)
    (frame,) = udp_search(sock, target.udp, datagram)
    assert frame == [Message(VERSION, 1, 13, 77, 0), hit(target, 5)]


def test_version_without_a_sequence(target, sock):
    """As caproto sends it: type 0, p1 0."""
    datagram = version() + search_request(target.pv("LONG"), 5)
    (frame,) = udp_search(sock, target.udp, datagram)
    assert frame[0].command == VERSION
    assert frame[0].count == 13
    assert frame[1:] == [hit(target, 5)]


def test_no_version_ahead(target, sock):
    datagram = search_request(target.pv("LONG"), 5)
    if target.name == OURS:
        (frame,) = udp_search(sock, target.udp, datagram)
        assert hit(target, 5) in frame
    else:
        expect_dropped(target, sock, datagram)


@pytest.mark.parametrize("reply", [DONT_REPLY, DO_REPLY])
def test_an_unknown_name_is_not_answered(target, sock, reply):
    name = target.pv("NOSUCH")
    expect_dropped(target, sock, version(sequence=1) + search_request(name, 5, reply))


def test_hits_and_misses_in_one_datagram(target, sock):
    names = ["LONG", "NOSUCH", "DOUBLE", "NOSUCH2", "BIG"]
    datagram = version(sequence=3) + b"".join(
        search_request(target.pv(n), cid) for cid, n in enumerate(names)
    )
    (frame,) = udp_search(sock, target.udp, datagram)
    assert frame == [
        Message(VERSION, 1, 13, 3, 0),
        *(hit(target, n) for n in (0, 2, 4)),
    ]


def test_a_hundred_hits_come_in_frames_of_at_most_1024_bytes(target, sock):
    datagram = version(sequence=9) + b"".join(
        search_request(target.pv("LONG"), cid) for cid in range(100)
    )
    sock.sendto(datagram, target.udp)
    sizes, cids = [], []
    for _ in range(3):
        data, _source = sock.recvfrom(65536)
        sizes.append(len(data))
        first, *hits = unpack_all(data)
        assert first == Message(VERSION, 1, 13, 9, 0)
        assert hits == [hit(target, m.p2) for m in hits]
        cids += [m.p2 for m in hits]
    assert sizes == [1024, 1024, 400]
    assert cids == [*range(100)]


def test_the_reply_comes_from_the_searched_address(target, sock):
    sock.sendto(version(sequence=1) + search_request(target.pv("LONG"), 5), target.udp)
    _data, source = sock.recvfrom(65536)
    assert source == target.udp


def test_a_frame_of_the_largest_size_from_caproto(target, sock):
    name = target.pv("LONG")
    one = search_request(name, 1)
    number = (1472 - 16) // len(one)
    datagram = version() + b"".join(search_request(name, n) for n in range(number))
    sock.sendto(datagram, target.udp)
    cids = []
    while len(cids) < number:
        data, _source = sock.recvfrom(65536)
        cids += [m.p2 for m in unpack_all(data) if m.command == SEARCH]
    assert cids == [*range(number)]


def test_a_very_long_name_is_looked_up(target, sock):
    name = target.pv("x" * 900)
    expect_dropped(target, sock, version(sequence=1) + search_request(name, 1))


BAD = [
    *((f"{n} bytes", bytes([0xFF]) * n) for n in (0, 1, 8, 15)),
    ("size beyond the end", pack(SEARCH, size=64, type=5, count=13)),
    ("size 0xffff", pack(SEARCH, size=0xFFFF, type=5, count=13, extended=False)),
    ("size 0xffff, extended", pack(SEARCH, wire.text("a"), type=5, extended=True)),
    ("size 4", pack(SEARCH, b"abc\0", size=4, type=5, count=13)),
    ("unknown command", pack(99)),
    ("command 0xffff", pack(0xFFFF, b"12345678")),
    ("garbage", bytes(range(256))),
    ("text", b"GET / HTTP/1.1\r\n\r\n"),
    ("its own reply", pack(SEARCH, struct.pack(">H6x", 13), type=5064, p1=HERE, p2=1)),
    ("a beacon", pack(RSRV_IS_UP, type=13, count=5064, p1=1)),
    ("a repeater's confirmation", pack(17, p2=0x7F000001)),
    ("a repeater's registration", pack(24, p2=0x7F000001)),
    ("size 0", version(sequence=1) + pack(SEARCH, type=5, count=13, p1=1, p2=1)),
    ("an empty name", version(sequence=1) + search_request("", 1)),
    (
        "no NUL",
        version(sequence=1) + pack(SEARCH, b"x" * 16, type=5, count=13, p1=1, p2=1),
    ),
    ("control bytes", version(sequence=1) + search_request(b"\1\2\x1b[2J\xff", 1)),
    ("60 KB", version(sequence=1) + search_request("n" * 60000, 1)),
]


@pytest.mark.parametrize("data", [d for _, d in BAD], ids=[n for n, _ in BAD])
def test_a_bad_datagram_is_dropped(target, sock, data):
    expect_dropped(target, sock, data)


@pytest.mark.parametrize("minor", [0, 3])
def test_a_minor_below_4_is_ignored(target, sock, minor):
    name = target.pv("LONG")
    data = version(sequence=1, minor=minor) + search_request(name, 1, minor=minor)
    expect_dropped(target, sock, data)


def test_minor_65535_counts_as_13(target, sock):
    name = target.pv("LONG")
    data = version(sequence=6, minor=65535) + pack(
        SEARCH, wire.text(name), type=5, count=65535, p1=1, p2=1, extended=False
    )
    (frame,) = udp_search(sock, target.udp, data)
    assert frame == [Message(VERSION, 1, 13, 6, 0), hit(target, 1)]


def test_hits_ahead_of_an_error_are_answered(target, sock):
    data = (
        version(sequence=2)
        + search_request(target.pv("LONG"), 1)
        + pack(SEARCH, b"abc\0", size=4, type=5, count=13)
        + search_request(target.pv("LONG"), 2)
    )
    (frame,) = udp_search(sock, target.udp, data)
    assert frame == [Message(VERSION, 1, 13, 2, 0), hit(target, 1)]


def test_an_empty_name_is_skipped(target, sock):
    data = (
        version(sequence=2)
        + search_request("", 1)
        + search_request(target.pv("LONG"), 2)
    )
    (frame,) = udp_search(sock, target.udp, data)
    assert frame == [Message(VERSION, 1, 13, 2, 0), hit(target, 2)]


def test_a_datagram_of_64_kb_with_2000_searches(target, sock):
    """Answered within a budget; the server then still answers a normal search."""
    one = search_request(target.pv("NOSUCH"), 1)
    data = version(sequence=1) + one * ((65000 - 16) // len(one))
    expect_dropped(target, sock, data)
    hits = search_request(target.pv("LONG"), 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    sock.sendto(version(sequence=1) + hits * 1000, target.udp)
    sock.sendto(version(sequence=2) + search_request(target.pv("LONG"), 9), target.udp)
    while True:
        messages = unpack_all(sock.recvfrom(65536)[0])
        if hit(target, 9) in messages:
            break


def test_a_flood_of_unknown_names(target, sock):
    for number in range(2000):
        name = target.pv(f"UNKNOWN{number}")
        sock.sendto(version(sequence=1) + search_request(name, 1), target.udp)
    with target.circuit() as circuit:
        circuit.create(target.pv("LONG"))
    with udp_socket() as fresh:
        fresh.settimeout(0.5)
        datagram = version(sequence=2) + search_request(target.pv("LONG"), 3)
        for _ in range(10):  # the flood may have filled the server's queue
            fresh.sendto(datagram, target.udp)
            try:
                data, _source = fresh.recvfrom(65536)
            except TimeoutError:
                continue
            assert hit(target, 3) in unpack_all(data)
            return
    raise AssertionError("no answer after a flood")


def test_replies_to_a_closed_socket_harm_nothing(target, sock):
    """The reply meets no receiver, and the server later reads an ICMP error."""
    for _ in range(20):
        with udp_socket() as gone:
            datagram = version(sequence=1) + search_request(target.pv("LONG"), 1)
            gone.sendto(datagram, target.udp)
    expect_dropped(target, sock, b"")


def test_udp_echo_is_answered_or_dropped(target, sock):
    sock.sendto(pack(ECHO, b"12345678", p1=4, p2=5), target.udp)
    datagram = version(sequence=2) + search_request(target.pv("LONG"), 3)
    frames = udp_search(sock, target.udp, datagram)
    if frames[0][-1].command == ECHO:
        assert frames[0] == [Message(ECHO, 0, 0, 4, 5, b"12345678")]
        frames = [unpack_all(sock.recvfrom(65536)[0])]
    assert hit(target, 3) in frames[0]


def test_many_bad_datagrams_leave_circuits_alone(target, bystander, sock):
    for _name, data in BAD:
        sock.sendto(data, target.udp)
    bystander.check()


# TCP


def test_a_name_server_session(target):
    """As libca: VERSION again with a sequence number, then searches, on one circuit."""
    with target.circuit() as circuit:
        names = ["LONG", "NOSUCH", "DOUBLE"]
        circuit.send(
            version(sequence=1)
            + b"".join(search_request(target.pv(n), cid) for cid, n in enumerate(names))
        )
        for cid in (0, 2):
            answer = circuit.receive()
            assert answer == Message(SEARCH, target.tcp[1], 0, HERE, cid)
        assert circuit.drain() == []
        channel = circuit.create(target.pv("LONG"))
        assert circuit.get(channel, 5).p1 == wire.ECA_NORMAL


@pytest.mark.parametrize(
    "payload", [b"", bytes(8), b"x" * 16], ids=["size 0", "empty", "no NUL"]
)
def test_a_bad_search_on_tcp_is_skipped(target, bystander, payload):
    with target.circuit() as circuit:
        circuit.send(pack(SEARCH, payload, type=5, count=13, p1=1, p2=1))
        circuit.send(search_request(target.pv("LONG"), 2))
        assert circuit.receive() == Message(SEARCH, target.tcp[1], 0, HERE, 2)
    bystander.check()
