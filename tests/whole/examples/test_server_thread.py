"""ServerThread inside another main loop: values for some seconds, then a clean end."""

import pytest

from support.environment import server_environment
from support.example_program import Program


@pytest.fixture
def program(port):
    """Starts server_thread.py for a number of seconds."""
    programs = []

    def start(seconds):
        env = server_environment(port)
        programs.append(Program("server_thread", str(seconds), env=env))
        return programs[-1]

    yield start
    for started in programs:
        started.close()


def test_serves_then_ends_by_itself(program, client):
    server = program(4)
    client.monitor("MTEST:COUNT")
    counts = [update["value"] for update in client.updates("MTEST:COUNT", count=4)]
    assert counts == sorted(set(counts))
    assert server.wait(15) == (0, "stopped after 40\n")
    client.next_update("MTEST:COUNT", lambda update: update.get("errorcode") == 192)


def test_ctrl_c_ends_it_early(program, client):
    server = program(3600)
    client.connect("MTEST:COUNT")
    server.interrupt()
    status, printed = server.wait()
    assert status == 0
    assert printed.startswith("stopped after ")
