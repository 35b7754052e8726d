"""Order of requests, put callbacks, busy targets and refused writes (6)."""

import struct
import threading

import pytest

from support import dbr, wire
from support.targets import OURS
from support.wire import (
    ECA_NORMAL,
    ECA_PUTCBINPROG,
    ECA_PUTFAIL,
    ERROR,
    EVENT_ADD,
    READ_NOTIFY,
    WRITE,
    WRITE_NOTIFY,
    pack,
)


def request(command, channel, number, ioid):
    """A write of one double."""
    return pack(
        command,
        struct.pack(">d", number),
        type=dbr.DOUBLE,
        count=1,
        p1=channel.sid,
        p2=ioid,
    )


def read(channel, ioid):
    """A READ_NOTIFY of one double."""
    return pack(READ_NOTIFY, type=dbr.DOUBLE, count=1, p1=channel.sid, p2=ioid)


def test_put_then_get_on_one_circuit_sees_the_new_value(target, circuit):
    channel = circuit.create(target.pv("TARGET"))
    circuit.send(
        b"".join(
            request(WRITE, channel, float(n), n) + read(channel, n) for n in range(100)
        )
    )
    for number in range(100):
        reply = circuit.expect(READ_NOTIFY, p2=number)
        assert target.decode(reply).scalar == float(number)


def test_put_callback_then_get_on_one_circuit(target, circuit):
    channel = circuit.create(target.pv("TARGET"))
    for number in range(20):
        circuit.send(
            request(WRITE_NOTIFY, channel, number + 0.5, number)
            + read(channel, 1000 + number)
        )
        replies = {m.command: m for m in (circuit.receive() for _ in range(2))}
        assert replies[WRITE_NOTIFY].p1 == ECA_NORMAL
        assert target.decode(replies[READ_NOTIFY]).scalar == number + 0.5


def test_pipelined_put_callbacks_each_get_one_answer(target, circuit):
    channels = [circuit.create(target.pv("TARGET")) for _ in range(50)]
    circuit.send(
        b"".join(request(WRITE_NOTIFY, c, 1.0 * c.cid, c.cid) for c in channels)
    )
    answered = [circuit.expect(WRITE_NOTIFY, p1=ECA_NORMAL).p2 for _ in channels]
    assert sorted(answered) == [c.cid for c in channels]
    assert circuit.drain() == []
    last = target.decode(circuit.get(channels[0], dbr.DOUBLE)).scalar
    assert last == 1.0 * channels[-1].cid


def test_a_hundred_put_callbacks_on_one_channel(target, circuit):
    channel = circuit.create(target.pv("TARGET"))
    circuit.send(
        b"".join(request(WRITE_NOTIFY, channel, float(n), n) for n in range(100))
    )
    answered = [circuit.expect(WRITE_NOTIFY, p1=ECA_NORMAL).p2 for _ in range(100)]
    assert answered == [*range(100)]
    assert target.decode(circuit.get(channel, dbr.DOUBLE)).scalar == 99.0


def test_a_put_callback_waits_for_its_completion(target, circuit):
    """The answer follows the update, which is posted when the write is accepted."""
    channel = circuit.create(target.pv("SLOW"))
    with target.circuit() as other:
        watched = other.create(target.pv("SLOW"))
        other.put(watched, dbr.DOUBLE, struct.pack(">d", -1.0))
        subid, _first = other.subscribe(watched, dbr.DOUBLE)
        circuit.send(request(WRITE_NOTIFY, channel, 3.0, 5))
        other.expect(EVENT_ADD, p2=subid)
        assert circuit.drain() == []
    circuit.expect(WRITE_NOTIFY, p1=ECA_NORMAL, p2=5)


def test_a_plain_put_to_a_slow_pv_is_not_answered(target, circuit):
    channel = circuit.create(target.pv("SLOW2"))
    circuit.send(request(WRITE, channel, 4.0, 0) + read(channel, 1))
    assert target.decode(circuit.expect(READ_NOTIFY, p2=1)).scalar == 4.0


def test_other_requests_go_on_while_a_put_callback_is_pending(target, circuit):
    slow = circuit.create(target.pv("SLOW"))
    fast = circuit.create(target.pv("LONG"))
    circuit.send(request(WRITE_NOTIFY, slow, 6.0, 1))
    for ioid in range(2, 12):
        circuit.send(read(fast, ioid))
        circuit.expect(READ_NOTIFY, p2=ioid)
    circuit.expect(WRITE_NOTIFY, p1=ECA_NORMAL, p2=1)


def test_a_busy_target_of_another_channel_is_queued(target, circuit):
    channels = [circuit.create(target.pv("SLOW")) for _ in range(3)]
    circuit.send(
        b"".join(request(WRITE_NOTIFY, c, float(n), n) for n, c in enumerate(channels))
    )
    answered = [circuit.expect(WRITE_NOTIFY) for _ in channels]
    assert {m.p1 for m in answered} == {ECA_NORMAL}
    assert sorted(m.p2 for m in answered) == [0, 1, 2]


def test_a_busy_target_of_the_same_channel_is_queued(target, circuit):
    channel = circuit.create(target.pv("SLOW"))
    other = circuit.create(target.pv("LONG"))
    circuit.send(
        request(WRITE_NOTIFY, channel, 1.0, 1)
        + request(WRITE_NOTIFY, channel, 2.0, 2)
        + read(other, 3)
    )
    order = [circuit.receive() for _ in range(3)]
    assert all(m.p1 == ECA_NORMAL for m in order)
    # The reference's circuit stands still until the first completes.
    first = target.choose(ours=3, reference=1)
    assert order[0].p2 == first
    assert target.decode(circuit.get(channel, dbr.DOUBLE)).scalar == 2.0


def test_closing_with_a_pending_put_callback_harms_nobody(target, bystander):
    for _ in range(5):
        with target.circuit() as circuit:
            channel = circuit.create(target.pv("SLOW"))
            circuit.send(request(WRITE_NOTIFY, channel, 8.0, 1))
    bystander.check()
    with target.circuit() as circuit:
        channel = circuit.create(target.pv("SLOW"))
        assert circuit.put(channel, dbr.DOUBLE, bytes(8)).p1 == ECA_NORMAL


def test_clearing_with_a_pending_put_callback_gives_no_late_answer(target, circuit):
    channel = circuit.create(target.pv("SLOW"))
    circuit.send(
        request(WRITE_NOTIFY, channel, 9.0, 1)
        + pack(wire.CLEAR_CHANNEL, p1=channel.sid, p2=channel.cid)
    )
    answer = circuit.receive()
    if target.name != OURS and answer.command == WRITE_NOTIFY:
        answer = circuit.receive()  # rsrv may tell before that it has given it up
    assert (answer.command, answer.p1) == (wire.CLEAR_CHANNEL, channel.sid)
    # A later put of the same PV is answered after the first has completed.
    again = circuit.create(target.pv("SLOW"))
    circuit.send(request(WRITE_NOTIFY, again, 10.0, 2))
    circuit.expect(WRITE_NOTIFY, p1=ECA_NORMAL, p2=2)
    assert circuit.drain() == []


def test_a_refused_put_callback_fails(target, circuit):
    channel = circuit.create(target.pv("REFUSES"))
    reply = circuit.put(channel, dbr.DOUBLE, struct.pack(">d", 5.0))
    assert (reply.p1, reply.type, reply.count) == (ECA_PUTFAIL, dbr.DOUBLE, 1)
    assert circuit.drain() == []
    value = target.decode(circuit.get(channel, dbr.STS + dbr.DOUBLE))
    assert value.scalar == 1.0
    alarm = target.choose(ours=(2, 3), reference=(0, 0))
    assert (value.status, value.severity) == alarm


def test_a_refused_plain_put_gives_an_error(target, circuit):
    channel = circuit.create(target.pv("REFUSES"))
    sent = request(WRITE, channel, 5.0, channel.cid)
    circuit.send(sent)
    error = circuit.expect(ERROR, p1=channel.cid, p2=ECA_PUTFAIL)
    assert error.payload.startswith(sent[:16])
    assert target.decode(circuit.get(channel, dbr.DOUBLE)).scalar == 1.0


def test_extra_bytes_behind_the_elements_are_ignored(target, circuit):
    channel = circuit.create(target.pv("TARGET"))
    data = struct.pack(">4d", 1.5, 9.0, 9.0, 9.0)
    assert circuit.put(channel, dbr.DOUBLE, data, 1).p1 == ECA_NORMAL
    assert target.decode(circuit.get(channel, dbr.DOUBLE)).scalar == 1.5


def test_two_circuits_write_one_pv(target):
    """Every put is carried out; the last update equals the last value."""
    failures = []

    def write_all(first):
        try:
            with target.circuit() as circuit:
                channel = circuit.create(target.pv("TARGET"))
                for number in range(first, first + 100):
                    data = struct.pack(">d", float(number))
                    assert circuit.put(channel, dbr.DOUBLE, data).p1 == ECA_NORMAL
        except AssertionError as error:
            failures.append(error)

    with target.circuit() as watcher:
        channel = watcher.create(target.pv("TARGET"))
        subid, _first = watcher.subscribe(channel, dbr.DOUBLE)
        threads = [threading.Thread(target=write_all, args=(n,)) for n in (1000, 2000)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures
        final = None
        watcher.send(read(channel, 1))
        last = None
        while final is None or last != final:
            message = watcher.receive()
            value = target.decode(message).scalar
            if message.command == READ_NOTIFY:
                final = value
            else:
                assert message.p2 == subid
                last = value


def test_put_in_progress_is_never_reported_early(target, circuit):
    channel = circuit.create(target.pv("SLOW"))
    circuit.send(
        b"".join(request(WRITE_NOTIFY, channel, float(n), n) for n in range(4))
    )
    for number in range(4):
        reply = circuit.expect(WRITE_NOTIFY, p2=number)
        assert reply.p1 != ECA_PUTCBINPROG


@pytest.mark.parametrize("length", [1, 5, 10])
def test_a_shorter_array_sets_the_length(target, circuit, length):
    channel = circuit.create(target.pv("W:SHORT"))
    data = dbr.encode(dbr.SHORT, *range(length))
    assert circuit.put(channel, dbr.SHORT, data, length).p1 == ECA_NORMAL
    reply = circuit.get(channel, dbr.SHORT, 0)
    assert target.decode(reply).elements == [*range(length)]
