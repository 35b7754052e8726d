"""A program and its clients at once, in random order: what each put and value becomes.

A failure names its seed; PCASPY_RACES_SEED repeats it, as far as threads repeat.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import threading
import time
from pathlib import Path

import pytest

from support import dbr, wire
from support.environment import server_environment
from support.ports import LOOPBACK, free_port
from support.process import Child
from support.scale import report, scaled
from support.wire import ECA_NORMAL, Circuit, Closed

SERVER = str(Path(__file__).with_name("racing_server.py"))
SECONDS = scaled(3.0, 120.0)
CLIENTS = 3
SEEDS = [int(os.environ.get("PCASPY_RACES_SEED", random.randrange(1 << 32)))]
ASYN = [f"R:A{n}" for n in range(4)]
PLAIN = [f"R:P{n}" for n in range(4)]

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here"),
    pytest.mark.timeout(900),
]


class Client(threading.Thread):
    """Circuits that come and go, with puts, gets and monitors on random PVs."""

    def __init__(self, address, number, seed, end, names):
        super().__init__(daemon=True)
        self.address, self.end, self.names = address, end, names
        self.rng = random.Random(f"{seed} client {number}")
        self.values = itertools.count(number * 10_000_000 + 1)
        self.answered = set()  # values whose put succeeded
        self.failed = None
        self.circuits = self.refused = 0

    def run(self):
        try:
            while time.monotonic() < self.end:
                try:
                    with Circuit(self.address) as circuit:
                        self.circuits += 1
                        self.visit(circuit)
                except (Closed, ConnectionError, TimeoutError):
                    self.refused += 1  # the server was closed just then
        except Exception as error:
            self.failed = error

    def visit(self, circuit):
        """Pipelined requests; then the answers to all of them, or away."""
        opening = {circuit.new_id(): self.rng.choice(self.names) for _ in range(3)}
        circuit.send(b"".join(wire.create_request(n, c) for c, n in opening.items()))
        channels = {}
        for _ in opening:
            message = next_but_updates(circuit)
            while message.command in (wire.ACCESS_RIGHTS, wire.SERVER_DISCONN):
                channels.pop(message.p1, None)
                message = next_but_updates(circuit)
            if message.command == wire.CREATE_CHAN:
                channels[message.p1] = message.p2
            else:
                assert message.command == wire.CREATE_CH_FAIL, message
        waiting = self.ask(circuit, channels)
        if self.rng.random() < 0.3:
            return
        while waiting:
            message = circuit.receive(60)
            if message.command == wire.SERVER_DISCONN:
                waiting = {i: w for i, w in waiting.items() if w[0] != message.p1}
            elif message.command in (wire.WRITE_NOTIFY, wire.READ_NOTIFY):
                # A channel that is gone may still be answered, once.
                _, value = waiting.pop(message.p2, (0, None))
                if value is not None and message.p1 == ECA_NORMAL:
                    self.answered.add(value)

    def ask(self, circuit, channels):
        """What waits for an answer: by IOID the channel, and the value of a put."""
        waiting, data = {}, []
        for cid, sid in channels.items():
            if self.rng.random() < 0.5:
                data.append(wire.event_request(sid, circuit.new_id(), dbr.LONG))
            for _ in range(self.rng.randrange(5)):
                ioid, value = circuit.new_id(), None
                target = {"type": dbr.LONG, "count": 1, "p1": sid, "p2": ioid}
                if self.rng.random() < 0.7:
                    value = next(self.values)
                    payload = value.to_bytes(4, "big")
                    data.append(wire.pack(wire.WRITE_NOTIFY, payload, **target))
                else:
                    data.append(wire.pack(wire.READ_NOTIFY, **target))
                waiting[ioid] = (cid, value)
        self.rng.shuffle(data)
        circuit.send(b"".join(data))
        return waiting


def next_but_updates(circuit):
    while True:
        message = circuit.receive(60)
        if message.command != wire.EVENT_ADD:
            return message


def race(racers, names, seed, *, keeps_circuits):
    """Clients beside racers; then the outcomes that hold for all scenarios."""
    port = free_port()
    end = time.monotonic() + SECONDS
    with Child.python(SERVER, env=server_environment(port)) as server:
        address = (LOOPBACK, server.ready["tcp_port"])
        server.ask(do="start", names=racers, seed=seed)
        clients = [Client(address, n, seed, end, names) for n in range(CLIENTS)]
        for client in clients:
            client.start()
        with contextlib.ExitStack() as stack:
            watcher = stack.enter_context(watch(address)) if keeps_circuits else None
            for client in clients:
                client.join(SECONDS + 120)
                assert not client.is_alive(), f"a client waits for ever; seed {seed}"
            assert [c.failed for c in clients] == [None] * CLIENTS, f"seed {seed}"
            assert server.ask(60, do="stop") == [], f"seed {seed}"
            server.ask(do="start", names=["process"], seed=seed)
            # Another one, if a child still had the old one as the server started anew.
            port = server.ask(do="settle", value=77)
            if watcher:
                seen = watcher.updates(1, 60)
                assert any(int.from_bytes(m.payload[:4], "big") == 77 for m in seen)
                assert not any(c.refused for c in clients), f"seed {seed}"
        with Circuit((LOOPBACK, port)) as late:
            for name in [*names, "R:CALM"]:
                reply = late.get(late.create(name), dbr.LONG)
                assert reply.p1 == ECA_NORMAL
            assert int.from_bytes(reply.payload[:4], "big") == 77
        assert server.ask(60, do="stop") == []
        written = dict(server.ask(do="written"))
    answered = set().union(*(client.answered for client in clients))
    assert set(written.values()) <= {1}, f"a put was carried out twice; seed {seed}"
    assert answered <= written.keys(), f"a put was answered, not made; seed {seed}"
    circuits = sum(client.circuits for client in clients)
    report(
        f"{'+'.join(sorted(set(racers)))}: {circuits} circuits, {len(written)} puts,"
        f" {len(answered)} answered; seed {seed}"
    )
    assert answered


def watch(address):
    """A circuit that sees CALM to the end, as subscription 1."""
    circuit = Circuit(address)
    channel = circuit.create("R:CALM")
    circuit.send(wire.event_request(channel.sid, 1, dbr.LONG))
    circuit.expect(wire.EVENT_ADD, p2=1)
    return circuit


@pytest.mark.parametrize("seed", SEEDS, ids=["random"])
def test_put_callbacks_from_workers(seed):
    racers = ["process", "finish", "finish", "finish", "post", "count"]
    race(racers, ASYN, seed, keeps_circuits=True)


@pytest.mark.parametrize("seed", SEEDS, ids=["random"])
def test_pvs_that_are_replaced(seed):
    racers = ["process", "finish", "replace", "replace", "post", "count"]
    race(racers, PLAIN + ASYN, seed, keeps_circuits=True)


@pytest.mark.parametrize("seed", SEEDS, ids=["random"])
def test_close_and_start(seed):
    racers = ["process", "restart", "threads", "finish", "post", "count"]
    race(racers, PLAIN + ASYN, seed, keeps_circuits=False)


@pytest.mark.parametrize("seed", SEEDS, ids=["random"])
def test_forks_beside_all_that(seed):
    racers = ["process", "restart", "replace", "finish", "post", "fork", "fork"]
    race(racers, PLAIN + ASYN, seed, keeps_circuits=False)
