"""The scenarios against servers of other makes: both clients tell the same."""

import sys
from contextlib import ExitStack

import pytest
from client_support import HERE, free_port, scenario_child
from scenarios import SCENARIOS
from test_same_as_released import differences

from support.environment import server_environment
from support.peers import peer_python
from support.process import Child
from support.targets import OURS, Target

# These name fields of records, or rely on what an IOC does.
OF_RECORDS = {"read_special", "read_long_string", "writes_of_wrong_values", "events"}
ON_OURS = [name for name in SCENARIOS if name not in OF_RECORDS]
ON_STRANGERS = """
    read_native read_by_code read_text read_python_types read_counts lists timeouts
    monitor_values monitor_list monitor_all_updates monitor_awaits_each_callback purge
    writes_to_lists
""".split()


class Stranger:
    """A server from an environment of its own."""

    def __init__(self, name):
        self.prefix, self.port = f"{name.upper()}:", free_port()
        env = server_environment(
            self.port,
            PYTHONPATH=str(HERE.parent / "support"),
            EPICS_CA_SERVER_PORT=str(self.port),
        )
        script = str(HERE / f"{name}_side.py")
        self.child = Child([str(peer_python(name)), script, self.prefix], env)


@pytest.fixture(scope="module")
def servers():
    """Starts servers, and the two clients of each, when they are first asked for."""
    with ExitStack() as stack:
        made = {}

        def server(name):
            if name in made:
                return made[name]
            if name == "ours":
                target = stack.enter_context(Target(OURS, port=free_port()))
                prefix, port = target.prefix, target.udp[1]
            else:
                stranger = Stranger(name)
                stack.enter_context(stranger.child)
                prefix, port = stranger.prefix, stranger.port
            clients = [
                stack.enter_context(scenario_child(python, port))
                for python in (sys.executable, peer_python("aioca"))
            ]
            made[name] = (prefix, *clients)
            return made[name]

        yield server


@pytest.mark.parametrize(
    ("server", "name"),
    [("ours", name) for name in ON_OURS]
    + [(server, name) for server in ("caproto", "softioc") for name in ON_STRANGERS],
)
def test_same(server, name, servers):
    prefix, ours, released = servers(server)
    expected = released.ask(40, name=name, prefix=prefix)
    told = ours.ask(40, name=name, prefix=prefix)
    found = differences(told, expected)
    assert not found, "\n".join(found)
