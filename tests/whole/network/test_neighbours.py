"""Servers of one host start and stop in any order; every client finds all of them."""

from __future__ import annotations

import contextlib
import random
import sys
from pathlib import Path

import pytest
from network_programs import SECONDS, Foreign, Libca, serve

from support.environment import without_epics
from support.process import Child
from support.scale import scaled

pytestmark = pytest.mark.timeout(1200)
SERVERS = Path(__file__).parents[2] / "servers"
IOC = [str(SERVERS / "reference_server.py"), str(SERVERS / "common.db")]
# Where the client is, and its settings.
SETTINGS = {
    "tutorial": {
        "EPICS_CA_ADDR_LIST": "127.0.0.1",
        "EPICS_CA_AUTO_ADDR_LIST": "NO",
    },
    "unicast": {
        "EPICS_CA_ADDR_LIST": "10.1.0.1",
        "EPICS_CA_AUTO_ADDR_LIST": "NO",
    },
    "defaults": {},
    "defaults and unicast": {"EPICS_CA_ADDR_LIST": "10.1.0.1"},
}


class Crowd:
    """Up to five servers of a host, one of them an IOC, and the names they have."""

    def __init__(self, host, seed):
        self.host = host
        self.random = random.Random(seed)
        self.running = {}
        self.done = []

    def close(self):
        for child in self.running.values():
            child.stop()

    def step(self):
        kinds = [name[:3] for name in self.running]
        grow = len(kinds) < 5 and self.random.random() < 0.6
        if len(kinds) < 2 or grow:
            wanted = "IOC" not in kinds and (kinds or self.random.random() < 0.5)
            self.start("IOC" if wanted else "PCA")
        else:
            self.stop(self.random.choice(sorted(self.running)))

    def start(self, kind):
        prefix = f"{kind}{len(self.done)}:"
        self.done.append(f"start {prefix}")
        if kind == "IOC":
            command = self.host.command(sys.executable, *IOC, prefix)
            environment = {**without_epics(), "EPICS_CAS_SERVER_PORT": "5064"}
            self.running[prefix + "LONG"] = Child(command, environment)
        else:
            self.running[prefix + "A"] = serve(self.host, prefix)

    def stop(self, name):
        child = self.running.pop(name)
        how = self.random.choice(["stop", "kill"])
        self.done.append(f"{how} {name}")
        if how == "kill":
            child.kill()
        child.stop()


def look_up(host, names, environment):
    """From programs that are new, so that they search."""
    with (
        Libca(host, **environment) as libca,
        Foreign(host, "caproto", **environment) as caproto,
    ):
        for name in names:
            libca.tell(command="connect", name=name, seconds=SECONDS)
        for name in names:
            libca.answer(SECONDS)
            caproto.do("connect", name, timeout=SECONDS)
        assert "Identical" not in libca.stderr()


@pytest.mark.parametrize("setting", list(SETTINGS)[: scaled(3, 4)])
@pytest.mark.parametrize("seed", range(scaled(1, 10)))
def test_all_names_are_found_whoever_starts_and_stops(network, setting, seed):
    host = client = network.host()
    environment = SETTINGS[setting]
    if setting != "tutorial":
        switch = network.switch()
        client = network.host()
        host.plug(switch, "10.1.0.1/24")
        cable = client.plug(switch, "10.1.0.2/24")
        client.add_route("default", "dev", cable.interface)  # caproto: 255.255.255.255
    with contextlib.closing(Crowd(host, f"{setting} {seed}")) as crowd:
        for _ in range(2):
            crowd.step()
        for _ in range(scaled(2, 20)):
            crowd.step()
            try:
                look_up(client, sorted(crowd.running), environment)
            except AssertionError as error:
                raise AssertionError(f"{crowd.done}: {error}") from error
