"""A client shuts its side down: libca waits then for the server to close, too."""

from __future__ import annotations

import socket
import struct
import threading
import time

import pytest

from pcaspy import Driver
from support import dbr
from support.wire import ECA_NORMAL, WRITE_NOTIFY, Circuit, pack

PVDB = {"NEVER": {"type": "int", "asyn": True}, "SLOW": {"type": "int"}}
WAIT = 0.3  # seconds that a slow write takes


class Leaving(Driver):
    """Puts to NEVER stay open; those to SLOW take a while."""

    def __init__(self):
        super().__init__()
        self.written = threading.Event()

    def write(self, reason, value):
        if reason == "SLOW":
            time.sleep(WAIT)
        self.written.set()
        return True


def put(channel):
    data = struct.pack(">i", 1)
    return pack(WRITE_NOTIFY, data, type=dbr.LONG, count=1, p1=channel.sid, p2=5)


def test_a_put_that_a_driver_keeps_open_keeps_no_circuit(server, circuit):
    server.createPV("", PVDB)
    driver = Leaving()
    circuit.send(put(circuit.create("NEVER")))
    assert driver.written.wait(10)
    circuit.socket.shutdown(socket.SHUT_WR)
    started = time.monotonic()
    assert circuit.expect_close() == []
    assert time.monotonic() - started < 2
    driver.callbackPV("NEVER")


def test_an_answer_that_is_soon_there_is_sent_first(server, circuit):
    server.createPV("", PVDB)
    driver = Leaving()
    circuit.send(put(circuit.create("SLOW")))
    circuit.socket.shutdown(socket.SHUT_WR)
    answers = circuit.expect_close()
    assert [(m.command, m.p1) for m in answers] == [(WRITE_NOTIFY, ECA_NORMAL)]
    assert driver.written.is_set()


@pytest.mark.parametrize("behind", [b"", pack(23)], ids=["alone", "echo behind"])
def test_a_driver_that_takes_no_requests_keeps_no_circuit(idle, behind):
    """Nobody calls process(); the put is carried out when somebody does."""
    idle.createPV("", PVDB)
    driver = Leaving()
    with Circuit(("127.0.0.1", idle.tcp_port)) as circuit:
        circuit.send(put(circuit.create("SLOW")) + behind)
        circuit.socket.shutdown(socket.SHUT_WR)
        started = time.monotonic()
        circuit.expect_close()
        assert time.monotonic() - started < 4
    while not driver.written.is_set():
        idle.process(0.05)
