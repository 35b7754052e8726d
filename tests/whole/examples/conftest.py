"""Fixtures: a port of its own for each test, an example's program, a foreign client."""

import re

import pytest

from support.environment import server_environment
from support.epics_client import EpicsClient
from support.example_program import Program
from support.ports import free_port

# What a server says of puts that its driver does not take.
REFUSED = re.compile(r"PV \S+: the driver refused a put(;.*|: \.\.\. and \d+ more.*)")


@pytest.fixture
def port():
    """The search port of this test's server."""
    return free_port()


@pytest.fixture
def run(port):
    """Starts an example; at the end, Ctrl-C must end it, without other words."""
    programs = []

    def start(name):
        programs.append(Program(name, env=server_environment(port)))
        return programs[-1]

    yield start
    try:
        for program in programs:
            program.interrupt()
        for program in programs:
            status, said = program.wait()
            # Refused puts are heard; nothing else may be.
            other = [line for line in said.splitlines() if not REFUSED.fullmatch(line)]
            assert (status, other) == (0, [])
    finally:
        for program in programs:
            program.close()


@pytest.fixture
def client(port):
    """A client of the server on `port`."""
    with EpicsClient(port) as client:
        yield client
