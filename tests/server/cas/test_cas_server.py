"""The low-level layer by bytes: puts, asynchronous writes, misuse, access security."""

from __future__ import annotations

import struct

import pytest

from support import dbr
from support.lowlevel import LowLevelTarget
from support.ports import udp_socket
from support.wire import (
    ACCESS_RIGHTS,
    CREATE_CH_FAIL,
    ECA_GETFAIL,
    ECA_NORMAL,
    ECA_NOWTACCESS,
    ECA_PUTFAIL,
    ERROR,
    SEARCH,
    WRITE_NOTIFY,
    create_request,
    pack,
    search_request,
    udp_search,
    version,
)

UDF, INVALID = 17, 3


def real(value):
    return struct.pack(">d", value)


def integer(value):
    return struct.pack(">i", value)


def test_a_put_reaches_write_with_user_and_host(target):
    with target.circuit(user="mary", host="desk") as circuit:
        channel = circuit.create(target.pv("ARRAY"))
        data = struct.pack(">3i", 4, 5, 6)
        assert circuit.put(channel, dbr.LONG, data, 3).p1 == ECA_NORMAL
        assert circuit.get(channel, dbr.LONG, 0).payload[:12] == data
    assert target.child.ask(do="log", name="ARRAY")[-1] == ["mary", "desk", [4, 5, 6]]


def test_text_of_characters(target, circuit):
    channel = circuit.create(target.pv("LONGTEXT"))
    text = b"some other text\0"
    assert circuit.put(channel, dbr.CHAR, text, len(text)).p1 == ECA_NORMAL
    assert target.child.ask(do="log", name="LONGTEXT")[-1][2] == "some other text"
    assert circuit.get(channel, dbr.CHAR, 0).payload.rstrip(b"\0") == text[:-1]


def test_a_label_is_put_as_its_number(target, circuit):
    channel = circuit.create(target.pv("ENUM"))
    assert circuit.put(channel, dbr.STRING, b"On").p1 == ECA_NORMAL
    assert target.child.ask(do="log", name="ENUM")[-1][2] == 1


def test_a_bare_pv_is_a_string_of_four_decimals(target, circuit):
    channel = circuit.create(target.pv("BARE"))
    assert (channel.type, channel.count) == (dbr.STRING, 1)
    assert circuit.get(channel, dbr.STRING).payload.rstrip(b"\0") == b"7.0000"
    assert circuit.put(channel, dbr.STRING, b"x").p1 == ECA_PUTFAIL


def test_a_refused_put(target, circuit):
    channel = circuit.create(target.pv("REFUSES"))
    assert circuit.put(channel, dbr.DOUBLE, real(1)).p1 == ECA_PUTFAIL
    circuit.write(channel, dbr.DOUBLE, real(1), p2=channel.cid)
    refused = [m for m in circuit.drain() if m.command == ERROR]
    if not refused:  # the answer comes from the thread that processes
        refused = [circuit.expect(ERROR)]
    assert refused[0].p2 == ECA_PUTFAIL


def start_put(circuit, channel, value):
    ioid = circuit.new_id()
    circuit.send(
        pack(
            WRITE_NOTIFY,
            integer(value),
            type=dbr.LONG,
            count=1,
            p1=channel.sid,
            p2=ioid,
        )
    )
    return ioid


@pytest.mark.parametrize(("good", "status"), [(True, ECA_NORMAL), (False, ECA_PUTFAIL)])
def test_an_asynchronous_write_ends_when_the_program_says_so(
    target, circuit, good, status
):
    channel = circuit.create(target.pv("ASYNC"))
    ioid = start_put(circuit, channel, 5)
    circuit.get(channel, dbr.LONG)  # it is answered meanwhile, behind the write
    assert target.child.ask(do="busy", name="ASYNC")
    target.child.ask(do="end", name="ASYNC", good=good)
    circuit.expect(WRITE_NOTIFY, p2=ioid, p1=status)
    assert not target.child.ask(do="busy", name="ASYNC")


def test_a_postponed_put_comes_again(target, circuit):
    channel = circuit.create(target.pv("ASYNC"))
    first = start_put(circuit, channel, 1)
    second = start_put(circuit, channel, 2)
    third = start_put(circuit, channel, 3)
    circuit.drain()
    while target.child.ask(do="log", name="ASYNC")[-1] != 3:
        pass
    for ioid in (first, second, third):
        while not target.child.ask(do="busy", name="ASYNC"):
            pass
        target.child.ask(do="end", name="ASYNC")
        circuit.expect(WRITE_NOTIFY, p2=ioid, p1=ECA_NORMAL)
    assert circuit.get(channel, dbr.LONG).payload[:4] == integer(3)


def test_an_asynchronous_write_that_ends_at_once(target, circuit):
    channel = circuit.create(target.pv("ATONCE"))
    for value in (1.0, 2.0):
        assert circuit.put(channel, dbr.DOUBLE, real(value)).p1 == ECA_NORMAL
    assert not target.child.ask(do="busy", name="ATONCE")


@pytest.mark.parametrize(
    ("number", "status"),
    [
        (1, ECA_PUTFAIL),
        (2, ECA_PUTFAIL),
        (3, ECA_PUTFAIL),
        (4, ECA_PUTFAIL),
        (5, ECA_PUTFAIL),
        (6, ECA_PUTFAIL),
        (7, ECA_NORMAL),
        (8, ECA_NORMAL),
    ],
)
def test_misuse_in_write_fails_this_put_and_nothing_else(
    target, circuit, number, status
):
    channel = circuit.create(target.pv("WRONG"))
    assert circuit.put(channel, dbr.DOUBLE, real(number)).p1 == status
    assert not target.child.ask(do="busy", name="WRONG")
    other = circuit.create(target.pv("ARRAY"))
    assert circuit.get(other, dbr.LONG, 0).p1 == ECA_NORMAL


@pytest.mark.parametrize("name", ["WRONG", "NONUMBER"])
def test_misuse_in_get_value_fails_this_get(target, circuit, name):
    channel = circuit.create(target.pv(name))
    assert circuit.get(channel, dbr.DOUBLE).p1 == ECA_GETFAIL
    _, update = circuit.subscribe(channel, dbr.STS + dbr.DOUBLE)
    status, severity = struct.unpack_from(">HH", update.payload)
    assert (update.p1, status, severity) == (ECA_NORMAL, UDF, INVALID)


@pytest.mark.parametrize("name", ["BADTYPE", "BADBOUND", "RAISES", "WEIRD", "NOBODY"])
def test_what_cannot_be_attached_is_refused(target, circuit, name):
    cid = circuit.new_id()
    circuit.send(create_request(target.pv(name), cid))
    circuit.expect(CREATE_CH_FAIL, p1=cid)


def test_the_first_and_last_subscription_are_told(target, circuit):
    channel = circuit.create(target.pv("FLOATS"))
    before = len(target.child.ask(do="interest", name="FLOATS"))
    one, _ = circuit.subscribe(channel, dbr.FLOAT, 2)
    two, _ = circuit.subscribe(channel, dbr.FLOAT, 2)
    circuit.cancel(channel, one, dbr.FLOAT, 2)
    told = target.child.ask(do="interest", name="FLOATS")[before:]
    assert told == ["register"]
    circuit.cancel(channel, two, dbr.FLOAT, 2)
    while len(told) < 2:
        told = target.child.ask(do="interest", name="FLOATS")[before:]
    assert told == ["register", "delete"]


def test_pvs_made_on_demand_live_as_long_as_their_channels(target):
    with target.circuit() as circuit:
        kept = circuit.create(target.pv("NEW:kept"))
        for number in range(100):
            channel = circuit.create(target.pv(f"NEW:{number}"))
            assert circuit.get(channel, dbr.STRING).payload[:5] == b"hello"
        assert circuit.put(kept, dbr.STRING, b"mine").p1 == ECA_NORMAL
        assert circuit.get(kept, dbr.STRING).payload[:5] == b"mine\0"


def test_searches_are_answered_by_the_program(target):
    names = [target.pv(name) for name in ("NUMBER", "NEW:x", "nobody")]
    datagram = version() + b"".join(
        search_request(name, cid) for cid, name in enumerate(names)
    )
    found = set()
    with udp_socket() as sock:
        while len(found) < 2:
            for frame in udp_search(sock, target.udp, datagram):
                found |= {m.p2 for m in frame if m.command == SEARCH}
    assert found == {0, 1}


def rights_of(target, name):
    """What a new client is granted."""
    with target.circuit() as circuit:
        return circuit.create(target.pv(name)).rights


def test_access_security_of_low_level_pvs(tmp_path):
    rules = tmp_path / "rules.acf"
    rules.write_text(
        "ASG(DEFAULT) { RULE(1, WRITE) }\n"
        "ASG(guarded) { INPA($(P)NUMBER) RULE(1, READ)\n"
        ' RULE(1, WRITE) { CALC("A<5") } }'
    )
    with LowLevelTarget(str(rules)) as target, target.circuit() as circuit:
        with target.circuit() as other:
            number = other.create(target.pv("NUMBER"))
            assert other.put(number, dbr.DOUBLE, real(1)).p1 == ECA_NORMAL
        while rights_of(target, "GUARDED") != 3:
            pass  # until the input of the rules is connected
        guarded = circuit.create(target.pv("GUARDED"))
        assert guarded.rights == 3
        with target.circuit() as other:
            number = other.create(target.pv("NUMBER"))
            assert other.put(number, dbr.DOUBLE, real(9)).p1 == ECA_NORMAL
            circuit.expect(ACCESS_RIGHTS, p1=guarded.cid, p2=1)
            status = circuit.put(guarded, dbr.LONG, integer(1)).p1
            assert status == ECA_NOWTACCESS
            target.child.ask(do="group", name="GUARDED", group="")
            circuit.expect(ACCESS_RIGHTS, p1=guarded.cid, p2=3)
            assert circuit.put(guarded, dbr.LONG, integer(1)).p1 == ECA_NORMAL
