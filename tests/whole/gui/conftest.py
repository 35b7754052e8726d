"""Programs with a window, without a screen, in environments of their own."""

import subprocess

import pytest

from support.environment import client_environment, server_environment
from support.peers import ROOT, peer_python
from support.ports import free_port


@pytest.fixture
def port():
    return free_port()


def pvaccess(udp):
    """For a server and a client over PVAccess that find each other there."""
    return {
        "EPICS_PVAS_INTF_ADDR_LIST": "127.0.0.1",
        "EPICS_PVAS_SERVER_PORT": "0",
        "EPICS_PVAS_BROADCAST_PORT": udp,
        "EPICS_PVA_BROADCAST_PORT": udp,
        "EPICS_PVA_ADDR_LIST": "127.0.0.1",
        "EPICS_PVA_AUTO_ADDR_LIST": "NO",
    }


@pytest.fixture
def env(port):
    """For a server and a client in one process, without a screen."""
    return {
        **server_environment(port),
        **client_environment(port),
        **pvaccess(str(free_port())),
        "QT_QPA_PLATFORM": "offscreen",
        "PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'examples'}",
    }


@pytest.fixture
def run(env):
    """Runs a program in one of the environments to its end; it must succeed."""

    def run_program(environment, *argv):
        python = peer_python(environment)
        done = subprocess.run(
            [str(python), *map(str, argv)],
            env=env,
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Traceback" not in done.stderr, done.stderr
        return done.stdout

    return run_program
