"""Random requests behind puts that wait for a driver, and every way for them to end.

A put that was received is carried out once, in order, whatever becomes of its client.
Gets and first updates show what the puts ahead of them did, and come in order; nothing
is answered for a channel that was cleared.
"""

import contextlib
import random
import socket
import struct
import time
from collections import deque

import pytest

from pcaspy import Driver
from pcaspy.testing import IsolatedServer
from support.wire import (
    CLEAR_CHANNEL,
    EVENT_ADD,
    LONG_DEADLINE,
    READ_NOTIFY,
    WRITE,
    WRITE_NOTIFY,
    Circuit,
    Closed,
    Silence,
    event_request,
    pack,
)

LONG = 5
REASONS = ("X", "Y", "BIG")
ENDS = ("stays", "half-close", "reset", "leaves", "server closes")
LIMITS = {"all fits": {}, "output full": {"max_output": 1}, "one open": {}}
LIMITS["one open"] = {"max_open_requests": 3}


class Records(Driver):
    """Remembers what was put."""

    def __init__(self):
        super().__init__()
        self.puts = []

    def write(self, reason, value):
        self.puts.append((reason, value if reason != "BIG" else value[0]))
        return super().write(reason, value)


class Pipeline:
    """Requests, and what has to come of them.

    Attributes:
        data: The bytes of all requests.
        puts: What the driver has to be asked for.
        answers: (command, id, value) of each answer, by channel's index.
    """

    def __init__(self, dice, channels, last):
        self.dice = dice
        self.channels = dict(enumerate(channels))
        self.values = [0] * len(channels)
        self.data = b""
        self.puts = []
        self.answers = []
        self.cleared = {}
        for n in range(dice.randrange(3, 40)):
            if self.channels:
                self._add(1000 + n)
        self.data += pack(READ_NOTIFY, type=LONG, count=1, p1=last.sid, p2=LAST)
        self.answers.append((len(channels), READ_NOTIFY, LAST, 0))

    def _add(self, number):
        index = self.dice.choice(list(self.channels))
        sid = self.channels[index].sid
        count = 100 if REASONS[index] == "BIG" else 1
        kind = self.dice.choices(("put", "callback", "get", "event", "clear"), WEIGHTS)[
            0
        ]
        ids = {"type": LONG, "count": count, "p1": sid, "p2": number}
        if kind in ("put", "callback"):
            command = WRITE if kind == "put" else WRITE_NOTIFY
            self.data += pack(command, struct.pack(">i", number) * count, **ids)
            self.puts.append((REASONS[index], number))
            self.values[index] = number
            if kind == "callback":
                self.answers.append((index, WRITE_NOTIFY, number, None))
        elif kind == "get":
            self.data += pack(READ_NOTIFY, **ids)
            self.answers.append((index, READ_NOTIFY, number, self.values[index]))
        elif kind == "event":
            self.data += event_request(sid, number, LONG, count)
            self.answers.append((index, EVENT_ADD, number, self.values[index]))
        else:
            self.data += pack(CLEAR_CHANNEL, p1=sid, p2=self.channels[index].cid)
            self.cleared[index] = self.channels.pop(index).cid


LAST = 5000  # the id of the last get, of a PV that nobody puts to
WEIGHTS = (5, 5, 6, 3, 1)


def until(server, condition):
    """Processes until it is so."""
    deadline = time.monotonic() + LONG_DEADLINE
    while not condition():
        assert time.monotonic() < deadline
        server.process(0.005)


def wait(condition):
    """Waits, without processing."""
    deadline = time.monotonic() + LONG_DEADLINE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def received(server, circuit, stop):
    """What comes until `stop` says so, or the server closes."""
    messages = []
    deadline = time.monotonic() + LONG_DEADLINE
    while not stop(messages):
        assert time.monotonic() < deadline, messages
        server.process(0)
        with contextlib.suppress(Silence):
            try:
                messages.append(circuit.receive(0.005))
            except Closed:
                break
    return messages


def check_answers(pipeline, messages):
    """All answers of channels that still exist, in order, with the right values."""
    answers = deque()
    first = set()
    for message in messages:
        if message.command == EVENT_ADD and message.p2 in first:
            continue  # a later update
        if message.command == EVENT_ADD:
            first.add(message.p2)
        if message.command in (READ_NOTIFY, WRITE_NOTIFY, EVENT_ADD):
            assert message.p1 == 1, message
            answers.append(message)
    for index, command, number, value in pipeline.answers:
        found = answers and (answers[0].command, answers[0].p2) == (command, number)
        if not found and index in pipeline.cleared:
            continue  # it was cleared first
        assert found, (command, number, list(answers)[:3])
        message = answers.popleft()
        if value is not None:
            assert struct.unpack(">i", message.payload[:4])[0] == value, message
    assert not answers
    for cid in pipeline.cleared.values():
        assert sum(m.command == CLEAR_CHANNEL and m.p2 == cid for m in messages) == 1


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("seed", range(6))
def test_pipeline(seed, end, limit):
    dice = random.Random(f"{seed} {end} {limit}")
    with IsolatedServer(threaded=False, **LIMITS[limit]) as server:
        counts = {reason: 100 if reason == "BIG" else 1 for reason in REASONS}
        pvdb = {reason: {"type": "int", "count": n} for reason, n in counts.items()}
        server.createPV("P:", {"LAST": {"type": "int"}, **pvdb})
        driver = Records()
        for _ in range(5):
            for reason, count in counts.items():
                driver.setParam(reason, [0] * count if count > 1 else 0)
            driver.puts.clear()
            run(server, driver, dice, end, whole=limit == "all fits")
            if end == "server closes":
                server.start()


def run(server, driver, dice, end, whole):
    """One client. All it sends is taken before it ends if `whole`."""
    with Circuit(("127.0.0.1", server.tcp_port)) as circuit:
        channels = [circuit.create("P:" + reason) for reason in REASONS]
        pipeline = Pipeline(dice, channels, circuit.create("P:LAST"))
        before = server.stats()["bytes_received"]
        circuit.send(pipeline.data)
        if whole:
            taken = before + len(pipeline.data)
            wait(lambda: server.stats()["bytes_received"] == taken)
        if end == "stays":
            check_answers(pipeline, received(server, circuit, ended))
        elif end == "half-close":
            circuit.socket.shutdown(socket.SHUT_WR)
            check_answers(pipeline, received(server, circuit, lambda m: False))
        elif end == "reset":
            linger = struct.pack("ii", 1, 0)
            circuit.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        elif end == "server closes":
            server.close()
            assert driver.puts == pipeline.puts[: len(driver.puts)]
            return
    if whole or end in ("stays", "half-close"):
        until(server, lambda: len(driver.puts) >= len(pipeline.puts))
        server.process(0.01)
        assert driver.puts == pipeline.puts
    else:
        until(server, lambda: server.stats()["circuits"] == 0)
        server.process(0.01)
        assert driver.puts == pipeline.puts[: len(driver.puts)]


def ended(messages):
    return bool(messages) and messages[-1].p2 == LAST
