"""Status PVs that are added while other threads make PVs or start the server."""

from __future__ import annotations

import threading

import pytest
from status_support import Asked, wait_until

from pcaspy.host.companions import Companion
from pcaspy.status.status import Status
from pcaspy.testing import IsolatedServer

BRIEFLY = 0.3  # seconds that somebody who has to wait is waited for


def test_the_names_are_taken_before_they_are_served(server, monkeypatch):
    take, refused = Status.take, []

    def look(self, held, board):
        monkeypatch.setattr(Status, "take", take)
        for make in (
            lambda: server.createPV("T:", {"HEARTBEAT": {}}),
            lambda: server.add_status("T:", period=0.1),
        ):
            with pytest.raises(ValueError, match="T:"):
                make()
            refused.append(make)
        take(self, held, board)

    monkeypatch.setattr(Status, "take", look)
    server.add_status("T:", period=0.1)
    assert len(refused) == 2


def test_status_pvs_that_come_while_pvs_are_made(server, monkeypatch):
    held = server._pcaspy
    look = held._look_for_others

    def add_meanwhile(pvs):
        server.add_status("T:", period=0.1)
        look(pvs)

    monkeypatch.setattr(held, "_look_for_others", add_meanwhile)
    with pytest.raises(ValueError, match="T:HEARTBEAT"):
        server.createPV("T:", {"HEARTBEAT": {}})
    assert "T:HEARTBEAT" not in held.pvf


def test_two_threads_add_the_first_ones(monkeypatch):
    make, others = Status.make_board, []

    def add_meanwhile(self, *arguments):
        if not others:
            others.append(threading.Thread(target=server.add_status, args=["B:"]))
            others[0].start()
            others[0].join(BRIEFLY)
        return make(self, *arguments)

    monkeypatch.setattr(Status, "make_board", add_meanwhile)
    with IsolatedServer() as server:
        server.add_status("A:")
        others[0].join()
        running = [t.name for t in threading.enumerate()].count("pcaspy status")
        assert running == 1
        with Asked(server.tcp_port, "A:") as a, Asked(server.tcp_port, "B:") as b:
            last = a.value("HEARTBEAT")
            wait_until(lambda: a.value("HEARTBEAT") > last)
            assert abs(b.value("HEARTBEAT") - a.value("HEARTBEAT")) <= 1


def test_one_that_is_added_while_the_server_starts():
    with IsolatedServer() as server:
        server.add_status("A:", period=0.1)
        server.close()

        class Late(Companion):
            def prepare(self):
                server.add_status("B:", period=0.1, engineer="Ada")

        server._pcaspy.companions.add(Late())
        server.start()
        with Asked(server.tcp_port, "B:") as asked:
            assert asked.value("ENGINEER") == b"Ada"


def test_one_that_is_added_later_counts_all_starts():
    with IsolatedServer() as server:
        server.add_status("A:", period=0.1)
        server.close()
        server.start()
        server.add_status("B:", period=0.1)
        for number in 2, 3:
            with Asked(server.tcp_port, "A:") as a, Asked(server.tcp_port, "B:") as b:
                assert (a.value("START_CNT"), b.value("START_CNT")) == (number, number)
            server.close()
            server.start()


def test_a_start_that_fails_does_not_count(monkeypatch):
    server = IsolatedServer()
    server.add_status("A:", period=0.1)
    with monkeypatch.context() as patched:
        patched.setattr(server._pcaspy, "_bind", fails)
        with pytest.raises(OSError, match="in use"):
            server.start()
    with server, Asked(server.tcp_port, "A:") as asked:
        assert asked.value("START_CNT") == 1


def fails(*_):
    raise OSError("in use")
