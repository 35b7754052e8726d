"""What one client, or one host, may try to spoil for all others.

Each attack is a generator: it sets up, yields, and goes on while an outsider measures
how long its gets take. `python tests/long/reliability/attacks.py [ATTACK ...]` prints a
table of ours and its peers: the outsider's median and worst get, and how much memory
grew.
"""

from __future__ import annotations

import contextlib
import os
import resource
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from support import dbr, wire
from support.environment import server_environment, without_epics
from support.peers import peer_python
from support.ports import LOOPBACK, free_port
from support.process import Child
from support.wire import Circuit, event_request, pack, search_request, version

SERVER = str(Path(__file__).with_name("attacked_server.py"))
SCRIPT = str(Path(__file__).with_name("outsider.py"))
RULES = """
HAG(desks) { %s }
ASG(fill) {
    INPA($(P)LEVEL)
    RULE(1, READ) { CALC("A<5") }
    RULE(1, WRITE) { CALC("A<5") }
}
"""
# Hosts by address, and their names are asked for.
NAMED_RULES = """
HAG(desks) { slow1, slow2 }
ASG(DEFAULT) { RULE(1, READ) RULE(1, WRITE) { HAG(desks) } }
ASG(fill) { RULE(1, READ) }
"""
SUBSCRIPTIONS = 100_000
SLOW_SECONDS = 8.0
BUILD = Path(__file__).parents[3] / "build"
NAMES_ANSWERED = str(BUILD / "names_answered")


class Server:
    """The attacked server on one package.

    Args:
        python: Whose package.
        mode: As attacked_server.py takes it.
        rules: An access security file.
    """

    def __init__(self, python: str, mode: str, *rules: str, **environment: str) -> None:
        self.port = free_port()
        env = server_environment(
            self.port,
            EPICS_CA_MAX_ARRAY_BYTES="50000000",
            EPICS_CA_SERVER_PORT=str(self.port),
            **environment,
        )
        self.child = Child([python, SERVER, mode, *rules], env)
        self.stack = contextlib.ExitStack()

    def circuit(self, **options: int) -> Circuit:
        """A new circuit, closed at the end."""
        made = Circuit((LOOPBACK, self.port), **options)
        return self.stack.enter_context(made)

    def close(self) -> None:
        """Ends everything."""
        self.stack.close()
        self.child.stop()


def slow_names(folder: Path, answered: str) -> dict[str, str]:
    """Environment for a server whose name service waits until a file exists."""
    shim = folder / "slow_names.so"
    source = str(Path(__file__).with_name("slow_names_shim.c"))
    subprocess.run(
        ["gcc", "-shared", "-fPIC", "-O1", "-o", str(shim), source, "-ldl"], check=True
    )
    preload = " ".join(filter(None, (os.environ.get("LD_PRELOAD"), str(shim))))
    return {"LD_PRELOAD": preload, "SLOW_NAMES_FILE": answered}


def made(circuit: Circuit, name: str) -> wire.Channel:
    """A channel."""
    return circuit.create("X:" + name)


# ---- attacks ----


def events_off_again_and_again(
    server: Server, subscriptions: int = SUBSCRIPTIONS
) -> Iterator[None]:
    """EVENTS_OFF repeated on 100,000 subscriptions, 64 kB"""
    circuit = server.circuit()
    channel = made(circuit, "LONG")
    for first in range(0, subscriptions, 1000):
        requests = (
            event_request(channel.sid, first + n, dbr.LONG) for n in range(1000)
        )
        circuit.send(b"".join(requests))
        for _ in range(1000):
            circuit.expect(wire.EVENT_ADD, timeout=60)
    circuit.send(pack(wire.EVENTS_OFF))
    other = server.circuit()
    other.put(made(other, "LONG"), dbr.LONG, struct.pack(">i", 8))
    yield
    for _ in range(4):
        circuit.send(pack(wire.EVENTS_OFF) * 4096)
        yield


def colliding_subids(server: Server) -> Iterator[None]:
    """EVENT_ADD with SUBIDs chosen to collide, 262 kB"""
    circuit = server.circuit()
    channel = made(circuit, "LONG")
    # Sizes that hash tables of the C++ library have on their way.
    prime = 15_173 * 13
    yield
    requests = (
        event_request(channel.sid, (n * prime) & 0xFFFFFFFF, dbr.LONG)
        for n in range(8192)
    )
    circuit.send(b"".join(requests))
    yield
    for _ in range(8192):
        circuit.expect(wire.EVENT_ADD, timeout=60)


def rights_that_nobody_reads(
    server: Server, channels: int = 1000, changes: int = 400
) -> Iterator[None]:
    """rights change again and again for a client that does not read"""
    circuit = server.circuit(receive_buffer=4096)
    wait_for_rights(server)
    for n in range(channels):
        channel = made(circuit, f"GUARDED{n}")
        circuit.send(
            b"".join(
                event_request(channel.sid, 10 * n + i, dbr.CTRL + dbr.LONG, 0)
                for i in range(10)
            )
        )
        for _ in range(10):
            circuit.expect(wire.EVENT_ADD, timeout=60, p1=wire.ECA_NORMAL)
    watcher = server.circuit()
    watched = made(watcher, "GUARDED0")
    assert watched.rights == 3
    yield
    for n in range(changes):
        server.child.ask(60, do="level", value=1 if n % 2 else 9)
        rights = watcher.expect(wire.ACCESS_RIGHTS, timeout=60)
        assert rights.p2 == (3 if n % 2 else 0)
        if n % 100 == 99:
            yield


def wait_for_rights(server: Server) -> None:
    """Until the input of the rules is connected."""
    with contextlib.closing(server.circuit()) as circuit:
        if not made(circuit, "GUARDED0").rights:
            circuit.expect(wire.ACCESS_RIGHTS, timeout=60)


def searches_that_hit(server: Server) -> Iterator[None]:
    """50,000 searches a second that hit"""
    names = b"".join(search_request("X:LONG", n) for n in range(40))
    yield from searches(server, version(1) + names, 50_000 / 40)


def searches_for_neighbours(server: Server) -> Iterator[None]:
    """10,000 searches a second for names of other servers"""
    yield from searches(server, version(1) + search_request("Y:LONG", 1), 10_000)


def searches(server: Server, datagram: bytes, per_second: float) -> Iterator[None]:
    """The datagram again and again for 3 seconds."""
    sock = server.stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    sock.bind((LOOPBACK, 0))
    sock.setblocking(False)
    yield
    end = time.monotonic() + 3
    due = time.monotonic()
    while time.monotonic() < end:
        due += 1 / per_second
        with contextlib.suppress(OSError):
            sock.sendto(datagram, (LOOPBACK, server.port))
        with contextlib.suppress(OSError):
            while True:
                sock.recv(2048)
        if due > time.monotonic():
            time.sleep(max(0.0, due - time.monotonic()))
    yield


def numbers_as_text(server: Server) -> Iterator[None]:
    """1 M doubles asked for as text, again and again"""
    circuit = server.circuit()
    channel = made(circuit, "BIG")
    request = pack(
        wire.READ_NOTIFY, type=dbr.STRING, count=1_000_000, p1=channel.sid, p2=1
    )
    yield
    for _ in range(4):
        circuit.send(request)
        with contextlib.suppress(wire.Silence):
            while circuit.receive(60).command != wire.READ_NOTIFY:
                pass
        yield


def unread_replies(server: Server) -> Iterator[None]:
    """100 clients of a host ask for 8 MB each and read nothing"""
    yield
    for n in range(100):
        circuit = server.circuit(receive_buffer=4096)
        channel = made(circuit, "BIG")
        circuit.send(
            pack(
                wire.READ_NOTIFY,
                type=(dbr.DOUBLE, dbr.FLOAT, dbr.STRING)[n % 3],
                count=1_000_000 - n,
                p1=channel.sid,
            )
            * 4
        )
        yield


def names_for_a_blocked_driver(server: Server) -> Iterator[None]:
    """long names for a pvExistTest that does not return, from 200 circuits"""
    yield
    name = "X:ATTACK" + "x" * 900
    request = wire.create_request(name, 1) + pack(wire.ECHO)
    for _ in range(200):
        circuit = server.circuit()
        with contextlib.suppress(OSError):
            circuit.socket.setblocking(False)
            circuit.socket.send(search_request(name, 1) * 3000 + request)
        yield
    server.child.tell(do="go")


def deferred_puts(server: Server) -> Iterator[None]:
    """put callbacks that a driver keeps open, 8 MB each, from 100 circuits"""
    yield
    data = bytes(8_000_000)
    for _ in range(100):
        circuit = server.circuit()
        channel = made(circuit, "KEPT")
        request = pack(
            wire.WRITE_NOTIFY,
            data,
            type=dbr.DOUBLE,
            count=1_000_000,
            p1=channel.sid,
        )
        circuit.socket.setblocking(False)
        with contextlib.suppress(OSError):
            circuit.socket.send(request * 2)
        yield


def puts_for_a_slow_driver(server: Server) -> Iterator[None]:
    """one circuit floods puts to a driver that takes 1 ms for each"""
    circuit = server.circuit()
    channel = made(circuit, "PUT")
    put = pack(wire.WRITE, struct.pack(">i", 1), type=dbr.LONG, count=1, p1=channel.sid)
    circuit.socket.settimeout(0.01)
    yield
    end = time.monotonic() + 3
    while time.monotonic() < end:
        with contextlib.suppress(TimeoutError):
            circuit.socket.sendall(put * 100)
    yield


def many_subscriptions(server: Server, number: int = 1000) -> Iterator[None]:
    """1,000 circuits with 1,000 subscriptions of 1 kB at 10 Hz"""
    circuits: list[Circuit] = []
    stop = threading.Event()

    def drain() -> None:
        while not stop.is_set():
            for circuit in list(circuits):
                with contextlib.suppress(OSError):
                    circuit.socket.recv(1 << 18, socket.MSG_DONTWAIT)

    thread = threading.Thread(target=drain, daemon=True)
    thread.start()
    for _ in range(number):
        circuit = server.circuit(receive_buffer=65536)
        circuit.send(b"".join(wire.create_request(f"X:N{n}", n) for n in range(1000)))
        sids = []
        while len(sids) < 1000:
            message = circuit.receive(60)
            if message.command == wire.CREATE_CHAN:
                sids.append(message.p2)
        requests = (
            event_request(sid, n, dbr.DOUBLE, 125) for n, sid in enumerate(sids)
        )
        circuit.send(b"".join(requests))
        circuits.append(circuit)
    yield
    time.sleep(3)
    yield
    stop.set()
    thread.join()


def all_descriptors(server: Server) -> Iterator[None]:
    """as many circuits as the server has descriptors"""
    pid = server.child.pid
    hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)[1]
    limit = server.child.descriptors() + 200
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, hard))
    yield
    held = []
    for _ in range(400):
        try:
            held.append(server.circuit())
        except (AssertionError, OSError):
            break
    yield
    assert server.child.ask(60, do="open"), "the program cannot open a file"
    for circuit in held:
        circuit.close()


def rules_while_names_are_slow(server: Server) -> Iterator[None]:
    """an access file is loaded while the name service answers after 8 s"""
    made(server.circuit(), "GUARDED1")
    yield
    server.child.tell(do="reload")
    end = time.monotonic() + SLOW_SECONDS
    while time.monotonic() < end:
        circuit = server.circuit()
        made(circuit, "LONG")
        circuit.close()  # or the next one is beyond the limit of a host
        yield
    Path(NAMES_ANSWERED).touch()
    server.child.answer(60)
    yield


def failing_driver(server: Server) -> Iterator[None]:
    """puts to a driver that always fails"""
    circuit = server.circuit()
    channel = made(circuit, "PUT")
    put = pack(wire.WRITE, struct.pack(">i", 1), type=dbr.LONG, count=1, p1=channel.sid)
    circuit.socket.settimeout(0.01)
    yield
    end = time.monotonic() + 3
    while time.monotonic() < end:
        with contextlib.suppress(TimeoutError):
            circuit.socket.sendall(put * 100)
        with contextlib.suppress(TimeoutError):
            circuit.socket.recv(1 << 16)
    yield


ATTACKS: dict[Callable[[Server], Iterator[None]], str] = {
    events_off_again_and_again: "plain",
    colliding_subids: "plain",
    rights_that_nobody_reads: "access",
    searches_that_hit: "plain",
    searches_for_neighbours: "plain",
    numbers_as_text: "plain",
    unread_replies: "plain",
    names_for_a_blocked_driver: "blocked",
    deferred_puts: "asyn",
    puts_for_a_slow_driver: "slow",
    many_subscriptions: "posts",
    failing_driver: "fails",
    all_descriptors: "plain",
    rules_while_names_are_slow: "names",
}


class Outsider:
    """Another client: one get, or one put callback, after the other; their times."""

    def __init__(self, server: Server, put: bool) -> None:
        argv = [SCRIPT, str(server.port), "X:OTHER", "put" if put else "get"]
        self.child = Child.python(*argv, env=without_epics())
        self.wait_for(3)

    def wait_for(self, more: int) -> None:
        """Until so many more requests are answered."""
        wanted = self.child.ask(do="count") + more
        deadline = time.monotonic() + 120
        while self.child.ask(do="count") < wanted:
            assert time.monotonic() < deadline, "the outsider is not served"
            time.sleep(0.002)

    def figures(self) -> tuple[float, float]:
        """Median and worst, milliseconds."""
        try:
            self.wait_for(1)
            median, worst, _number = self.child.ask(do="figures")
        finally:
            self.child.stop()
        return median, worst


class Outcome:
    """What an attack did."""

    def __init__(self, median: float, worst: float, grown: float, logged: int) -> None:
        self.median = median
        self.worst = worst
        self.grown = grown
        self.logged = logged

    def __str__(self) -> str:
        text = f"{self.median:.2f} / {self.worst:.0f} ms, {self.grown:.0f} MB"
        return text + (
            f", log {self.logged / 1e3:.0f} kB" if self.logged > 9999 else ""
        )


def run(attack: Callable[[Server], Iterator[None]], python: str, mode: str) -> Outcome:
    """Carries one attack out."""
    BUILD.mkdir(exist_ok=True)
    rules, environment = [], {}
    if mode in ("access", "names"):
        path = BUILD / "attack.acf"
        path.write_text(NAMED_RULES if mode == "names" else RULES % "localhost")
        rules = [str(path)]
    if mode == "names":
        Path(NAMES_ANSWERED).unlink(missing_ok=True)
        environment = slow_names(BUILD, NAMES_ANSWERED)
    server = Server(python, mode, *rules, **environment)
    try:
        if mode == "access":
            server.child.ask(do="level", value=1)
        steps = attack(server)
        next(steps)
        before = server.child.resident_bytes()
        grown = 0
        outsider = Outsider(server, put=mode == "slow")
        try:
            for _ in steps:
                grown = max(grown, server.child.resident_bytes() - before)
        finally:
            median, worst = outsider.figures()
        assert server.child.alive()
        logged = len(server.child.stderr())
        return Outcome(median, worst, grown / 1e6, logged)
    finally:
        server.close()


def main() -> None:
    """Prints the table."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 100_000), hard))
    pythons = {"ours": sys.executable, "pcaspy 0.8.1": str(peer_python("pcaspy"))}
    wanted = [a for a in ATTACKS if a.__name__ in sys.argv[1:]] or list(ATTACKS)
    for attack in wanted:
        for name, python in pythons.items():
            try:
                outcome = str(run(attack, python, ATTACKS[attack]))
            except (AssertionError, OSError) as error:
                outcome = f"{type(error).__name__}: {str(error)[:100]}"
            print(f"{attack.__doc__} | {name} | {outcome}", flush=True)
    del soft


if __name__ == "__main__":
    main()
