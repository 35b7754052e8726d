"""The examples that are servers run on the released pcaspy, too."""

import pytest

from support.environment import server_environment
from support.epics_client import ECA_NORMAL
from support.example_program import Program
from support.peers import peer_python


@pytest.fixture
def start(port):
    """Starts an example on the released package."""
    python = str(peer_python("pcaspy"))
    programs = []

    def start_program(name):
        programs.append(Program(name, env=server_environment(port), python=python))
        return programs[-1]

    yield start_program
    for program in programs:
        program.close()


@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    ("name", "pv", "value"),
    [
        ("alarms", "MTEST:LEVEL", 5),
        ("dynamic_properties", "MTEST:ENERGY", 5),
        ("echo", "MTEST:RAND", 5),
        ("long_text", "MTEST:TEXT", None),
        ("random_number", "MTEST:RAND", None),
        ("random_scan", "MTEST:RAND", None),
        ("server_thread", "MTEST:COUNT", None),
        ("shell_command", "MTEST:STATUS", None),
        ("two_drivers", "LEFT:POSITION", 5),
        ("two_prefixes", "HALL:TEMPERATURE", 5),
    ],
)
def test_runs(start, client, name, pv, value):
    program = start(name)
    assert "value" in client.get(pv)
    if value is not None:
        assert client.put(pv, value) == ECA_NORMAL
        assert client.value(pv) == value
    program.interrupt()
    status, said = program.wait()
    assert "Traceback" not in said
    assert status == 0
