"""Datagrams of PVAccess in both byte orders, written down from its specification."""

from __future__ import annotations

import random
import struct

import pytest

from pcaspy.snoop import pva_wire as own
from pcaspy.snoop.wire import Beacon, Hit

CLIENT = ("10.1.0.7", 4711)
OURS = 0x12345678
GUID = bytes(range(12))


class Form:
    """Writes messages in one byte order."""

    def __init__(self, order):
        self.order = order
        self.flags = 0x80 if order == ">" else 0

    def pack(self, form, *values):
        return struct.pack(self.order + form, *values)

    def message(self, command, body, flags=0, size=None):
        size = len(body) if size is None else size
        head = struct.pack("BBBB", 0xCA, 2, self.flags | flags, command)
        return head + self.pack("I", size) + body

    @staticmethod
    def text(text):
        return bytes([len(text)]) + text

    @staticmethod
    def address(text):
        if not text:
            return bytes(16)
        return bytes(10) + b"\xff\xff" + bytes(map(int, text.split(".")))

    def search(self, *names, address="", port=4711, sequence=7, protocols=(b"tcp",)):
        body = self.pack("IB3x", sequence, 0) + self.address(address)
        body += self.pack("H", port) + bytes([len(protocols)])
        body += b"".join(map(self.text, protocols)) + self.pack("H", len(names))
        for number, name in enumerate(names):
            body += self.pack("I", number) + self.text(name)
        return self.message(3, body)

    def answer(self, *cids, address="", port=5075, found=1, protocol=b"tcp"):
        body = GUID + self.pack("I", 7) + self.address(address) + self.pack("H", port)
        body += self.text(protocol) + bytes([found]) + self.pack("H", len(cids))
        return self.message(4, body + b"".join(self.pack("I", cid) for cid in cids))

    def beacon(self, number, address="", port=5075, guid=GUID):
        body = guid + self.pack("BBH", 0, number, 0) + self.address(address)
        return self.message(
            0, body + self.pack("H", port) + self.text(b"tcp") + b"\xff"
        )


@pytest.fixture(params=["<", ">"], ids=["little", "big"])
def form(request):
    return Form(request.param)


def names(data, source=CLIENT):
    return [(s.name, s.client) for s in own.searches(data, source, True, OURS)]


def test_searches(form):
    long = b"N" * 200
    assert names(form.search(b"A", b"B:C", long)) == [
        *((b"A", CLIENT), (b"B:C", CLIENT), (long, CLIENT)),
    ]
    assert names(form.search(b"A", protocols=(b"tcp", b"tls"))) == [(b"A", CLIENT)]
    assert names(form.search()) == []  # asks which servers there are
    two = form.search(b"A") + form.search(b"B")
    assert [name for name, _ in names(two)] == [b"A", b"B"]


def test_a_search_of_another_address(form):
    """It counts on loopback only, where searches are passed on."""
    data = form.search(b"A", address="10.9.9.9", port=99)
    assert names(data) == [(b"A", (CLIENT[0], 99))]
    assert names(data, ("127.0.0.1", 1)) == [(b"A", ("10.9.9.9", 99))]


def test_what_stands_ahead_of_a_search(form):
    origin = form.message(22, form.address("10.0.0.1"))
    control = form.message(2, b"", flags=0x01, size=0xFFFFFFFF)
    assert names(origin + control + form.search(b"A")) == [(b"A", CLIENT)]


def test_our_own_questions(form):
    (frame,) = own.questions([(1, b"A"), (2, b"B")], OURS, 99)
    assert names(frame) == []
    found = own.searches(frame, CLIENT, True, 1)
    assert [(s.name, s.client) for s in found] == [
        (b"A", (CLIENT[0], 99)),
        (b"B", (CLIENT[0], 99)),
    ]


def test_many_questions():
    asked = [(n, b"NAME:%d" % n) for n in range(1000)]
    frames = list(own.questions(asked, OURS, 99))
    assert len(frames) > 5
    assert max(map(len, frames)) < 1472
    found = [s.name for f in frames for s in own.searches(f, CLIENT, True, 1)]
    assert found == [name for _, name in asked]


def test_answers(form):
    data = form.answer(7, 9) + form.answer(8, address="10.0.0.1", port=5080)
    assert own.hits(data, ("10.9.9.9", 5076)) == [
        Hit(7, ("10.9.9.9", 5075), GUID),
        Hit(9, ("10.9.9.9", 5075), GUID),
        Hit(8, ("10.0.0.1", 5080), GUID),
    ]
    assert own.hits(form.answer(7, found=0), CLIENT) == []
    assert own.hits(form.answer(7, port=0), CLIENT) == []
    assert own.hits(form.answer(7, protocol=b"xyz"), CLIENT) == []


def test_beacons(form):
    data = form.beacon(3) + form.beacon(4, "10.0.0.1", 5080)
    assert own.beacons(data, ("10.9.9.9", 1)) == [
        Beacon(("10.9.9.9", 5075), 3, GUID),
        Beacon(("10.0.0.1", 5080), 4, GUID),
    ]


def test_each_length(form):
    """What is there of a datagram that was cut, and no more."""
    whole = form.search(b"FIRST", b"SECOND")
    for size in range(len(whole)):
        found = [name for name, _ in names(whole[:size])]
        assert found == []  # its size says that there is more
        short = whole[:4] + form.pack("I", max(size - 8, 0)) + whole[8:size]
        found = [name for name, _ in names(short)]
        assert found in ([], [b"FIRST"])
    for whole in form.answer(1, 2), form.beacon(1):
        for size in range(len(whole)):
            assert own.hits(whole[:size], CLIENT) == []
            assert own.beacons(whole[:size], CLIENT) == []


def test_any_bytes(form):
    draw = random.Random(5)
    right = [form.search(b"A:B", b"C"), form.answer(1, 2), form.beacon(1)]
    for _ in range(10_000):
        data = bytearray(draw.choice(right))
        for _ in range(draw.randrange(1, 6)):
            data[draw.randrange(len(data))] = draw.choice((0, 1, 0x7F, 0xFE, 0xFF))
        data = bytes(data[: draw.randrange(len(data) + 1)]) + draw.randbytes(3)
        for name, (_, port) in names(data):
            assert name in data
            assert 0 <= port < 65536
        for found in (*own.hits(data, CLIENT), *own.beacons(data, CLIENT)):
            assert 0 < found.server[1] < 65536
