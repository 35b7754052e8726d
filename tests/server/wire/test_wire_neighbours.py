"""Several servers at one port: a search sent to one address finds the names of all.

Another socket at the port plays a server of the host, too: it hears what the ones ask
their neighbours, and answers what the test wants.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
import sys
import time
from pathlib import Path

import pytest

from support import dbr
from support.environment import server_environment
from support.ports import LOOPBACK, free_port, udp_socket
from support.process import Child
from support.targets import OURS, REFERENCE, Target
from support.wire import (
    SEARCH,
    VERSION,
    Circuit,
    Message,
    pack,
    search_request,
    unpack_all,
    version,
)

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="a matter of Linux' loopback"
)
EVERYBODY = "127.255.255.255"
SECOND = "127.0.0.2"
HERE = 0xFFFFFFFF
RING = 256 * 32  # names that are kept in mind
SECONDS = 60.0
WILDCARD = {"EPICS_CAS_INTF_ADDR_LIST": None}
ASKED = str(Path(__file__).with_name("asked_side.py"))
QUIET = 0.0  # of a socket: what was sent on loopback has come


class Neighbour:
    """A server of this host as the others see it."""

    def __init__(self, port):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind((EVERYBODY, port))

    def heard(self, name):
        """The next datagram with that name: its messages, and where to answer."""
        deadline = time.monotonic() + SECONDS
        while True:
            self.sock.settimeout(max(0.0, deadline - time.monotonic()))
            data, source = self.sock.recvfrom(1 << 16)
            messages = unpack_all(data)
            if any(text_of(m) == name for m in messages):
                return messages, source

    def answer(self, to, *hits):
        self.sock.sendto(version(0) + b"".join(hits), to)


class Host:
    """Two of our servers at one port, a neighbour, and a client's socket."""

    def __init__(self, stack):
        self.port = free_port()
        self.enter = stack.enter_context
        self.first, self.second = (self.start() for _ in range(2))
        self.neighbour = Neighbour(self.port)
        self.sock = self.enter(udp_socket(SECONDS))
        stack.callback(self.neighbour.sock.close)
        self.number = 100

    def start(self, name=OURS, **changes):
        environment = {**WILDCARD, **changes}
        return self.enter(Target(name, port=self.port, environment=environment))

    def asked(self, *names, to=LOOPBACK, sock=None):
        """Search for the names; the CIDs."""
        cids = range(self.number, self.number + len(names))
        self.number += len(names)
        datagram = version(77) + b"".join(map(search_request, names, cids))
        (sock or self.sock).sendto(datagram, (to, self.port))
        return list(cids)

    def found(self, number, sock=None):
        """So many hits; with the address that each came from."""
        hits = []
        while len(hits) < number:
            data, source = (sock or self.sock).recvfrom(1 << 16)
            assert len(data) <= 1024
            first, *more = unpack_all(data)
            assert first == Message(VERSION, 1, 13, 77, 0)
            hits += [(message, source) for message in more]
        return hits

    def find(self, name, to=LOOPBACK):
        """The TCP port in the one answer to one search."""
        (cid,) = self.asked(name, to=to)
        ((hit, source),) = self.found(1)
        assert hit == Message(
            SEARCH, hit.type, 0, HERE, cid, struct.pack(">H6x", 13)
        ), hit
        assert source == (to, self.port)
        return hit.type

    def nothing_came(self, sock=None):
        """Both servers have answered a later search, and nobody an earlier one."""
        tcp = {self.find(t.pv("LONG")) for t in (self.first, self.second)}
        assert len(tcp) == 2
        sock = sock or self.sock
        sock.settimeout(QUIET)
        with pytest.raises(BlockingIOError):
            sock.recv(2048)
        sock.settimeout(SECONDS)

    def counted(self, name):
        return sum(t.child.ask(do="stats")[name] for t in (self.first, self.second))


@pytest.fixture(scope="module")
def host():
    with contextlib.ExitStack() as stack:
        yield Host(stack)


def text_of(message):
    return message.payload.split(b"\0")[0].decode() if message.payload else ""


def hit(number, port=4711, address=HERE, minor=13):
    return pack(SEARCH, struct.pack(">H6x", minor), type=port, p1=address, p2=number)


def reads(target, port):
    with Circuit((LOOPBACK, port)) as circuit:
        channel = circuit.create(target.pv("LONG"))
        return target.decode(circuit.get(channel, dbr.LONG)).scalar


def test_each_name_has_one_answer_from_the_address_that_was_searched(host):
    ports = {}
    for target in (host.first, host.second) * 2:
        for address in (LOOPBACK, SECOND):
            ports[target] = host.find(target.pv("LONG"), address)
            assert ports[target] == target.tcp[1]
        assert reads(target, ports[target]) == 5
    host.nothing_came()


def test_names_of_all_servers_in_one_datagram(host):
    names = [t.pv("LONG") for t in (host.first, host.second) * 50]
    cids = host.asked(*names)
    hits = {hit.p2: hit.type for hit, _ in host.found(100)}
    assert hits == {
        cid: (host.first, host.second)[n % 2].tcp[1] for n, cid in enumerate(cids)
    }
    host.nothing_came()


def test_one_datagram_is_asked_of_the_others_once(host):
    """For the names that nobody knows, whoever of us got it."""
    for n in range(3):
        host.asked(f"A{n}", host.first.pv("LONG"), f"B{n}", host.second.pv("LONG"))
        host.found(2)
        messages, _ = host.neighbour.heard(f"A{n}")
        names = [text_of(m) for m in messages[1:]]
        assert names[0] == f"A{n}"
        assert f"B{n}" in names
        assert len(names) == 3  # and the other one's PV
        host.asked(f"LAST{n}")
        messages, _ = host.neighbour.heard(f"LAST{n}")
        assert len(messages) == 2  # and no datagram in between had A or B: see heard()
    host.nothing_came()


def test_nothing_goes_round(host):
    """What is sent to everybody is asked of nobody, nor is what a neighbour asks."""
    before = host.counted("searches_forwarded")
    host.sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    host.asked("EVERYBODY", to=EVERYBODY)
    host.neighbour.heard("EVERYBODY")
    host.nothing_came()  # one of the names here is asked of a neighbour
    assert host.counted("searches_forwarded") == before + 1
    host.asked("ONCE")
    host.neighbour.heard("ONCE")
    host.asked("SENTINEL")
    heard = []
    while "SENTINEL" not in heard:
        data, _ = host.neighbour.sock.recvfrom(1 << 16)
        heard += [text_of(m) for m in unpack_all(data)[1:]]
    assert heard == ["SENTINEL"]
    assert host.counted("searches_forwarded") == before + 3


def test_a_neighbours_answer_is_passed_on_once_and_as_it_is(host):
    (cid,) = host.asked("FOREIGN")
    messages, source = host.neighbour.heard("FOREIGN")
    (number,) = [m.p2 for m in messages if text_of(m) == "FOREIGN"]
    host.neighbour.answer(
        source,
        hit((number + 1000) % 2**32),
        hit((number + RING) % 2**32),
        hit(number, minor=11),
        hit(number),
        hit(number, 4712),
    )
    ((answer, where),) = host.found(1)
    expected = Message(SEARCH, 4711, 0, HERE, cid, struct.pack(">H6x", 11))
    assert (answer, where) == (expected, (LOOPBACK, host.port))
    host.neighbour.answer(source, hit(number))
    host.nothing_came()


def test_an_address_that_a_neighbour_names_is_kept(host):
    """As of a directory of servers."""
    (cid,) = host.asked("ELSEWHERE")
    messages, source = host.neighbour.heard("ELSEWHERE")
    host.neighbour.answer(source, hit(messages[1].p2, 99, 0x0A010203))
    ((answer, _),) = host.found(1)
    assert (answer.p1, answer.type, answer.p2) == (0x0A010203, 99, cid)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff" * 15,
        b"\xff" * 64,
        pack(SEARCH, b"1234567\0", type=5, count=13, p1=1, p2=1),
        pack(SEARCH, size=64, type=5, p1=HERE, p2=1),
        version(1) * 1000,
        pack(VERSION, count=13, p1=1, p2=0x50434102),
    ],
    ids=["empty", "short", "ones", "search", "cut", "versions", "message"],
)
def test_rubbish_from_a_neighbour_is_dropped(host, data):
    host.asked("RUBBISH")
    _, source = host.neighbour.heard("RUBBISH")
    host.neighbour.sock.sendto(data, source)
    host.nothing_came()


def test_a_flood_is_forwarded_up_to_a_rate(host):
    """Each search leads to one datagram at the most; others are forwarded meanwhile."""
    counters = ("searches", "searches_forwarded", "forwards_dropped")
    before = [host.counted(name) for name in counters]
    names = [f"FLOOD{n}" for n in range(300)]
    own = [host.first.pv("LONG"), host.second.pv("LONG")]
    with udp_socket(SECONDS) as flood:
        for _ in range(300):
            host.asked(*names, *own, sock=flood)
            host.found(1, flood)  # of whoever got it
    deadline = time.monotonic() + SECONDS
    while True:
        searches, forwarded, dropped = (
            host.counted(name) - old for name, old in zip(counters, before, strict=True)
        )
        if searches == 300 * 302 + forwarded:  # the first one has heard them all
            break
        assert time.monotonic() < deadline
    assert dropped > 0
    assert 301 <= forwarded < 300 * 301
    # Only an asker in a hundred shares the limit of another.
    answers = []
    for _ in range(5):
        with udp_socket(SECONDS) as other:
            host.asked(*own, sock=other)
            answers.append(len(host.found(1, other)))
            other.settimeout(0.2)
            with contextlib.suppress(TimeoutError):
                answers.append(len(host.found(1, other)))
    assert len(answers) > 5


def test_a_server_at_one_address_is_found_there_and_nowhere_else(host):
    with Target(
        OURS, port=host.port, environment={"EPICS_CAS_INTF_ADDR_LIST": SECOND}
    ) as second:
        name = second.pv("LONG")
        assert host.find(name, SECOND) == second.tcp[1]
        assert host.find(host.first.pv("LONG"), SECOND) == host.first.tcp[1]
        host.asked(name)
        host.neighbour.heard(name)
        host.nothing_came()
        assert second.child.ask(do="stats")["search_hits"] == 1


def test_servers_at_the_same_address_find_each_other(host):
    third = "127.0.0.3"
    changes = {"EPICS_CAS_INTF_ADDR_LIST": third}
    with (
        Target(OURS, port=host.port, environment=changes) as one,
        Target(OURS, port=host.port, environment=changes) as two,
    ):
        for target in (one, two, host.first) * 4:
            with udp_socket(SECONDS) as host.sock:
                assert host.find(target.pv("LONG"), third) == target.tcp[1]
    host.sock = host.enter(udp_socket(SECONDS))


def test_who_ignores_a_client_has_others_asked_and_is_told_who_asks(host):
    changes = {**WILDCARD, "EPICS_CAS_IGNORE_ADDR_LIST": SECOND}
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ignored,
        Target(OURS, port=host.port, environment=changes) as deaf,
    ):
        ignored.bind((SECOND, 0))
        ignored.settimeout(SECONDS)
        # The newest one has the socket that gets it.
        host.asked(host.first.pv("LONG"), deaf.pv("LONG"), sock=ignored)
        ((answer, _),) = host.found(1, ignored)
        assert answer.type == host.first.tcp[1]
        host.nothing_came(ignored)
        last = host.start()
        host.asked(deaf.pv("LONG"), last.pv("LONG"), sock=ignored)
        ((answer, _),) = host.found(1, ignored)
        assert answer.type == last.tcp[1]
        host.nothing_came(ignored)
        assert host.find(deaf.pv("LONG")) == deaf.tcp[1]


def test_names_that_python_decides(host):
    """Its neighbours are found while it is busy; it knows who asks, and once."""
    environment = server_environment(host.port, **WILDCARD)
    with Child.python(ASKED, env=environment) as asked:
        assert host.find(host.first.pv("LONG")) == host.first.tcp[1]
        (cid,) = host.asked("MINE:1")
        host.neighbour.heard("MINE:1")
        client = f"{LOOPBACK}:{host.sock.getsockname()[1]}"
        assert asked.ask(name="MINE:1") == [client]
        ((answer, _),) = host.found(1)
        assert (answer.p2, answer.type) == (cid, asked.ready["tcp_port"])
        host.start()  # gets the searches from now on
        (cid,) = host.asked("MINE:2")
        host.neighbour.heard("MINE:2")
        assert asked.ask(name="MINE:2") == [client]
        ((answer, _),) = host.found(1)
        assert (answer.p2, answer.type) == (cid, asked.ready["tcp_port"])


@pytest.mark.parametrize("value", ["NO", "no"])
def test_a_server_that_does_not_ask_others(host, value):
    port = free_port()
    neighbour = Neighbour(port)
    with (
        contextlib.closing(neighbour.sock),
        Target(
            OURS, port=port, environment={**WILDCARD, "PCASPY_NEIGHBOURS": value}
        ) as alone,
    ):
        host.sock.sendto(
            version(77) + search_request("N", 1) + search_request(alone.pv("LONG"), 2),
            (LOOPBACK, port),
        )
        ((answer, _),) = host.found(1)
        assert answer.p2 == 2
        neighbour.sock.setblocking(False)
        with pytest.raises(BlockingIOError):
            neighbour.sock.recv(100)
        assert alone.child.ask(do="stats")["searches_forwarded"] == 0


def test_an_ioc_that_starts_last_and_servers_that_die(host):
    """The IOC gets what is sent to one address until one of ours notices."""

    def all_found(*targets):
        for target in targets:
            deadline = time.monotonic() + SECONDS
            host.sock.settimeout(0.1)
            while True:
                (cid,) = host.asked(target.pv("LONG"))
                with contextlib.suppress(TimeoutError):
                    while True:
                        ((answer, _),) = host.found(1)
                        if answer.p2 == cid:
                            break
                    break
                assert time.monotonic() < deadline, target.name
            assert answer.type == target.tcp[1]
        host.sock.settimeout(SECONDS)

    ioc = host.start(REFERENCE)
    all_found(host.first, host.second, ioc)
    last = Target(OURS, port=host.port, environment={**WILDCARD})
    all_found(host.first, host.second, ioc, last)
    os.kill(last.child.pid, signal.SIGSTOP)
    all_found(host.first, host.second, ioc)
    last.child.kill()
    last.child.stop()
    all_found(host.first, host.second, ioc)
    ioc.restart()
    all_found(host.first, host.second, ioc)
