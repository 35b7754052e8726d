"""One file of rules means the same over both protocols."""

import grp
import os
import pwd
import re
import socket

import pytest
from pva_support import HERE

from support.ports import LOOPBACK
from support.wire import Circuit

USER = pwd.getpwuid(os.getuid()).pw_name
GROUP = grp.getgrgid(os.getgid()).gr_name
HOST = socket.gethostname()
RULES = {"path": str(HERE / "rights.acf"), "USER": USER, "GROUP": GROUP, "HOST": HOST}
NONE, READ, ALL = 0, 1, 3
# Group, and the rights; a role is none of Channel Access.
GROUPS = [
    ("DEFAULT", ALL, ALL),
    ("nothing", NONE, NONE),
    ("readonly", READ, READ),
    ("byuser", ALL, ALL),
    ("byothers", READ, READ),
    ("byrole", ALL, READ),
    ("byhost", ALL, ALL),
    ("elsewhere", READ, READ),
    ("guarded", ALL, ALL),
]
NO_PUT, NO_GET = "RemoteError: Put not permitted", "RemoteError: Get not permitted"


@pytest.fixture(scope="module", autouse=True)
def with_rules(server):
    server.ask("rules", **RULES)


@pytest.fixture(autouse=True)
def open_level(server):
    yield
    server.ask("post", name="LEVEL", value=1)


def rights_over_pva(client, name):
    """What it may do, by trying; the messages are those of the contract."""
    read, write = client.get(name), client.put(name, 7, first=False)
    assert write in (None, NO_PUT)
    assert read.get("error") in (None, NO_GET)
    return (0 if "error" in read else READ) | (2 if write is None else 0)


@pytest.mark.parametrize(("group", "over_pva", "over_ca"), GROUPS)
def test_rights(client, server, group, over_pva, over_ca):
    server.ask("group", name="N1", group=group)
    assert rights_over_pva(client, "N1") == over_pva
    address = (LOOPBACK, int(server.child.ready["tcp_port"]))
    with Circuit(address, user=USER, host=HOST) as circuit:
        assert circuit.create(server.pv("N1")).rights == over_ca


def test_a_monitor_that_may_not_read(client, server):
    server.ask("group", name="N2", group="nothing")
    subscription = client.monitor("N2")
    assert client.events(subscription, 2) == ["disconnected", {"error": NO_GET}]
    client.cancel(subscription)


@pytest.mark.parametrize("many", [1, 50])
def test_rights_that_go_and_come_back(client, server, many):
    """A monitor is silent meanwhile; then it gets the current value, not older ones."""
    server.ask("group", name="N3", group="guarded")
    server.ask("post", name="N3", value=0)
    subscription = client.monitor("N3")
    client.connected(subscription)
    for turn in range(1, 6):
        start = 1000 * turn
        server.ask("post", name="LEVEL", value=9)
        while "error" not in client.get("N3"):
            pass
        server.ask("count", names=["N3"], first=start, last=start + many)
        assert client.put("N3", 5, first=False) == NO_PUT
        assert client.events(subscription, 0) == []
        server.ask("post", name="LEVEL", value=4)
        assert client.until(subscription, start + many) == [start + many]
        assert client.put("N3", 5, first=False) == NO_PUT
        server.ask("post", name="LEVEL", value=1)
        server.ask("post", name="N3", value=start - 1)
        values = client.until(subscription, start - 1)
        assert set(values) <= {start + many, start - 1}
    client.cancel(subscription)


def test_rights_that_change_under_posts(client, server):
    """Values grow, whatever is left out, and the last one arrives."""
    server.ask("group", name="N4", group="guarded")
    server.ask("post", name="N4", value=0)
    subscription = client.monitor("N4")
    client.connected(subscription)
    server.ask("toggle_while_posting", name="N4", times=40, last=10**6)
    values = client.until(subscription, 10**6)
    assert values == sorted(values)
    client.cancel(subscription)


def test_a_group_that_changes(client, server):
    """Under a live channel, and back."""
    for _ in range(3):
        server.ask("group", name="N5", group="readonly")
        assert client.put("N5", 1, first=False) == NO_PUT
        server.ask("group", name="N5", group="DEFAULT")
        assert client.put("N5", 1, first=False) is None


def test_by_address(client, server):
    """Where the server is told so, the address counts and not what clients claim."""
    try:
        server.ask("rules", by_address=True, **{**RULES, "HOST": LOOPBACK})
        server.ask("group", name="N6", group="byhost")
        assert rights_over_pva(client, "N6") == ALL
        server.ask("rules", by_address=True, **{**RULES, "HOST": "10.9.8.7"})
        assert rights_over_pva(client, "N6") == READ
    finally:
        server.ask("rules", **RULES)


def test_trapped_puts_are_logged(client, server):
    """With who wrote, over which protocol, and both values."""
    server.ask("group", name="N8", group="byrole")
    assert client.put("N8", 41) is None
    assert client.put("N8", 42) is None
    said = (
        rf"{server.pv('N8')}: {USER}@{HOST} \(127.0.0.1:\d+, PVAccess\)"
        r" old=41\S* new=42"
    )
    while not re.search(said, server.child.stderr()):
        server.stats()


def test_refused_puts_are_logged(client, server):
    """Those of this file: of many in short time not each."""
    server.ask("group", name="N7", group="readonly")
    client.put("N7", 77, first=False)
    said = rf"refused a put of \d+ by {USER}@{HOST} \(127.0.0.1:\d+, PVAccess\): access"
    while not re.search(said, server.child.stderr()):
        server.stats()
