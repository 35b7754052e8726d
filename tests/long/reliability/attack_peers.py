"""The same attacks on ours and on other servers.

`python tests/long/reliability/attack_peers.py [ATTACK ...]`

Prints for each attack whether the server still serves, and how much its memory grew.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from support import dbr, wire
from support.environment import server_environment
from support.peers import peer_python
from support.ports import LOOPBACK
from support.process import Child
from support.targets import BOTH, Target
from support.wire import Circuit, event_request, pack


def announced_write(target: Target, held: list[Circuit]) -> None:
    """A write with 1 GiB announced and 64 kB sent."""
    circuit = target.circuit()
    held.append(circuit)
    channel = circuit.create(target.pv("TARGET"))
    header = pack(
        wire.WRITE, type=6, count=1, p1=channel.sid, size=1 << 30, extended=True
    )
    circuit.send_hostile(header + bytes(1 << 16))


def unread_gets(target: Target, held: list[Circuit]) -> None:
    """Ten clients ask for 200 arrays of 400 kB each and read none."""
    for _ in range(10):
        circuit = target.circuit(receive_buffer=4096)
        held.append(circuit)
        channel = circuit.create(target.pv("BIG"))
        circuit.send(
            b"".join(
                pack(
                    wire.READ_NOTIFY, type=dbr.LONG, count=100_000, p1=channel.sid, p2=n
                )
                for n in range(200)
            )
        )


def circuits(target: Target, held: list[Circuit]) -> None:
    """400 circuits that say nothing more."""
    held += [target.circuit() for _ in range(400)]


def unread_monitors(target: Target, held: list[Circuit]) -> None:
    """Ten clients that read none of 100 updates of 400 kB."""
    for _ in range(10):
        circuit = target.circuit(receive_buffer=4096)
        held.append(circuit)
        channel = circuit.create(target.pv("BIG"))
        circuit.send(event_request(channel.sid, 1, dbr.LONG, 100_000))
    with target.circuit() as writer:
        channel = writer.create(target.pv("BIG"))
        for number in range(100):
            data = struct.pack(">i", number) * 100_000
            writer.put(channel, dbr.LONG, data, 100_000)


def overflowing_counts(target: Target, held: list[Circuit]) -> None:
    """Reads and writes with counts that overflow 32 bits."""
    commands = (wire.READ_NOTIFY, wire.WRITE, wire.WRITE_NOTIFY, wire.EVENT_ADD)
    for count in (0xFFFFFFFF, 0x20000001, 0x1FFFFFFF, 0x40000001):
        for command in commands:
            circuit = target.circuit()
            held.append(circuit)
            channel = circuit.create(target.pv("BIG"))
            data = bytes(16) if command != wire.READ_NOTIFY else b""
            for type_ in (dbr.DOUBLE, dbr.STRING, dbr.TIME + dbr.LONG):
                circuit.send_hostile(
                    pack(command, data, type=type_, count=count, p1=channel.sid, p2=1)
                )
            with contextlib.suppress(AssertionError):
                circuit.receive(0.5)


def unfinished_ends(target: Target, held: list[Circuit]) -> None:
    """500 clients that leave with a reset in the middle of an array."""
    for _ in range(500):
        with target.circuit() as circuit:
            channel = circuit.create(target.pv("BIG"))
            circuit.send(
                pack(
                    wire.READ_NOTIFY, type=dbr.LONG, count=100_000, p1=channel.sid, p2=1
                )
                * 5
            )
            circuit.socket.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )


def garbage(target: Target, held: list[Circuit]) -> None:
    """200 clients of another protocol."""
    for _ in range(200):
        with target.circuit(greet=False) as circuit:
            circuit.send_hostile(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 10)


class Peer(Target):
    """Another project's server, in the environment of its own."""

    def _start(self) -> None:
        script = str(Path(__file__).parent / "peer_server.py")
        env = server_environment(self.port, EPICS_CA_MAX_ARRAY_BYTES="1000000")
        env["EPICS_CA_SERVER_PORT"] = str(self.port)
        python = str(peer_python(self.name))
        self.child = Child([python, script, self.name, self.prefix], env)
        self.tcp = self.udp = (LOOPBACK, self.port)


SERVERS = dict.fromkeys(BOTH, Target) | {"pcaspy": Peer, "caproto": Peer}
ATTACKS = (
    announced_write,
    unread_gets,
    unread_monitors,
    overflowing_counts,
    unfinished_ends,
    circuits,
    garbage,
)


def state(child: Child) -> str:
    """Of one that does not serve."""
    return "hangs" if child.alive() else f"ended, status {child.stop()}"


def attack(name: str, function: object) -> str:
    """The outcome as a cell of the table."""
    target = SERVERS[name](name)
    child: Child = target.child
    held: list[Circuit] = []
    try:
        with target.circuit() as probe:
            channel = probe.create(target.pv("LONG"))
            before = child.resident_bytes()
            function(target, held)  # type: ignore[operator]
            try:
                probe.get(channel, dbr.LONG)
                with target.circuit() as fresh:
                    fresh.create(target.pv("LONG"))
                word = "serves"
            except AssertionError:
                word = state(child)
            grown = (child.resident_bytes() - before) / 1e6 if child.alive() else 0
        return f"{word}, grew {grown:.1f} MB"
    except (AssertionError, OSError) as error:
        return f"{state(child)} ({type(error).__name__})"
    finally:
        for circuit in held:
            circuit.close()
        child.kill()
        child.stop()


def main() -> None:
    """Prints the table; arguments choose attacks by their function's name."""
    chosen = [f for f in ATTACKS if f.__name__ in sys.argv[1:]] or ATTACKS
    print("| attack | " + " | ".join(SERVERS) + " |\n|---|" + "---|" * len(SERVERS))
    for function in chosen:
        cells = [attack(name, function) for name in SERVERS]
        what = (function.__doc__ or "").rstrip(".")
        print(f"| {what} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
