"""Circuits up to the limit of descriptors: nobody spins or suffers, all recovers."""

import contextlib
import resource
import time
from pathlib import Path

import pytest

from support import dbr
from support.environment import server_environment
from support.ports import LOOPBACK, free_port
from support.process import Child
from support.rates import gets_per_second
from support.scale import LONG, report
from support.wire import ECA_NORMAL, ECHO, VERSION, Circuit, Silence, pack, version

SERVER = str(Path(__file__).parent / "busy_server.py")
BEYOND = 20  # circuits that the server has no descriptors for
RESERVE = 32  # that it leaves to the program


@pytest.fixture(autouse=True)
def many_descriptors():
    """As many for this process as it may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def server():
    limits = {"PCASPY_MAX_CIRCUITS_PER_HOST": "100000", "PCASPY_MAX_CIRCUITS": "100000"}
    with Child.python(SERVER, env=server_environment(free_port()) | limits) as child:
        yield child
        assert child.alive()


def open_circuit(server, **options):
    return Circuit((LOOPBACK, server.ready["tcp_port"]), **options)


@pytest.mark.alone
@pytest.mark.timeout(300)
@pytest.mark.parametrize("number", [1100, 5000] if LONG else [300])
def test_circuits_up_to_the_limit_of_descriptors(server, number):
    """The limit lies at `number`; the clients beyond it wait, without a busy loop."""
    with contextlib.ExitStack() as held, open_circuit(server) as other:
        channel = other.create("B:MANY7")
        rate = gets_per_second(other, channel)
        before = server.resident_bytes()
        limit = server.descriptors() + number + RESERVE
        hard = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)[1]
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (limit, hard))
        circuits = [held.enter_context(open_circuit(server)) for _ in range(number)]
        for circuit in circuits:
            circuit.create("B:MANY1")
        memory = (server.resident_bytes() - before) / number
        waiting = [
            held.enter_context(open_circuit(server, greet=False)) for _ in range(BEYOND)
        ]
        rate_beside = gets_per_second(other, channel)
        spent = server.cpu_seconds()
        idle = 2.0
        with pytest.raises(Silence):
            waiting[0].receive(idle)
        load = (server.cpu_seconds() - spent) / idle
        # Room again: those that waited are served, in any order, and new ones too.
        for circuit in circuits[: 2 * BEYOND]:
            circuit.close()
        for circuit in waiting:
            circuit.send(version() + pack(ECHO))
            circuit.expect(VERSION, timeout=10)
            circuit.expect(ECHO)
        with open_circuit(server) as late:
            assert late.get(late.create("B:MANY2"), dbr.LONG).p1 == ECA_NORMAL
        for circuit in circuits[-BEYOND:]:
            circuit.send(pack(ECHO))
            circuit.expect(ECHO)
    report(
        f"{number} circuits, {BEYOND} more beyond the limit of descriptors:"
        f" {memory:.0f} bytes of memory a circuit with its channel, load"
        f" {100 * load:.1f} %, another client's"
        f" gets at {rate_beside / rate:.2f} of their rate"
    )
    assert memory < 8192
    assert load < 0.15  # the scans of the busy server are in it
    assert rate_beside > 0.5 * rate
    deadline = time.monotonic() + 10
    while server.descriptors() > limit - number:
        assert time.monotonic() < deadline, "descriptors were not given back"
        time.sleep(0.01)
