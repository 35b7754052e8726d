"""p4p's gateway between the clients and our server.

To the server the gateway is the client: one circuit for all of them, and its own
account and address.
"""

import getpass
import json
import signal
import subprocess
import time

import pytest
from pva_support import HERE, Client, new_prefix, ours, server_environment

from support.peers import peer_python
from support.ports import LOOPBACK, free_port

RULES = {
    "path": str(HERE / "rights.acf"),
    "USER": getpass.getuser(),
    "GROUP": "nobody",
    "HOST": "nowhere",
}


def pvagw():
    return str(peer_python("p4p").with_name("pvagw"))


class Gateway:
    """A process of pvagw; for its clients it is the server."""

    def __init__(self, server, folder):
        self.prefix, self.child = server.prefix, server.child
        self.udp, self.tcp = free_port(), free_port()
        upstream = {
            "name": "inside",
            "provider": "pva",
            "addrlist": LOOPBACK,
            "autoaddrlist": False,
            "serverport": server.tcp,
            "bcastport": server.udp,
        }
        downstream = {
            "name": "outside",
            "clients": ["inside"],
            "interface": [LOOPBACK],
            "addrlist": LOOPBACK,
            "autoaddrlist": False,
            "serverport": self.tcp,
            "bcastport": self.udp,
        }
        config = {"version": 2, "clients": [upstream], "servers": [downstream]}
        path = folder / "gateway.json"
        path.write_text(json.dumps(config))
        self.log = open(folder / "gateway.log", "w+")
        self.process = subprocess.Popen(
            [pvagw(), str(path)],
            env=server_environment(),
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )

    def pv(self, name):
        return self.prefix + name

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """Of a server that starts again at the same ports, with the same names."""
    return {
        "prefix": new_prefix(),
        "EPICS_PVAS_SERVER_PORT": str(free_port()),
        "EPICS_PVAS_BROADCAST_PORT": str(free_port()),
        "PCASPY_PUT_LOG": f"{tmp_path_factory.mktemp('log') / 'puts.log'},burst=0",
    }


@pytest.fixture(scope="module")
def servers(settings):
    """The server that runs is the last one."""
    running = [ours(**settings)]
    yield running
    running[-1].stop()


@pytest.fixture(scope="module")
def server(servers):
    return servers[0]


@pytest.fixture(scope="module")
def gateway(server, tmp_path_factory):
    running = Gateway(server, tmp_path_factory.mktemp("gateway"))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def client(gateway):
    with Client(gateway) as running:
        yield running


def logged(path, name, count):
    """The records of puts to a PV, once there are so many."""
    deadline = time.monotonic() + 60
    while True:
        with open(path) as log:
            puts = [json.loads(line) for line in log if line.endswith("\n")]
        found = [put for put in puts if put["pv"].endswith(name)]
        if len(found) >= count:
            return found
        assert time.monotonic() < deadline, puts
        time.sleep(0.01)


def test_the_documented_configuration(tmp_path):
    page = (HERE.parents[2] / "docs" / "how-to" / "gateways.md").read_text()
    _, _, text = page.partition(":caption: gateway.json\n")
    (tmp_path / "gateway.json").write_text(text.partition("```")[0])
    subprocess.run(
        [pvagw(), "--test-config", "gateway.json"],
        cwd=tmp_path,
        check=True,
        stdout=subprocess.DEVNULL,
    )


def test_values_and_their_fields(client, server):
    with Client(server) as direct:
        for name in ("AI", "MBBI", "STRINGIN", "N3"):
            assert client.get(name) == direct.get(name)


def test_puts(client, server):
    server.ask("written")
    assert client.put("N1", 41) is None
    assert client.value("N1") == 41
    assert server.ask("written") == [["N1", 41]]
    with Client(server) as direct:
        refused = direct.put("REFUSES", 1)
    assert refused
    assert client.put("REFUSES", 1) == refused


def test_the_last_value_of_a_monitor(client, server):
    numbers = [client.monitor(name, request="field(value)") for name in ("N4", "N5")]
    for number in numbers:
        client.connected(number)
    server.ask("count", names=["N4", "N5"], first=100, last=2000)
    for number in numbers:
        client.until(number, 2000)
        client.cancel(number)


def test_many_clients_are_one_to_the_server(client, gateway, server):
    names = ("pva_connections", "pva_channels", "pva_subscriptions")
    number = client.monitor("N6")
    client.connected(number)
    before = server.stats()
    with Client(gateway) as second, Client(gateway) as third:
        for other in (second, third):
            others = other.monitor("N6")
            assert other.connected(others)["fields"]["value"] == 6
        now = server.stats()
        assert [now[name] for name in names] == [before[name] for name in names]
        assert before["pva_subscriptions"] >= 1
    client.cancel(number)


def test_rules_and_the_put_log_see_the_gateway(client, server, settings):
    server.ask("rules", **RULES)
    for group, allowed in (("byuser", True), ("byothers", False)):
        server.ask("group", name="N7", group=group)
        assert (client.put("N7", 70, first=False) is None) == allowed
    found = logged(settings["PCASPY_PUT_LOG"].partition(",")[0], "N7", 2)
    assert [put["outcome"] for put in found] == ["accepted", "no-access"]
    assert {put["user"] for put in found} == {getpass.getuser()}
    assert {put["address"].partition(":")[0] for put in found} == {LOOPBACK}


def test_the_server_starts_again(client, servers, settings):
    number = client.monitor("N8")
    assert client.connected(number)["fields"]["value"] == 8
    servers[-1].stop()
    assert client.events(number, 1) == ["disconnected"]
    servers.append(ours(**settings))
    assert client.events(number, 1)[0]["fields"]["value"] == 8
    servers[-1].ask("post", name="N8", value=88)
    client.until(number, 88)
    assert client.put("N8", 89) is None
    assert servers[-1].ask("written") == [["N8", 89]]
    client.cancel(number)
