"""Servers and environments for the tests of the client.

libca reads its settings once, when its context is made. So every server that a test of
this folder talks to listens on one of the ports that are reserved here, before the
client is imported.
"""

import os
import sys
from pathlib import Path

import pytest

from support.peers import peer_python
from support.ports import LOOPBACK, free_port
from support.targets import REFERENCE, Target

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from client_support import (  # noqa: E402
    MAIN_PORT,
    SECOND_PORT,
    THIRD_PORT,
    Ioc,
    scenario_child,
)

SETTINGS = {
    "EPICS_CA_ADDR_LIST": " ".join(
        f"{LOOPBACK}:{port}" for port in (MAIN_PORT, SECOND_PORT, THIRD_PORT)
    ),
    "EPICS_CA_AUTO_ADDR_LIST": "NO",
    "EPICS_CA_REPEATER_PORT": str(free_port()),
    "EPICS_CA_CONN_TMO": "2",
    "EPICS_CA_MAX_SEARCH_PERIOD": "60",
}
for _name in [name for name in os.environ if name.startswith("EPICS_")]:
    del os.environ[_name]
os.environ.update(SETTINGS)


@pytest.fixture(scope="session")
def target():
    """The reference IOC with the common PVs."""
    with Target(REFERENCE, port=MAIN_PORT) as running:
        yield running


@pytest.fixture(scope="session")
def p(target):
    """The prefix of the reference IOC's PVs."""
    return target.prefix


@pytest.fixture(scope="session")
def ours(target):
    """This project's client in a process of its own."""
    with scenario_child(sys.executable, target.udp[1]) as child:
        yield child


@pytest.fixture(scope="session")
def released(target):
    """The released client in its own environment."""
    with scenario_child(peer_python("aioca"), target.udp[1]) as child:
        yield child


@pytest.fixture
def ioc(tmp_path):
    """An IOC that the test starts, stops and starts again as it likes."""
    running = Ioc(tmp_path, SECOND_PORT)
    yield running
    running.kill()


@pytest.fixture(autouse=True)
async def clean():
    """Each test leaves no channel and no task behind."""
    import aioca

    yield
    aioca.purge_channel_caches()
