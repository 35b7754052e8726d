"""What is slow or stands still holds up nobody else, over either protocol."""

import contextlib
import os
import signal
import socket

import pytest
from pva_support import Client, ours

from support import dbr
from support.ports import LOOPBACK
from support.wire import Circuit


@pytest.fixture(scope="module")
def server():
    with ours("driver=plain") as running:
        yield running


@pytest.fixture(scope="module")
def other(server):
    """A second client."""
    with Client(server) as running:
        yield running


@pytest.fixture
def ca(server):
    """A circuit of Channel Access with a channel."""
    address = (LOOPBACK, int(server.child.ready["tcp_port"]))
    with Circuit(address) as circuit:
        channel = circuit.create(server.pv("N9"))
        yield lambda: circuit.get(channel, dbr.LONG)


@contextlib.contextmanager
def stopped(client):
    """It reads nothing meanwhile."""
    os.kill(client.child.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(client.child.pid, signal.SIGCONT)


def test_while_no_python_runs(client, other, server, ca, tmp_path):
    """Gets are answered, and channels and monitors made, while the GIL is held."""
    client.value("N1")
    pipe = str(tmp_path / "pipe")
    os.mkfifo(pipe)
    server.child.tell(do="hold_gil", path=pipe)
    with open(pipe, "wb", buffering=0) as wake:
        try:
            assert client.value("N1") == 1
            assert client.value("N2") == 2  # a new channel
            subscription = other.monitor("N3")
            assert other.connected(subscription)["fields"]["value"] == 3
            ca()
            other.cancel(subscription)
        finally:
            wake.write(b"x")
            server.child.answer(60)


def test_while_a_write_blocks(client, other, server, ca):
    server.ask("let_go_on", on=False)
    number = client.begin_put("BLOCKS", 1)
    assert server.ask("wait_until_blocked")
    subscription = client.monitor("N4")
    client.connected(subscription)
    server.ask("post", name="N4", value=44)
    assert client.until(subscription, 44) == [44]
    assert other.value("N4") == 44
    ca()
    assert client.end_put(number, 0) == ["waits"]
    server.ask("let_go_on")
    assert client.end_put(number) == ["done", None]
    client.cancel(subscription)


def test_while_a_client_does_not_read(client, server, ca):
    """It gets the last value as soon as it reads again; the others miss nothing."""
    client.value("N5")
    before = server.stats()["pva_connections"]
    with Client(server) as slow:
        subscriptions = [slow.monitor("BIG", "field()") for _ in range(3)]
        server.ask("post_filled", name="BIG", value=7, count=10)
        for subscription in subscriptions:
            slow.ask("until_first", number=subscription, value=7)
        own = client.monitor("N5")
        client.connected(own)
        with stopped(slow):
            for number in range(100, 120):
                server.ask("post_filled", name="BIG", value=number, count=100_000)
                server.ask("post", name="N5", value=number)
                assert client.until(own, number) == [number]
            ca()
        for subscription in subscriptions:
            slow.ask("until_first", number=subscription, value=119)
        client.cancel(own)
    while server.stats()["pva_connections"] > before:
        pass
    assert server.stats()["pva_updates_merged"] > 0


def test_while_a_circuit_does_not_read(client, server):
    """The other way round."""
    address = (LOOPBACK, int(server.child.ready["tcp_port"]))
    with Circuit(address) as circuit:
        channel = circuit.create(server.pv("BIG"))
        for _ in range(3):
            circuit.subscribe(channel, dbr.LONG, count=0)
        subscription = client.monitor("N6")
        client.connected(subscription)
        for number in range(100, 120):
            server.ask("post_filled", name="BIG", value=number, count=100_000)
            server.ask("post", name="N6", value=number)
            assert client.until(subscription, number) == [number]
        client.cancel(subscription)


@pytest.mark.parametrize(
    "data",
    [b"", b"\0" * 64, b"\xca\x02\x00\x0a\xff\xff\xff\xff"],
    ids=["nothing", "zeros", "promises"],
)
def test_while_a_connection_stands_still(client, server, data):
    with socket.create_connection((LOOPBACK, server.tcp)) as connection:
        connection.sendall(data)
        assert client.value("N7") == 7
