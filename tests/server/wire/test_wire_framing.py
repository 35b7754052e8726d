"""Headers and the stream: forms, splits, padding (1.1, rows 16 to 18 and 22 of 9)."""

import struct

import pytest

from support import dbr, wire
from support.wire import (
    CREATE_CHAN,
    ECA_NORMAL,
    ECHO,
    READ_NOTIFY,
    VERSION,
    Message,
    pack,
)


def conversation(target) -> bytes:
    """A client's first messages, as one piece of stream."""
    return (
        wire.version()
        + pack(wire.CLIENT_NAME, wire.text("me"))
        + pack(wire.HOST_NAME, wire.text("here"))
        + wire.create_request(target.pv("DOUBLE"), 1)
        + pack(ECHO, b"x" * 24, p2=2)
    )


def check_conversation(circuit):
    """The answers to `conversation`."""
    circuit.expect(VERSION)
    channel = circuit.created(1)
    assert channel.type == dbr.DOUBLE
    circuit.expect(ECHO, p2=2)


def test_one_piece(target):
    with target.circuit(greet=False) as circuit:
        circuit.send(conversation(target))
        check_conversation(circuit)


def test_byte_by_byte(target):
    with target.circuit(greet=False) as circuit:
        circuit.send(conversation(target), bytewise=True)
        check_conversation(circuit)


def test_split_at_every_offset(target):
    """The echo ahead of each first part proves that the server has read it alone."""
    data = conversation(target)
    for offset in range(1, len(data)):
        with target.circuit(greet=False) as circuit:
            circuit.send(wire.version() + pack(ECHO) + data[:offset])
            circuit.expect(VERSION)
            circuit.expect(ECHO)
            circuit.send(data[offset:])
            channel = circuit.created(1)
            assert channel.type == dbr.DOUBLE
            circuit.expect(ECHO, p2=2)


def test_extended_write_split_at_every_offset(target, circuit):
    channel = circuit.create(target.pv("TARGET2"))
    for number in range(1, 33):
        request = pack(
            wire.WRITE_NOTIFY,
            struct.pack(">i", number),
            type=dbr.LONG,
            count=1,
            p1=channel.sid,
            p2=number,
            extended=True,
        )
        circuit.send(pack(ECHO) + request[: number % len(request)])
        circuit.expect(ECHO)
        circuit.send(request[number % len(request) :])
        circuit.expect(wire.WRITE_NOTIFY, p1=ECA_NORMAL, p2=number)
        assert target.decode(circuit.get(channel, dbr.LONG)).scalar == number


def test_a_thousand_messages_in_one_piece(target, circuit):
    channel = circuit.create(target.pv("LONG"))
    circuit.send(
        b"".join(
            pack(READ_NOTIFY, type=dbr.LONG, count=1, p1=channel.sid, p2=ioid)
            for ioid in range(1000)
        )
    )
    for ioid in range(1000):
        circuit.expect(READ_NOTIFY, p1=ECA_NORMAL, p2=ioid)


def test_small_payload_in_an_extended_header(circuit):
    circuit.send(pack(ECHO, b"12345678", p1=1, extended=True))
    reply = circuit.receive()
    assert (reply.command, reply.p1, reply.payload) == (ECHO, 1, b"12345678")


def test_no_payload_in_an_extended_header(target, circuit):
    channel = circuit.create(target.pv("LONG"))
    circuit.send(
        pack(READ_NOTIFY, type=dbr.LONG, count=1, p1=channel.sid, p2=3, extended=True)
    )
    circuit.expect(READ_NOTIFY, p1=ECA_NORMAL, p2=3, count=1)


def test_extended_header_cut_after_16_bytes_waits(circuit):
    request = pack(ECHO, b"12345678", p1=1, extended=True)
    circuit.send(pack(ECHO) + request[:16])
    circuit.expect(ECHO)
    circuit.send(request[16:])
    circuit.expect(ECHO, p1=1)


def test_plain_header_carries_65528_bytes(target, circuit):
    channel = circuit.create(target.pv("BIG"))
    count = 65528 // 4
    data = struct.pack(f">{count}i", *range(count))
    circuit.send(
        pack(
            wire.WRITE_NOTIFY,
            data,
            type=dbr.LONG,
            count=count,
            p1=channel.sid,
            p2=1,
            extended=False,
        )
    )
    circuit.expect(wire.WRITE_NOTIFY, p1=ECA_NORMAL, p2=1)
    reply = circuit.get(channel, dbr.LONG, count)
    assert (reply.payload, reply.extended) == (data, False)


@pytest.mark.parametrize(
    ("count", "extended"), [(16382, False), (16383, True), (16384, True)]
)
def test_the_sender_rule_for_extended_headers(target, circuit, count, extended):
    channel = circuit.create(target.pv("BIG"))
    reply = circuit.get(channel, dbr.LONG, count)
    assert (reply.extended, reply.count) == (extended, count)
    assert len(reply.payload) == 4 * count + -4 * count % 8


def test_a_large_array_both_ways(target, circuit):
    channel = circuit.create(target.pv("BIG"))
    data = struct.pack(">100000i", *range(-50_000, 50_000))
    assert circuit.put(channel, dbr.LONG, data, 100_000).p1 == ECA_NORMAL
    reply = circuit.get(channel, dbr.LONG, 100_000)
    assert (reply.p1, reply.count, reply.payload) == (ECA_NORMAL, 100_000, data)
    subid, update = circuit.subscribe(channel, dbr.LONG, 0)
    assert (update.count, update.payload) == (100_000, data)
    circuit.cancel(channel, subid, dbr.LONG)


def test_client_below_minor_9_gets_no_extended_header(target):
    with target.circuit(minor=8) as circuit:
        cid = circuit.new_id()
        circuit.send(wire.create_request(target.pv("BIG"), cid, minor=8))
        channel = circuit.created(cid)
        assert channel.count == 0xFFFE
        circuit.send(
            pack(READ_NOTIFY, type=dbr.LONG, count=50_000, p1=channel.sid, p2=4)
        )
        reply = circuit.receive()
        if reply.command == READ_NOTIFY:
            assert (reply.p1, reply.p2) == (wire.ECA_16KARRAYCLIENT, 4)
        else:
            assert (reply.command, reply.p2) == (wire.ERROR, wire.ECA_16KARRAYCLIENT)
        assert not reply.extended


def test_extended_header_from_a_client_below_minor_9_closes(ours):
    with ours.circuit(minor=8) as circuit:
        circuit.send(pack(ECHO, b"12345678", extended=True))
        circuit.expect_close()


def test_unused_bytes_are_zero_after_longer_ones(ours):
    """Every family and base of a short value, after a full-length string went out."""
    with ours.circuit() as circuit:
        text = circuit.create(ours.pv("STRING"))
        circuit.put(text, dbr.STRING, b"y" * 39 + b"\0")
        channels = [circuit.create(ours.pv(n)) for n in ("DOUBLE", "CHAR", "ENUM")]
        for channel in channels:
            for code in range(35):
                circuit.get(text, dbr.STRING)
                ours.decode(circuit.get(channel, code))
        assert circuit.put(text, dbr.STRING, b"hello\0\0\0").p1 == ECA_NORMAL
        assert ours.decode(circuit.get(text, dbr.STRING)).scalar == b"hello"


@pytest.mark.parametrize("count", [0, 1])
def test_a_size_field_without_payload_keeps_the_stream(circuit, count):
    circuit.send(pack(ECHO, count=count) * 2)
    assert [circuit.receive() for _ in range(2)] == [Message(ECHO, count=count)] * 2


def test_create_chan_name_is_padded_or_not(target, circuit):
    """Names whose NUL is the last byte of the payload, and with eight more zeros."""
    name = target.pv("DOUBLE").encode()
    for spare in (1, 8, 16):
        payload = wire.pad(name + bytes(spare))
        circuit.send(pack(CREATE_CHAN, payload, p1=spare, p2=13))
        assert circuit.created(spare).type == dbr.DOUBLE
