"""What a client may cost: what comes of each attack for the server and its others.

The short form asserts what holds on a busy machine, too: memory, order, counts. The
long form carries each attack out in full size, on ours and on the released package, and
reports the figures.
"""

import contextlib
import re
import resource
import struct
import sys
import time

import attacks
import pytest
from attacks import ATTACKS, Server, made, wait_for_rights

from support import dbr, wire
from support.peers import peer_python
from support.scale import LONG, report
from support.wire import ECA_NORMAL, event_request, pack

MB = 1e6
# Most that the outsider may wait in the long form: median and worst, in milliseconds,
# with room for what else the machine does; and memory, in MB.
BOUNDS = {
    "events_off_again_and_again": (10, 50, 10),
    "colliding_subids": (10, 50, 20),
    "rights_that_nobody_reads": (10, 100, 20),
    "searches_that_hit": (5, 100, 20),
    "searches_for_neighbours": (5, 100, 20),
    "puts_for_a_slow_driver": (20, 100, 50),
    "numbers_as_text": (5, 100, 50),
    "failing_driver": (5, 100, 20),
    "unread_replies": (10, 200, 250),
    "names_for_a_blocked_driver": (10, 200, 250),
    "deferred_puts": (10, 200, 250),
    "many_subscriptions": (100, 1000, 1000),
    "all_descriptors": (5, 200, 50),
    "rules_while_names_are_slow": (5, 200, 50),
}


@pytest.fixture
def start(tmp_path):
    """Starts attacked servers: start(mode)."""
    with contextlib.ExitStack() as stack:

        def start(mode, rules=attacks.RULES % "localhost", **environment):
            files = []
            if mode in ("access", "names"):
                path = tmp_path / "attack.acf"
                path.write_text(rules)
                files = [str(path)]
            server = Server(sys.executable, mode, *files, **environment)
            stack.callback(server.close)
            if mode == "access":
                server.child.ask(do="level", value=1)
            return server

        yield start


def expect_updates(circuit, number):
    for _ in range(number):
        circuit.expect(wire.EVENT_ADD, timeout=60)


# ---- rights ----


def test_rights_that_change_for_a_client_that_does_not_read(start):
    server = start("access")
    steps = attacks.rights_that_nobody_reads(server, channels=300, changes=200)
    next(steps)
    before = server.child.resident_bytes()
    for _ in steps:
        pass
    assert server.child.resident_bytes() - before < 12 * MB


def guarded_channels(circuit):
    """200 channels that the rules guard, with 20 subscriptions each; by CID."""
    channels = {}
    for n in range(200):
        channel = made(circuit, f"GUARDED{n}")
        channels[channel.cid] = channel
        requests = (
            event_request(channel.sid, channel.cid * 100 + i, dbr.CTRL + dbr.LONG, 0)
            for i in range(20)
        )
        circuit.send(b"".join(requests))
        expect_updates(circuit, 20)
    return channels


def change_rights(server, times):
    """No rights, all of them, none ... until another client was told each change."""
    with server.circuit() as watcher:
        assert made(watcher, "GUARDED199").rights == 3
        for n in range(times):
            server.child.ask(do="level", value=1 if n % 2 else 9)
            watcher.expect(wire.ACCESS_RIGHTS, timeout=60)


def test_rights_that_are_as_before_are_not_told_again(start):
    server = start("access")
    wait_for_rights(server)
    circuit = server.circuit(receive_buffer=4096)
    rights = dict.fromkeys(guarded_channels(circuit), 3)
    change_rights(server, 40)
    for message in circuit.drain() + circuit.drain():
        if message.command == wire.ACCESS_RIGHTS:
            assert rights[message.p1] != message.p2, "told again"
            rights[message.p1] = message.p2
    assert set(rights.values()) == {3}


def test_who_reads_again_is_told_the_rights_that_hold_then(start):
    server = start("access")
    wait_for_rights(server)
    circuit = server.circuit(receive_buffer=4096)
    channels = guarded_channels(circuit)
    change_rights(server, 41)
    rights = dict.fromkeys(channels, 3)
    last = {}
    circuit.send(pack(wire.ECHO))
    # What was on its way, then the rights as they are, then updates that say so.
    while len(last) < 20 * 200 or set(last.values()) != {wire.ECA_NORDACCESS}:
        message = circuit.receive(60)
        if message.command == wire.ACCESS_RIGHTS:
            rights[message.p1] = message.p2
        elif message.command == wire.EVENT_ADD:
            last[message.p2] = message.p1
            if message.p1 == wire.ECA_NORDACCESS:
                assert rights[message.p2 // 100] == 0, "ahead of the rights"
    assert set(rights.values()) == {0}
    server.child.ask(do="level", value=1)
    seen = set()
    while len(seen) < 20 * 200:
        message = circuit.receive(60)
        if message.command == wire.EVENT_ADD:
            assert message.p1 == ECA_NORMAL
            seen.add(message.p2)


# ---- turns ----


def test_a_put_of_another_is_answered_before_a_flood_is_through(start):
    server = start("slow")
    flood, other = server.circuit(), server.circuit()
    channel, target = made(flood, "PUT"), made(other, "OTHER")
    number = 3000
    flood.send(
        b"".join(
            pack(
                wire.WRITE_NOTIFY,
                struct.pack(">i", n),
                type=dbr.LONG,
                count=1,
                p1=channel.sid,
                p2=n,
            )
            for n in range(number)
        )
    )
    flood.expect(wire.WRITE_NOTIFY, p2=0, timeout=60)
    for n in range(5):
        data = struct.pack(">i", n)
        fields = {"type": dbr.LONG, "count": 1, "p1": target.sid, "p2": n}
        other.send(pack(wire.WRITE_NOTIFY, data, **fields))
        other.expect(wire.WRITE_NOTIFY, p2=n, timeout=60)
    written = server.child.ask(do="written")
    assert written < number
    for n in range(1, number):  # in order, each once
        flood.expect(wire.WRITE_NOTIFY, p1=ECA_NORMAL, p2=n, timeout=60)


# ---- text ----


def test_numbers_as_text_take_no_memory_and_no_time_of_others(start):
    server = start("plain")
    greedy, other = server.circuit(receive_buffer=4096), server.circuit()
    channel, target = made(greedy, "BIG"), made(other, "OTHER")
    other.get(target, dbr.LONG)
    before = server.child.resident_bytes()
    fields = {"type": dbr.STRING, "count": 1_000_000, "p1": channel.sid}
    greedy.send(pack(wire.READ_NOTIFY, **fields, p2=1))
    for _ in range(100):
        assert other.get(target, dbr.LONG).p1 == ECA_NORMAL
    assert server.child.resident_bytes() - before < 8 * MB  # of 40 MB
    got = 0
    while got < 1000 * 40:
        got += len(greedy.socket.recv(1 << 18))


# ---- memory ----

HOST_LIMIT = {"PCASPY_MAX_HELD_BYTES_PER_HOST": str(16_000_000)}


def nothing_is_held(server, but=()):
    """With no client left, every account is back at zero."""
    deadline = time.monotonic() + 50
    counts = {"circuits", "held_bytes", "requests_queued"} - {*but}
    stats = server.child.ask(do="stats")
    while any(stats[count] for count in counts):
        assert time.monotonic() < deadline, stats
        time.sleep(0.01)
        stats = server.child.ask(do="stats")


def test_replies_that_nobody_reads_are_bounded_for_a_host(start):
    server = start("plain", **HOST_LIMIT)
    other = server.circuit()
    target = made(other, "OTHER")
    before = server.child.resident_bytes()
    circuits = [server.circuit(receive_buffer=4096) for _ in range(30)]
    for n, circuit in enumerate(circuits):
        channel = made(circuit, "BIG")
        fields = {"type": dbr.DOUBLE, "count": 1_000_000 - n, "p1": channel.sid}
        circuit.send(pack(wire.READ_NOTIFY, **fields, p2=n) * 2)
        assert other.get(target, dbr.LONG).p1 == ECA_NORMAL  # who holds little goes on
    assert server.child.resident_bytes() - before < 100 * MB  # of 240 MB
    # Whoever reads in the end gets all that it asked for.
    for circuit in circuits[:-1]:
        circuit.close()
    for _ in range(2):
        reply = circuits[-1].expect(wire.READ_NOTIFY, p1=ECA_NORMAL, timeout=60)
        assert reply.count == 1_000_000 - 29
    circuits[-1].close()
    other.close()
    nothing_is_held(server)


def test_names_for_a_driver_that_is_busy_are_bounded_for_a_host(start):
    server = start("blocked", **HOST_LIMIT)
    before = server.child.resident_bytes()
    name = "X:ATTACK" + "x" * 900
    requests = b"".join(
        wire.search_request(name, n, wire.DO_REPLY) for n in range(4000)
    )
    circuits = [server.circuit() for _ in range(40)]
    for circuit in circuits:
        circuit.socket.setblocking(False)
        with contextlib.suppress(OSError):
            circuit.socket.send(requests)
    with server.circuit() as other:  # is heard, and waits for the driver
        assert other.send(pack(wire.ECHO)) is None
        other.expect(wire.ECHO, timeout=60)
    assert server.child.resident_bytes() - before < 100 * MB  # of 150 MB
    server.child.tell(do="go")
    for circuit in circuits:
        circuit.expect(wire.NOT_FOUND, timeout=60)
        circuit.close()
    assert server.child.answer(60) is None
    nothing_is_held(server)


def test_puts_that_a_driver_keeps_open_are_bounded_for_a_host(start):
    server = start("asyn", **HOST_LIMIT)
    other = server.circuit()
    target = made(other, "OTHER")
    before = server.child.resident_bytes()
    circuits = [server.circuit() for _ in range(10)]
    refused = 0
    data = bytes(8_000_000)
    for circuit in circuits:
        channel = made(circuit, "KEPT")
        fields = {"type": dbr.DOUBLE, "count": 1_000_000, "p1": channel.sid}
        for n in range(4):
            circuit.send(pack(wire.WRITE_NOTIFY, data, **fields, p2=n))
        for message in circuit.drain():
            assert (message.command, message.p1) == (wire.WRITE_NOTIFY, 48)
            refused += 1
        assert other.put(target, dbr.LONG, struct.pack(">i", 1)).p1 == ECA_NORMAL
    assert server.child.resident_bytes() - before < 100 * MB  # of 320 MB
    assert 30 < refused < 40
    for circuit in [*circuits, other]:
        circuit.close()
    nothing_is_held(server, but=["held_bytes"])
    server.child.ask(do="done", value="KEPT")  # the one that outlives its client
    nothing_is_held(server)


# ---- descriptors ----


def test_a_host_that_takes_all_descriptors_leaves_some_to_the_program(start):
    server = start("plain")
    limit = server.child.descriptors() + 150
    hard = resource.prlimit(server.child.pid, resource.RLIMIT_NOFILE)[1]
    resource.prlimit(server.child.pid, resource.RLIMIT_NOFILE, (limit, hard))
    other = server.circuit()
    channel = made(other, "OTHER")
    held = [server.circuit(greet=False) for _ in range(200)]
    held[0].expect(wire.VERSION, timeout=60)
    with pytest.raises(wire.Silence):  # who has no place waits
        held[-1].receive(0.5)
    for _ in range(10):
        assert server.child.ask(do="open")
    assert other.put(channel, dbr.LONG, struct.pack(">i", 1)).p1 == ECA_NORMAL
    for circuit in held[:100]:
        circuit.close()
    held[-1].send(pack(wire.ECHO))
    held[-1].expect(wire.VERSION, timeout=60)
    held[-1].expect(wire.ECHO, timeout=60)


# ---- names of hosts ----


@pytest.fixture
def slow_names(tmp_path):
    """Environment for a server whose name service waits for the file, and the file."""
    file = tmp_path / "answer"
    return attacks.slow_names(tmp_path, str(file)), file


def test_rules_are_loaded_while_names_are_looked_up_slowly(start, slow_names):
    environment, file = slow_names
    server = start("names", attacks.NAMED_RULES, **environment)
    with server.circuit() as circuit:
        channel = made(circuit, "OTHER")
        assert channel.rights == 3  # there are no rules yet
        server.child.tell(do="reload")
        for n in range(20):
            assert circuit.get(channel, dbr.LONG).p1 == ECA_NORMAL
            with server.circuit() as newcomer:
                made(newcomer, "LONG")
            data = struct.pack(">i", n)
            assert circuit.put(channel, dbr.LONG, data).p1 == ECA_NORMAL
        assert not file.exists()  # nobody has answered so far
        guarded = made(circuit, "GUARDED1")
        assert guarded.rights == 3
        file.touch()
        server.child.answer(60)
        circuit.expect(wire.ACCESS_RIGHTS, p1=guarded.cid, p2=1, timeout=60)
        assert made(circuit, "PUT").rights == 3  # the host is this one


# ---- the log ----


def test_a_driver_that_fails_again_and_again_is_told_by_number(start):
    server = start("fails")
    circuit = server.circuit()
    channel = made(circuit, "PUT")
    number = 500
    put = pack(wire.WRITE, struct.pack(">i", 1), type=dbr.LONG, count=1, p1=channel.sid)
    circuit.send(put * number)
    for _ in range(number):
        circuit.expect(wire.ERROR, timeout=60)
    server.child.ask(do="close")
    log = server.child.stderr()
    assert 1 <= log.count("this write always fails") <= 50
    told = log.count("PV X:PUT: write failed; put of 1")
    more = [int(n) for n in re.findall(r"write failed: \.\.\. and (\d+) more", log)]
    assert told + sum(more) == number


# ---- in full size ----


@pytest.mark.alone
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "attack",
    ATTACKS if LONG else [attacks.colliding_subids],
    ids=lambda attack: attack.__name__,
)
def test_an_attack_in_full_size(attack):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 100_000), hard))
    try:
        ours = attacks.run(attack, sys.executable, ATTACKS[attack])
        if not LONG:
            return
        try:
            peer = str(attacks.run(attack, str(peer_python("pcaspy")), ATTACKS[attack]))
        except (AssertionError, OSError) as error:
            peer = f"{type(error).__name__}: {str(error)[:60]}"
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    report(f"attack: {attack.__doc__}: {ours}; pcaspy 0.8.1: {peer}")
    median, worst, grown = BOUNDS[attack.__name__]
    assert ours.median < median
    assert ours.worst < worst
    assert ours.grown < grown
