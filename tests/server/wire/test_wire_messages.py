"""Every message of the protocol on TCP: its fields in both directions (1.2 to 1.5)."""

import struct

import pytest

from support import dbr, wire
from support.wire import (
    CLEAR_CHANNEL,
    CLIENT_NAME,
    CREATE_CH_FAIL,
    ECA_BADTYPE,
    ECA_NORMAL,
    ECHO,
    ERROR,
    EVENT_ADD,
    EVENT_CANCEL,
    EVENTS_OFF,
    EVENTS_ON,
    HOST_NAME,
    NOT_FOUND,
    READ,
    READ_NOTIFY,
    READ_SYNC,
    SEARCH,
    VERSION,
    WRITE,
    WRITE_NOTIFY,
    Message,
    pack,
    text,
)


def test_version_comes_first_and_unasked(target):
    with target.circuit(greet=False) as circuit:
        assert circuit.receive() == Message(VERSION, count=13)


def test_version_and_names_are_not_answered(target):
    with target.circuit(greet=False) as circuit:
        circuit.expect(VERSION)
        circuit.send(
            wire.version()
            + pack(CLIENT_NAME, text("someone"))
            + pack(HOST_NAME, text("somewhere"))
        )
        assert circuit.drain() == []


def test_names_in_the_other_order_then_repeated(target):
    with target.circuit(greet=False) as circuit:
        names = [pack(HOST_NAME, text("b")), pack(CLIENT_NAME, text("a"))]
        circuit.send(wire.version() + b"".join(names * 2))
        circuit.expect(VERSION)
        assert circuit.drain() == []


def test_create_chan_gives_rights_then_type_and_count(target, circuit):
    circuit.send(wire.create_request(target.pv("DOUBLE"), cid=77))
    assert circuit.receive() == Message(wire.ACCESS_RIGHTS, p1=77, p2=3)
    reply = circuit.expect(wire.CREATE_CHAN, p1=77)
    assert (reply.type, reply.count, reply.payload) == (dbr.DOUBLE, 1, b"")


@pytest.mark.parametrize(
    ("name", "native", "count"),
    [
        ("STRING", dbr.STRING, 1),
        ("SHORT", dbr.SHORT, 1),
        ("ENUM", dbr.ENUM, 1),
        ("CHAR", dbr.CHAR, 1),
        ("LONG", dbr.LONG, 1),
        ("DOUBLE", dbr.DOUBLE, 1),
        ("W:STRING", dbr.STRING, 5),
        ("W:CHAR", dbr.CHAR, 50),
        ("EMPTY", dbr.DOUBLE, 10),
    ],
)
def test_native_type_and_count(target, circuit, name, native, count):
    channel = circuit.create(target.pv(name))
    assert (channel.type, channel.count) == (native, count)


def test_count_of_a_large_array_comes_in_an_extended_header(target, circuit):
    circuit.send(wire.create_request(target.pv("BIG"), cid=5))
    circuit.expect(wire.ACCESS_RIGHTS, p1=5)
    reply = circuit.expect(wire.CREATE_CHAN, p1=5)
    assert (reply.extended, reply.count, reply.payload) == (True, 100_000, b"")


def test_create_chan_of_an_unknown_name_fails(target, circuit):
    circuit.send(wire.create_request(target.pv("NOSUCH"), cid=9))
    assert circuit.receive() == Message(CREATE_CH_FAIL, p1=9)


def test_hundreds_of_create_chan_in_one_piece(target, circuit):
    names = {cid: ("DOUBLE", "LONG", "NOSUCH")[cid % 3] for cid in range(300)}
    circuit.send(
        b"".join(wire.create_request(target.pv(n), cid) for cid, n in names.items())
    )
    answered = {}
    while len(answered) < len(names):
        first = circuit.receive()
        if first.command == CREATE_CH_FAIL:
            answered[first.p1] = "NOSUCH"
            continue
        reply = circuit.expect(wire.CREATE_CHAN, p1=first.p1)
        assert first.command == wire.ACCESS_RIGHTS
        answered[first.p1] = "DOUBLE" if reply.type == dbr.DOUBLE else "LONG"
        names[reply.p2 + 1000] = answered[reply.p2 + 1000] = ""
    assert answered == names
    assert len(names) == 500


def test_read_notify_echoes_type_count_and_ioid(target, circuit):
    channel = circuit.create(target.pv("DOUBLE"))
    circuit.send(
        pack(READ_NOTIFY, type=dbr.DOUBLE, count=1, p1=channel.sid, p2=0xDEADBEEF)
    )
    assert circuit.receive() == Message(
        READ_NOTIFY,
        type=dbr.DOUBLE,
        count=1,
        p1=ECA_NORMAL,
        p2=0xDEADBEEF,
        payload=struct.pack(">d", 3.14159),
    )


def test_read_answers_with_the_cid(target, circuit):
    channel = circuit.create(target.pv("LONG"))
    circuit.send(pack(READ, type=dbr.LONG, count=1, p1=channel.sid, p2=31))
    reply = circuit.expect(READ, type=dbr.LONG, count=1, p1=channel.cid, p2=31)
    assert reply.payload[:4] == struct.pack(">i", 5)
    assert len(reply.payload) == 8


def test_read_sync_echoes_its_header(circuit):
    circuit.send(pack(READ_SYNC, type=3, count=4, p1=5, p2=6))
    assert circuit.receive() == Message(READ_SYNC, 3, 4, 5, 6)


def test_write_is_not_answered_and_takes_effect(target, circuit):
    channel = circuit.create(target.pv("TARGET"))
    circuit.write(channel, dbr.DOUBLE, struct.pack(">d", 1.25), p2=channel.cid)
    assert circuit.drain() == []
    assert target.decode(circuit.get(channel, dbr.DOUBLE)).scalar == 1.25


def test_write_notify_echoes_type_and_count(target, circuit):
    channel = circuit.create(target.pv("TARGET"))
    circuit.send(
        pack(
            WRITE_NOTIFY,
            struct.pack(">i", 4),
            type=dbr.LONG,
            count=1,
            p1=channel.sid,
            p2=88,
        )
    )
    assert circuit.receive() == Message(
        WRITE_NOTIFY, type=dbr.LONG, count=1, p1=ECA_NORMAL, p2=88
    )
    assert target.decode(circuit.get(channel, dbr.DOUBLE)).scalar == 4.0


def test_event_add_updates_at_once_and_then_on_change(target, circuit):
    channel = circuit.create(target.pv("TARGET"))
    circuit.put(channel, dbr.DOUBLE, struct.pack(">d", 10.0))
    circuit.send(wire.event_request(channel.sid, 0x12345678, dbr.DOUBLE))
    first = circuit.expect(EVENT_ADD, p2=0x12345678, p1=ECA_NORMAL)
    assert (first.type, first.count, len(first.payload)) == (dbr.DOUBLE, 1, 8)
    circuit.write(channel, dbr.DOUBLE, struct.pack(">d", 11.0))
    update = circuit.expect(EVENT_ADD, p2=0x12345678, p1=ECA_NORMAL)
    assert target.decode(update).scalar == 11.0


def test_event_cancel_is_confirmed_with_the_sid_and_nothing_follows(target, circuit):
    channel = circuit.create(target.pv("TARGET"))
    subid, _first = circuit.subscribe(channel, dbr.TIME + dbr.DOUBLE)
    request = {"type": dbr.TIME + dbr.DOUBLE, "count": 1, "p1": channel.sid}
    circuit.send(pack(EVENT_CANCEL, **request, p2=subid))
    assert circuit.receive() == Message(EVENT_ADD, **request, p2=subid)
    circuit.put(channel, dbr.DOUBLE, struct.pack(">d", 12.0))
    assert circuit.drain() == []


def test_event_cancel_with_a_count_cut_to_16_bits(target, circuit):
    channel = circuit.create(target.pv("BIG"))
    subid, _first = circuit.subscribe(channel, dbr.LONG, 100_000)
    cut = 100_000 & 0xFFFF
    circuit.send(pack(EVENT_CANCEL, type=dbr.LONG, count=cut, p1=channel.sid, p2=subid))
    confirmation = circuit.expect(EVENT_ADD, p1=channel.sid, p2=subid)
    assert confirmation.payload == b""


def test_events_off_and_on_are_not_answered(circuit):
    circuit.send(pack(EVENTS_OFF) + pack(EVENTS_ON))
    assert circuit.drain() == []


def test_clear_channel_is_echoed(target, circuit):
    channel = circuit.create(target.pv("DOUBLE"))
    circuit.send(pack(CLEAR_CHANNEL, p1=channel.sid, p2=channel.cid))
    assert circuit.receive() == Message(CLEAR_CHANNEL, p1=channel.sid, p2=channel.cid)


@pytest.mark.parametrize("payload", [b"", b"12345678", bytes(range(256)) * 16])
def test_echo_returns_everything(circuit, payload):
    circuit.send(pack(ECHO, payload, type=1, count=2, p1=3, p2=4))
    assert circuit.receive() == Message(ECHO, 1, 2, 3, 4, payload)


@pytest.mark.parametrize("reply", [wire.DONT_REPLY, wire.DO_REPLY])
def test_search_hit_on_tcp(target, circuit, reply):
    circuit.send(wire.search_request(target.pv("DOUBLE"), 21, reply))
    answer = circuit.receive()
    assert answer.header() == (0, target.tcp[1], 0, 0xFFFFFFFF, 21)
    assert answer.command == SEARCH


def test_search_miss_on_tcp(target, circuit):
    circuit.send(wire.search_request(target.pv("NOSUCH"), 21, wire.DONT_REPLY))
    assert circuit.drain() == []
    circuit.send(wire.search_request(target.pv("NOSUCH"), 22, wire.DO_REPLY))
    assert circuit.receive() == Message(NOT_FOUND, wire.DO_REPLY, 13, 22, 22)


@pytest.mark.parametrize("big", [False, True], ids=["16-byte header", "24-byte header"])
def test_error_message_embeds_the_request(target, circuit, big):
    # A bad type in READ: the reference closes after the same ERROR, ours goes on.
    channel = circuit.create(target.pv("BIG"))
    count = 100_000 if big else 7
    request = pack(READ, type=99, count=count, p1=channel.sid, p2=0xABCD)
    circuit.send(request)
    error = circuit.expect(ERROR, p2=ECA_BADTYPE, type=0, count=0)
    assert error.p1 in (channel.cid, 0xFFFFFFFF)
    assert error.payload.startswith(request)
    message = error.payload[len(request) :]
    assert b"\0" in message
    assert message.partition(b"\0")[0]
    assert len(error.payload) % 8 == 0
    assert len(error.payload) <= 512


def test_put_callback_ids_may_repeat(target, circuit):
    channel = circuit.create(target.pv("LONG"))
    read = pack(READ_NOTIFY, type=dbr.LONG, count=1, p1=channel.sid, p2=6)
    circuit.send(read * 3)
    for _ in range(3):
        circuit.expect(READ_NOTIFY, p1=ECA_NORMAL, p2=6)


def test_write_of_a_removed_circuit_is_carried_out(target):
    with target.circuit() as first:
        channel = first.create(target.pv("TARGET2"))
        first.send(
            pack(WRITE, struct.pack(">i", 901), type=dbr.LONG, count=1, p1=channel.sid)
        )
    with target.circuit() as second:
        channel = second.create(target.pv("TARGET2"))
        _subid, update = second.subscribe(channel, dbr.LONG)
        while target.decode(update).scalar != 901:
            update = second.expect(EVENT_ADD)
