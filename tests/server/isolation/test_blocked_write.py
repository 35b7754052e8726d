"""A Driver.write that does not return delays nobody else.

Each test does everything while one write waits for an event, sets that event last, and
only then sees the write answered: no clock decides.
"""

import contextlib
import struct
import time

from support.epics_client import ECA_NORMAL, EpicsClient
from support.ports import LOOPBACK, udp_socket
from support.wire import (
    ECHO,
    SEARCH,
    Circuit,
    pack,
    search_request,
    udp_search,
    version,
)

DBR_LONG = 5


def test_connect_and_get(blocked, client):
    client.connect("ISO:CACHED")
    assert client.value("ISO:CACHED") == 4.5
    assert client.get("ISO:CACHED", form="ctrl")["precision"] == 1
    assert client.value("ISO:LIST") == [1, 2, 3]
    blocked.release()


def test_get_of_the_pv_that_is_being_written(blocked, client):
    assert client.value("ISO:BLOCKS") == 0
    blocked.release()
    assert client.value("ISO:BLOCKS") == 1


def test_subscribe(blocked, client):
    client.monitor("ISO:CACHED")
    assert client.updates("ISO:CACHED")[0]["value"] == 4.5
    blocked.release()


def test_monitors_posted_from_a_thread(waiting):
    with EpicsClient(waiting.port) as client:
        client.monitor("ISO:POSTED")
        client.updates("ISO:POSTED")
        for value in range(1, 6):
            assert waiting.server.ask(command="post", reason="POSTED", value=value)
            assert client.updates("ISO:POSTED")[0]["value"] == value
        waiting.release()


def test_puts_are_queued_in_order(blocked, client):
    for value in range(1, 6):
        assert client.put("ISO:ORDER", value, wait=False) == ECA_NORMAL
    client.start_put("ISO:ORDER", 6)
    with EpicsClient(blocked.port) as onlooker:
        assert onlooker.value("ISO:ORDER") == 0
    blocked.release()
    assert client.answer() == ECA_NORMAL
    writes = blocked.server.ask(command="written")
    assert writes == [["BLOCKS", 1], *(["ORDER", value] for value in range(1, 7))]


def test_put_of_a_client_that_left(blocked):
    with Circuit(blocked.address) as circuit:
        channel = circuit.create("ISO:ORDER")
        circuit.write(channel, DBR_LONG, struct.pack(">i", 8))
    blocked.release()
    deadline = time.monotonic() + 10
    while ["ORDER", 8] not in blocked.server.ask(command="written"):
        assert time.monotonic() < deadline, "the write was dropped"


def test_search_over_udp(blocked):
    with contextlib.closing(udp_socket()) as sock:
        request = search_request("ISO:CACHED", 77)
        frames = udp_search(sock, (LOOPBACK, blocked.port), version(5) + request)
    assert any(message.p2 == 77 for message in frames[0] if message.command == SEARCH)
    blocked.release()


def test_search_over_tcp(blocked):
    with Circuit(blocked.address) as circuit:
        circuit.send(search_request("ISO:CACHED", 78))
        circuit.expect(SEARCH, p2=78)
        blocked.release()


def test_echo(blocked):
    with Circuit(blocked.address) as circuit:
        circuit.send(pack(ECHO))
        circuit.expect(ECHO)
        blocked.release()
