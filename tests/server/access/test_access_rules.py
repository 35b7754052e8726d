"""Who may do what: the same file and the same clients, on ours and on the reference."""

from __future__ import annotations

import struct

import pytest

from support import dbr
from support.access import ALL, NONE, READ, SEVEN, with_rights
from support.targets import OURS
from support.wire import (
    ACCESS_RIGHTS,
    ECA_NORDACCESS,
    ECA_NORMAL,
    ECA_NOWTACCESS,
    ERROR,
    EVENT_ADD,
)

# Rights of (user, host) on the PVs whose group asks for either.
CLIENTS = {
    ("olga", "console"): {
        "OPERATORS": ALL,
        "CONSOLE": ALL,
        "BOTH": ALL,
        "LEVELS": READ,
    },
    ("olga", "DESK7"): {"OPERATORS": ALL, "CONSOLE": ALL, "BOTH": ALL, "LEVELS": READ},
    ("olga", "desk"): {"OPERATORS": ALL, "CONSOLE": READ, "BOTH": READ, "LEVELS": READ},
    ("emma", "desk"): {"OPERATORS": ALL, "CONSOLE": READ, "BOTH": READ, "LEVELS": ALL},
    ("emma", "console"): {
        "OPERATORS": ALL,
        "CONSOLE": ALL,
        "BOTH": READ,
        "LEVELS": ALL,
    },
    ("Olga", "console"): {
        "OPERATORS": READ,
        "CONSOLE": ALL,
        "BOTH": READ,
        "LEVELS": READ,
    },
    ("", ""): {"OPERATORS": READ, "CONSOLE": READ, "BOTH": READ, "LEVELS": READ},
}
FOR_ALL = {"OPEN": ALL, "READONLY": READ, "CLOSED": NONE, "NOTHING": NONE, "LOST": READ}


@pytest.fixture
def level(target):
    """Sets LEVEL as a client does; puts it back to 1."""
    with target.circuit() as circuit:
        channel = circuit.create(target.pv("LEVEL"))

        def put(value: float) -> None:
            reply = circuit.put(channel, dbr.DOUBLE, struct.pack(">d", value))
            assert reply.p1 == ECA_NORMAL

        yield put
        put(1)


@pytest.mark.parametrize(("user", "host"), CLIENTS)
def test_rights_by_user_host_and_level(target, user, host):
    expected = {**FOR_ALL, **CLIENTS[user, host]}
    if target.name == OURS and expected["LEVELS"] == READ:
        # A record's VAL is of level 0, a channel of pcaspy's of level 1.
        expected["LEVELS"] = NONE
    with target.circuit(user=user, host=host) as circuit:
        got = {name: circuit.create(target.pv(name)).rights for name in expected}
    assert got == expected


@pytest.mark.parametrize("name", ["OPEN", "READONLY", "CLOSED"])
def test_what_is_refused_and_how(target, name):
    may = FOR_ALL[name]
    read = ECA_NORMAL if may & 1 else ECA_NORDACCESS
    write = ECA_NORMAL if may & 2 else ECA_NOWTACCESS
    with target.circuit() as circuit:
        channel = circuit.create(target.pv(name))
        before = circuit.get(channel, dbr.LONG)
        assert before.p1 == read
        _, update = circuit.subscribe(channel, dbr.LONG)
        assert update.p1 == read
        if not may & 1:
            assert update.payload[:4] == bytes(4)
        if not may & 2:
            assert circuit.put(channel, dbr.LONG, SEVEN).p1 == write
            circuit.write(channel, dbr.LONG, SEVEN, p2=channel.cid)
            refused = [m for m in circuit.drain() if m.command == ERROR]
            assert [m.p2 for m in refused] == [write]
            assert circuit.get(channel, dbr.LONG).payload == before.payload


def test_an_input_takes_and_gives_back_the_right_to_write(target, level):
    with target.circuit() as circuit:
        fill = circuit.create(target.pv("FILL"))
        with_rights(circuit, fill, ALL)
        assert circuit.put(fill, dbr.LONG, SEVEN).p1 == ECA_NORMAL
        level(5)
        circuit.expect(ACCESS_RIGHTS, p1=fill.cid, p2=READ)
        assert circuit.put(fill, dbr.LONG, SEVEN).p1 == ECA_NOWTACCESS
        assert circuit.get(fill, dbr.LONG).p1 == ECA_NORMAL
        level(4)
        circuit.expect(ACCESS_RIGHTS, p1=fill.cid, p2=ALL)
        assert circuit.put(fill, dbr.LONG, SEVEN).p1 == ECA_NORMAL


def test_a_subscription_is_told_that_the_right_to_read_goes_and_comes(target, level):
    with target.circuit() as circuit:
        hidden = circuit.create(target.pv("HIDDEN"))
        with_rights(circuit, hidden, ALL)
        subid, first = circuit.subscribe(hidden, dbr.LONG)
        assert first.p1 == ECA_NORMAL
        level(9)
        circuit.expect(ACCESS_RIGHTS, p1=hidden.cid, p2=NONE)
        lost = circuit.expect(EVENT_ADD, p2=subid)
        assert lost.p1 == ECA_NORDACCESS
        assert circuit.get(hidden, dbr.LONG).p1 == ECA_NORDACCESS
        level(2)
        circuit.expect(ACCESS_RIGHTS, p1=hidden.cid, p2=ALL)
        back = circuit.expect(EVENT_ADD, p2=subid)
        assert (back.p1, back.payload[:4]) == (ECA_NORMAL, first.payload[:4])


def test_a_second_input_of_the_same_rule(target):
    with target.circuit() as circuit:
        hidden = circuit.create(target.pv("HIDDEN"))
        with_rights(circuit, hidden, ALL)
        with target.circuit() as other:
            valve = other.create(target.pv("OPEN"))
            other.put(valve, dbr.LONG, struct.pack(">i", 1))
            circuit.expect(ACCESS_RIGHTS, p1=hidden.cid, p2=NONE)
            other.put(valve, dbr.LONG, struct.pack(">i", 0))
            circuit.expect(ACCESS_RIGHTS, p1=hidden.cid, p2=ALL)


def test_every_client_of_the_pv_is_told(target, level):
    with target.circuit() as first, target.circuit() as second:
        channels = [
            (circuit, circuit.create(target.pv("FILL")))
            for circuit in (first, second, first)
        ]
        for circuit, channel in channels:
            with_rights(circuit, channel, ALL)
        level(6)
        told = [circuit.expect(ACCESS_RIGHTS, p2=READ).p1 for circuit, _ in channels]
        assert sorted(told) == sorted(channel.cid for _, channel in channels)
