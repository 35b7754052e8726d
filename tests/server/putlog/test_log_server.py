"""Puts for a log server over TCP: one that is away, that is slow, that ends."""

import contextlib
import ctypes
import json
import select
import socket
import struct
import threading
import time

import pytest
from epicscorelibs.lib import Com_dsoinfo
from putlog_support import Tally, put

from pcaspy import PutLog
from pcaspy.putlog import log_server
from pcaspy.putlog.line import json_line
from pcaspy.putlog.log_server import ToLogServer
from support.ports import free_port
from support.wire import LONG_DEADLINE


class Listener:
    """A log server: takes connections, and reads them if it is told to."""

    def __init__(self, port=0):
        self.socket = socket.create_server(("127.0.0.1", port))
        self.socket.settimeout(LONG_DEADLINE)
        self.port = self.socket.getsockname()[1]
        self.url = f"tcp://127.0.0.1:{self.port}"

    def accept(self):
        connection = self.socket.accept()[0]
        connection.settimeout(LONG_DEADLINE)
        return connection

    def close(self):
        self.socket.close()


@pytest.fixture
def listener():
    made = Listener()
    yield made
    made.close()


def lines(connection, count=None):
    """So many lines, or all until the end."""
    with connection.makefile("r") as file:
        found = []
        while count is None or len(found) < count:
            line = file.readline()
            if not line:
                break
            found.append(json.loads(line))
        return found


def test_lines_as_they_come(serve, client, listener):
    server = serve(PutLog(listener.url, burst=0), {"A": {}})
    writer = client(server, user="joe", host="console")
    connection = listener.accept()
    writer.send("L:A", range(20))
    found = lines(connection, 20)
    assert [line["new"] for line in found] == list(range(20))
    assert {(line["user"], line["host"]) for line in found} == {("joe", "console")}
    server.close()
    assert connection.recv(1) == b""
    assert server.stats()["puts_logged"] == 20
    connection.close()


def test_the_bytes_are_those_of_the_log_client_of_iocs(listener):
    """libCom's, which caPutLog sends its lines with."""
    com = ctypes.CDLL(Com_dsoinfo.filename)
    line = json_line(put())
    com.logClientCreate.restype = ctypes.c_void_p
    com.logClientCreate.argtypes = [ctypes.c_uint32, ctypes.c_ushort]
    com.logClientSend.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    com.logClientFlush.argtypes = [ctypes.c_void_p]
    com.iocLogPrefix.argtypes = [ctypes.c_char_p]
    com.iocLogPrefix(b"fac=ioc1 ")
    theirs = com.logClientCreate(
        struct.unpack("=I", socket.inet_aton("127.0.0.1"))[0], listener.port
    )
    peer = listener.accept()
    com.logClientSend(theirs, line.encode() + b"\n")
    com.logClientFlush(theirs)
    wanted = peer.recv(65536)
    target = ToLogServer(("127.0.0.1", listener.port), "fac=ioc1 ", Tally())
    assert target.write(put(), 0)
    target.pump()
    connection = listener.accept()
    deadline = time.monotonic() + LONG_DEADLINE
    while not select.select([connection], [], [], 0.01)[0]:
        target.pump()
        assert time.monotonic() < deadline
    assert connection.recv(65536) == wanted
    target.close(1)
    for made in (peer, connection):
        made.close()


def test_a_server_that_comes_later(serve, client):
    port = free_port()
    server = serve(PutLog(f"tcp://127.0.0.1:{port}", burst=0), {"A": {}})
    writer = client(server)
    writer.send("L:A", range(5))
    listener = Listener(port)
    connection = listener.accept()
    assert [line["new"] for line in lines(connection, 5)] == list(range(5))
    connection.close()
    listener.close()


def test_a_host_with_several_addresses(serve, client, listener, monkeypatch):
    """A name often has one of IPv6 first, where log servers of IOCs do not listen."""
    wanted = socket.getaddrinfo("127.0.0.1", listener.port, type=socket.SOCK_STREAM)
    other = socket.getaddrinfo("127.0.0.1", free_port(), type=socket.SOCK_STREAM)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [*other, *wanted])
    server = serve(PutLog("tcp://logs.example", burst=0), {"A": {}})
    writer = client(server)
    for _ in range(2):  # after an end all of them are tried again
        connection = listener.accept()
        writer.send("L:A", range(5))
        assert [line["new"] for line in lines(connection, 5)] == list(range(5))
        connection.close()


def test_the_last_lines_reach_the_second_address(listener, monkeypatch):
    wanted = socket.getaddrinfo("127.0.0.1", listener.port, type=socket.SOCK_STREAM)
    other = socket.getaddrinfo("127.0.0.1", free_port(), type=socket.SOCK_STREAM)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [*other, *wanted])
    tally = Tally()
    target = ToLogServer(("logs.example", listener.port), "", tally)
    assert target.write(put(), 0)
    thread = threading.Thread(target=target.close, args=(LONG_DEADLINE,))
    thread.start()
    connection = listener.accept()
    assert len(lines(connection)) == 1
    connection.close()
    thread.join()
    assert (tally.written, tally.dropped) == (1, 0)


def reset(connection):
    """Ends it as a process that is killed does."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@pytest.mark.parametrize("end", [reset, socket.socket.close])
def test_what_a_dying_server_has_not_got_is_sent_again(listener, end, monkeypatch):
    listener.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    tally, total = Tally(), 300
    target = ToLogServer(("127.0.0.1", listener.port), "", tally)
    monkeypatch.setattr(target, "_pause", 0.02)
    target.pump()
    first = listener.accept()
    for number in range(total):
        assert target.write(put(new=number), 0)
    deadline = time.monotonic() + LONG_DEADLINE
    while target._waiting or tally.written == 0:  # all of it is under way
        target.pump()
        assert time.monotonic() < deadline
    had = tally.written
    end(first)
    listener.socket.settimeout(0.02)
    second = None
    while second is None:
        target.pump()
        with contextlib.suppress(TimeoutError):
            second = listener.accept()
        assert time.monotonic() < deadline
    thread = threading.Thread(target=target.close, args=(LONG_DEADLINE,))
    thread.start()
    numbers = [line["new"] for line in lines(second)]
    thread.join()
    assert 0 < had <= numbers[0] < total / 2
    assert numbers == list(range(numbers[0], total))
    assert (tally.written, tally.dropped) == (total, 0)
    second.close()


def test_a_server_that_never_reads(serve, client, listener, monkeypatch):
    monkeypatch.setattr(log_server, "_MOST", 20_000)
    monkeypatch.setattr(log_server, "_BUFFER", 4096)
    listener.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    server = serve(PutLog(listener.url, burst=0), {"A": {}})
    writer = client(server)
    connection = listener.accept()
    deadline = time.monotonic() + LONG_DEADLINE
    sent = 0
    while server.stats()["puts_not_logged"] < 100:
        writer.send("L:A", range(sent, sent + 100))  # all of them are answered
        sent += 100
        assert time.monotonic() < deadline
    reader = connection.makefile("r")
    numbers, lost = [], 0
    writer.send("L:A", [-1])
    while not numbers or numbers[-1] != -1:
        line = json.loads(reader.readline())
        numbers.append(line["new"])
        lost += line.get("lost", 0)
        if len(numbers) % 50 == 0:
            writer.send("L:A", [-1])  # as the one before may be among the lost
            sent += 1
    assert lost > 0
    whole = [number for number in numbers if number >= 0]
    assert whole == sorted(set(whole))
    # What has not arrived when a server ends is missing, so it is read meanwhile.
    rest = []
    thread = threading.Thread(target=lambda: rest.extend(map(json.loads, reader)))
    thread.start()
    server.close()
    thread.join()
    numbers += [line["new"] for line in rest]
    lost += sum(line.get("lost", 0) for line in rest)
    reader.close()
    connection.close()
    missing = server.stats()["puts_not_logged"]
    assert len(numbers) + missing == sent + 1
    assert lost <= missing  # no record reports those that are lost after the last


def test_a_server_that_closes_at_once(serve, client, listener):
    ended = threading.Event()

    def refuses():
        while not ended.is_set():
            with contextlib.suppress(OSError):
                listener.accept().close()

    listener.socket.settimeout(0.1)
    thread = threading.Thread(target=refuses)
    thread.start()
    try:
        server = serve(PutLog(listener.url, burst=0), {"A": {}})
        writer = client(server)
        for _ in range(20):
            writer.send("L:A", range(50))
        begin = time.monotonic()
        server.close()
        assert time.monotonic() - begin < 30
    finally:
        ended.set()
        thread.join()
    stats = server.stats()
    assert stats["puts_logged"] + stats["puts_not_logged"] == 1000


@pytest.mark.parametrize("host", ["name.invalid", "192.0.2.1", "no..name"])
def test_a_server_that_is_not_there_hinders_nobody(serve, client, host):
    server = serve(PutLog(f"tcp://{host}:7011", burst=0), {"A": {}})
    writer = client(server)
    writer.send("L:A", range(100))
    server.close()
    assert server.stats()["puts_not_logged"] == 100
