"""Threads that take the turns of the network in each other's place, at random moments.

Clients put, get and watch all the while: each answer comes, in order and with the right
value. How long it takes is not looked at.
"""

import random
import struct
import threading
from pathlib import Path

import pytest

from support.environment import server_environment
from support.ports import LOOPBACK, free_port
from support.process import Child
from support.wire import (
    ECA_NORMAL,
    EVENT_ADD,
    LONG_DEADLINE,
    READ_NOTIFY,
    WRITE_NOTIFY,
    Circuit,
    pack,
)

SERVER = Path(__file__).parent / "leading_server.py"
CLIENTS = 3
DBR_LONG, DBR_DOUBLE = 5, 6


class Task(threading.Thread):
    """A client in a thread, whose failure is that of the test."""

    def __init__(self, run, *arguments):
        super().__init__(daemon=True)
        self._run, self._arguments = run, arguments
        self._error = None
        self.start()

    def run(self):
        try:
            self._run(*self._arguments)
        except BaseException as error:
            self._error = error

    def finish(self):
        self.join(2 * LONG_DEADLINE)
        assert not self.is_alive(), "a client is still waiting"
        if self._error is not None:
            raise self._error


def put_and_get(address, number, seed, in_order):
    """Puts in flight, and a get behind them, which sees the last one's value.

    Where several threads carry requests out they do so in any order.
    """
    choose = random.Random(seed + 100 + number)
    value = 0
    with Circuit(address) as circuit:
        sid = circuit.create(f"LEAD:PUT{number}").sid
        header = {"type": DBR_LONG, "count": 1, "p1": sid}
        for _ in range(20):
            asked = []
            for _ in range(choose.choice((1, 1, 1, 2, 10, 100))):
                value += 1
                asked.append((WRITE_NOTIFY, circuit.new_id()))
                data = struct.pack(">i", value)
                circuit.send(pack(WRITE_NOTIFY, data, **header, p2=asked[-1][1]))
            asked.append((READ_NOTIFY, circuit.new_id()))
            circuit.send(pack(READ_NOTIFY, **header, p2=asked[-1][1]))
            answers = [circuit.receive(LONG_DEADLINE) for _ in asked]
            if not in_order:
                answers.sort(key=lambda answer: answer.p2)
            assert [(answer.command, answer.p2) for answer in answers] == asked
            assert all(answer.p1 == ECA_NORMAL for answer in answers)
            (seen,) = struct.unpack(">i", answers[-1].payload[:4])
            assert seen == value if in_order else 0 <= seen <= value


def get_cached(address, stopped):
    with Circuit(address) as circuit:
        channel = circuit.create("LEAD:CACHED")
        while not stopped.is_set():
            answer = circuit.get(channel, DBR_DOUBLE)
            assert struct.unpack(">d", answer.payload[:8]) == (4.5,)


def come_and_go(address, stopped):
    while not stopped.is_set():
        with Circuit(address) as circuit:
            circuit.put(
                circuit.create("LEAD:CACHED"), DBR_DOUBLE, struct.pack(">d", 4.5)
            )


def last_update(watcher, last):
    """Wait for that value; the ones before never go back."""
    seen = -1
    while seen != last:
        update = watcher.expect(EVENT_ADD, LONG_DEADLINE)
        (value,) = struct.unpack(">i", update.payload[:4])
        assert value > seen
        seen = value


@pytest.mark.parametrize(("seed", "threads"), [(1, 1), (2, 1), (3, 3)])
def test_each_request_is_answered_whoever_takes_the_turns(seed, threads):
    env = server_environment(free_port())
    with Child.python(str(SERVER), str(seed), str(threads), env=env) as server:
        address = (LOOPBACK, server.ready["tcp_port"])
        stopped = threading.Event()
        with Circuit(address) as watcher:
            watcher.subscribe(watcher.create("LEAD:COUNTER"), DBR_LONG)
            onlookers = [
                Task(get_cached, address, stopped),
                Task(come_and_go, address, stopped),
            ]
            for task in [
                Task(put_and_get, address, n, seed, threads == 1)
                for n in range(CLIENTS)
            ]:
                task.finish()
            stopped.set()
            for task in onlookers:
                task.finish()
            result = server.ask(command="end")
            assert result["forks"] > 0
            for number in range(CLIENTS):
                written = result["written"][f"PUT{number}"]
                if threads > 1:
                    written.sort()
                assert written == list(range(1, len(written) + 1))
            last_update(watcher, result["posted"])
        assert server.stop() == 0
