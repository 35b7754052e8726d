"""`pcaspy snoop` on a host of a network with real servers and real clients."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest
from network_programs import Foreign, Libca, script, serve
from network_snoop import snoop

from support import wire
from support.environment import without_epics
from support.peers import peer_python
from support.process import Child

pytestmark = pytest.mark.timeout(300)  # the first run makes the clients' environments
SERVERS = Path(__file__).parents[2] / "servers"
IOC = [str(SERVERS / "reference_server.py"), str(SERVERS / "common.db")]
PORT = 5064


def ioc(host, prefix):
    environment = {**without_epics(), "EPICS_CAS_SERVER_PORT": str(PORT)}
    return Child(host.command(sys.executable, *IOC, prefix), environment)


@pytest.fixture
def hosts(network):
    """Four of them in a network: 10.1.0.1 to 10.1.0.4."""
    switch = network.switch()
    found = [network.host() for _ in range(4)]
    for number, host in enumerate(found):
        cable = host.plug(switch, f"10.1.0.{number + 1}/24")
        host.add_route("default", "dev", cable.interface)  # caproto: 255.255.255.255
    return found


@contextlib.contextmanager
def killed(client):
    """At the end: it would wait for what it searches."""
    with client:
        yield client
        client.kill()


def send_searches(host, address, *names, times=1):
    """As a client does at first, without one."""
    with host.inside():
        sock = wire.socket.socket(wire.socket.AF_INET, wire.socket.SOCK_DGRAM)
    with sock:
        sock.setsockopt(wire.socket.SOL_SOCKET, wire.socket.SO_BROADCAST, 1)
        data = b"".join(wire.search_request(name, 1) for name in names)
        for _ in range(times):
            sock.sendto(wire.version(1) + data, (address, PORT))


def start_search(client, name):
    """Of one that nobody has: the client goes on searching."""
    if isinstance(client, Foreign):
        client.tell(do="connect", pv=name, timeout=30)
    else:
        client.tell(command="connect", name=name, seconds=30)


def test_names_of_all_clients_and_servers(hosts):
    """A name of ours, one of an IOC, one in both, and one in none."""
    first, second, client, watching = hosts
    with (
        snoop(watching, "--rows", "100") as seen,
        serve(first, "OUR:"),
        ioc(second, "IOC:"),
        killed(Libca(client, ours=True)) as ours,
        killed(Foreign(client, "pyepics")) as pyepics,
    ):
        ours.connect("OUR:A")
        ours.connect("IOC:LONG")
        for number, each in enumerate((ours, pyepics)):
            start_search(each, f"LOST:{number}")
        for number in range(2):
            lost = seen.name(f"LOST:{number}", "missing")
            assert list(lost["clients"]) == ["10.1.0.3"]
            assert lost["servers"] == []
        assert seen.name("OUR:A", "found")["servers"] == ["10.1.0.1:5064"]
        assert seen.name("IOC:LONG", "found")["servers"] == ["10.1.0.2:5064"]
        report = seen.wait_for(
            lambda report: (
                {"10.1.0.1:5064", "10.1.0.2:5064"}
                == {row["server"] for row in report["servers"]}
            )
        )
        states = [row["state"] for row in report["names"]]
        assert states[:2] == ["missing"] * 2
        assert set(states[2:]) == {"found"}
        assert report["counts"]["dropped"] == 0


def test_a_name_in_two_servers(hosts):
    """One of ours and an IOC on different hosts, and two on one host."""
    first, second, client, watching = hosts
    with (
        snoop(watching) as seen,
        serve(first, "COMMON:"),
        ioc(second, "COMMON:"),
        serve(second, "COMMON:"),
    ):
        send_searches(client, "10.1.0.255", "COMMON:A", "COMMON:LONG")
        row = seen.name("COMMON:A", "found", 2)
        assert row["servers"][0].startswith("10.1.0.")
        assert seen.name("COMMON:LONG", "found", 1)["servers"] == ["10.1.0.2:5064"]


def test_on_the_host_of_the_servers(hosts):
    """Who go on getting what is meant for them; nobody is counted twice."""
    host, client, *_ = hosts
    unicast = {"EPICS_CA_ADDR_LIST": "10.1.0.1", "EPICS_CA_AUTO_ADDR_LIST": "NO"}
    with (
        ioc(host, "IOC:") as running,  # which does not look who takes it
        snoop(host) as seen,
        killed(Libca(client, **unicast)) as libca,
    ):
        libca.connect("IOC:LONG")
        assert seen.now()["counts"]["searches"] == 0
        send_searches(client, "10.1.0.255", "IOC:LONG")
        found = seen.name("IOC:LONG", "found")
        assert found["servers"] == ["10.1.0.1:5064"]
        assert found["clients"] == {"10.1.0.2": 1}
        running.stop()
        # A server of ours passes on what it does not have, and says for whom.
        with serve(host, "ONE:"):
            libca.connect("ONE:A")
            start_search(libca, "LOST:UNICAST")
            lost = seen.name("LOST:UNICAST", "missing")
            assert list(lost["clients"]) == ["10.1.0.2"]


P4P = """
import sys
from p4p.client.thread import Context, TimeoutError

context = Context("pva")
for name in sys.argv[1:]:
    try:
        print(name, context.get(name, timeout=30))
    except TimeoutError:
        print(name, "not found")
"""


def test_pvaccess(hosts):
    """With pvxs as client and as server; a name in two servers of one host."""
    first, second, client, watching = hosts
    command = client.command(str(peer_python("p4p")), "-c", P4P)
    with (
        snoop(watching, "--pva") as seen,
        serve(first, "ONE:", PCASPY_PVA="YES"),
        serve(second, "TWO:", PCASPY_PVA="YES"),
        serve(second, "TWO:", PCASPY_PVA="YES"),
        subprocess.Popen(
            [*command, "ONE:A", "TWO:A", "LOST"],
            env=without_epics(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as p4p,
    ):
        try:
            one, two = seen.name("ONE:A", "found", 1), seen.name("TWO:A", "found", 2)
            lost = seen.name("LOST", "missing")
        finally:
            p4p.kill()
        assert {row["protocol"] for row in (one, two, lost)} == {"pva"}
        assert one["servers"] == ["10.1.0.1:5075"]
        assert all(server.startswith("10.1.0.2:") for server in two["servers"])
        assert list(lost["clients"]) == ["10.1.0.3"]
        # So says pvxs, too.
        said = p4p.stdout.read()
        assert "Duplicate PV name TWO:A" in said
        for server in two["servers"]:
            assert server in said
        seen.wait_for(
            lambda report: (
                sum(row["protocol"] == "pva" for row in report["servers"]) == 3
            )
        )


@pytest.mark.parametrize("repeater", [False, True], ids=["alone", "repeater"])
def test_a_server_that_restarts(hosts, repeater):
    """Beacons come to its own socket, or from EPICS' repeater."""
    first, _, _, watching = hosts
    with contextlib.ExitStack() as stack:
        if repeater:
            stack.enter_context(script(watching, "repeater"))
        seen = stack.enter_context(snoop(watching))
        for restarts in range(2):
            with serve(first):
                seen.wait_for(
                    lambda report, restarts=restarts: (
                        [(row["server"], row["restarts"]) for row in report["servers"]]
                        == [("10.1.0.1:5064", restarts)]
                        and report["servers"][0]["beacons"] > 3
                    )
                )


def test_clients_of_this_host_register_with_it(hosts):
    """There is no repeater: beacons make them search again all the same."""
    first, client, *_ = hosts
    with snoop(client) as seen, Libca(client, ours=True) as libca:
        start_search(libca, "N:A")
        seen.name("N:A", "missing")
        with serve(first):
            libca.answer(60)
            seen.name("N:A", "found")


def test_only_one_network(lab):
    middle, at_left, at_right = lab
    with snoop(middle, "--interface", "10.1.0.1") as seen:
        send_searches(at_right, "10.2.0.255", "RIGHT")
        send_searches(at_left, "10.1.0.255", "LEFT")
        row = seen.name("LEFT", "missing")
        assert list(row["clients"]) == ["10.1.0.2"]
        assert [row["name"] for row in seen.now()["names"]] == ["LEFT"]


def test_ten_thousand_searches_a_second(hosts):
    """Of several hosts; what is not counted is counted as dropped."""
    first, second, watching, _ = hosts
    with snoop(watching) as seen:
        sent = 0
        for number in range(250):
            names = [f"PV:{number}:{i}" for i in range(40)]
            for host in first, second:
                send_searches(host, "10.1.0.255", *names)
                sent += 40

        def all_there(report):
            counts = report["counts"]
            return counts["searches"] + 40 * counts["dropped"] >= sent

        report = seen.wait_for(all_there)
        assert report["counts"]["forgotten"] == 0
        assert report["names_seen"] <= 10_000
