"""What is kept of what was seen: order, rates, bounds."""

from __future__ import annotations

import pytest

from pcaspy.snoop.book import MOST_CLIENTS, MOST_OF_A_NAME, MOST_SERVERS, Book
from pcaspy.snoop.wire import Beacon, Hit, Search


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def book(clock):
    return Book(clock, most_names=100)


def seen(book, name, client="10.0.0.1", times=1):
    for _ in range(times):
        found = book.search(Search(name, (client, 1)))
    return found


def test_counts_and_clients(book):
    name = seen(book, b"A", "10.0.0.1", 3)
    seen(book, b"A", "10.0.0.2")
    assert name.count == 4
    assert list(name.clients.items()) == [("10.0.0.1", 3), ("10.0.0.2", 1)]
    seen(book, b"A", "10.0.0.1")
    assert list(name.clients) == ["10.0.0.2", "10.0.0.1"]  # the last one is last


def test_a_rate(book, clock):
    for _ in range(600):
        clock.now += 0.5
        name = seen(book, b"A")
    assert name.rate(clock.now) == pytest.approx(2, rel=0.05)
    clock.now += 300
    assert name.rate(clock.now) < 0.001


def test_the_names_that_were_seen_least_recently_are_forgotten(book):
    seen(book, b"KEPT")
    for number in range(150):
        seen(book, b"N%d" % number)
        if number % 50 == 0:
            seen(book, b"KEPT")
    assert len(book.names) == 100
    assert book.counts["forgotten"] == 51
    assert b"KEPT" in book.names
    assert b"N0" not in book.names
    assert b"N149" in book.names


def test_clients_of_a_name_are_bounded(book):
    for number in range(100):
        name = seen(book, b"A", f"10.0.0.{number}")
    assert len(name.clients) == MOST_CLIENTS
    assert name.more_clients


def test_servers_of_a_name_are_bounded(book):
    name = seen(book, b"A")
    for number in range(100):
        book.answer(b"A", Hit(1, ("10.0.0.1", number + 1)))
    assert len(name.servers) == MOST_OF_A_NAME


def test_answers_of_forgotten_names(book):
    book.answer(b"NEVER", Hit(1, ("10.0.0.1", 5064)))
    assert not book.names


def test_names_that_are_too_long(book):
    assert seen(book, b"x" * 60_000) is None
    assert book.counts["too_long"] == 1
    assert not book.names


def test_the_order(book, clock):
    for name in (b"MISSING", b"MISSING OFTEN", b"FOUND", b"TWICE", b"NEW"):
        seen(book, name, times=5 if b"OFTEN" in name else 1).missing = name != b"NEW"
    for name, port in (b"FOUND", 1), (b"TWICE", 1), (b"TWICE", 2):
        book.answer(name, Hit(1, ("10.0.0.1", port)))
    names = sorted(book.names.values(), key=lambda name: book.place(name, clock.now))
    assert [name.name for name in names] == [
        *(b"MISSING OFTEN", b"MISSING", b"TWICE", b"NEW", b"FOUND"),
    ]


def test_a_server_of_this_host_is_one_server(book):
    """It answers from its address and from that of loopback."""
    book.own_addresses.add("10.0.0.5")
    name = seen(book, b"A")
    for server in ("10.0.0.5", 5064), ("127.0.0.1", 5064), ("127.0.0.1", 5070):
        book.answer(b"A", Hit(1, server))
    assert book.servers_of(name) == [("10.0.0.5", 5064), ("127.0.0.1", 5070)]


def beacon(book, number, port=5064):
    book.beacon(Beacon(("10.0.0.1", port), number))
    return book.servers["10.0.0.1", port]


def test_beacons(book, clock):
    for number in range(5):
        server = beacon(book, number)
        beacon(book, number)  # by another network
        clock.now += 15
    assert (server.beacons, server.interval) == (5, 15)
    assert (server.restarts, server.lost) == (0, 0)


def test_beacons_that_were_lost_and_a_restart(book, clock):
    beacon(book, 7)
    server = beacon(book, 10)
    assert (server.restarts, server.lost) == (0, 2)
    beacon(book, 0)
    assert (server.restarts, server.lost) == (1, 2)
    beacon(book, 1)
    assert (server.restarts, server.lost) == (1, 2)


def pva_beacon(book, number, guid):
    book.beacon(Beacon(("10.0.0.1", 5075), number, guid))
    return book.servers["10.0.0.1", 5075]


def test_beacons_of_pvaccess(book):
    """They count to 255, and say which server it is."""
    for number in (254, 255, 255, 0, 1):
        server = pva_beacon(book, number, b"one")
    assert (server.beacons, server.lost, server.restarts) == (4, 0, 0)
    server = pva_beacon(book, 1, b"two")
    assert (server.beacons, server.restarts) == (5, 1)


def test_a_server_of_pvaccess_that_answers_from_two_addresses(book):
    name = seen(book, b"A")
    for address, guid in ("10.0.0.1", b"one"), ("10.1.0.1", b"one"), ("10.1.0.1", b"2"):
        book.answer(b"A", Hit(1, (address, 5075), guid))
    assert book.servers_of(name) == [("10.0.0.1", 5075), ("10.1.0.1", 5075)]


def test_the_number_of_a_beacon_begins_again_at_zero(book):
    beacon(book, 2**32 - 1)
    server = beacon(book, 0)
    assert (server.restarts, server.lost, server.beacons) == (0, 0, 2)


def test_servers_are_bounded(book):
    for number in range(MOST_SERVERS + 10):
        book.beacon(Beacon((f"10.{number >> 8}.{number & 255}.1", 5064), 1))
    assert len(book.servers) == MOST_SERVERS
