"""Searches and answers on real networks: broadcast, several interfaces and servers."""

from __future__ import annotations

import contextlib

import pytest
from network_programs import Foreign, Libca, serve

from support import wire
from support.wire import SEARCH, unpack_all

pytestmark = pytest.mark.timeout(300)  # the first run makes the clients' environments
PORT = 5064


def broadcast_socket(host, timeout=5.0):
    with host.inside():
        sock = wire.socket.socket(wire.socket.AF_INET, wire.socket.SOCK_DGRAM)
    sock.setsockopt(wire.socket.SOL_SOCKET, wire.socket.SO_BROADCAST, 1)
    sock.settimeout(timeout)
    return sock


def answers(host, name, address, number=1):
    """Where the answers to one search came from, and the ports that they name."""
    with broadcast_socket(host) as sock:
        sock.sendto(wire.version(1) + wire.search_request(name, 7), (address, PORT))
        found = []
        for _ in range(number):
            data, source = sock.recvfrom(2048)
            (hit,) = [m for m in unpack_all(data) if m.command == SEARCH]
            assert (hit.p1, hit.p2) == (0xFFFFFFFF, 7)
            found.append((source, hit.type))
        return found


@pytest.mark.parametrize("ours", [False, True], ids=["released", "ours"])
def test_libca_finds_by_broadcast_from_both_networks(lab, ours):
    server, *clients = lab
    with serve(server), contextlib.ExitStack() as stack:
        for number, host in enumerate(clients):
            client = stack.enter_context(Libca(host, ours=ours))
            client.connect("N:A")
            assert client.put("N:A", number) == 1
            assert client.value("N:A") == number


@pytest.mark.parametrize("name", ["pyepics", "caproto"])
def test_other_clients_find_by_broadcast(network, name):
    switch = network.switch()
    server, client = network.host(), network.host()
    server.plug(switch, "10.1.0.1/24")
    cable = client.plug(switch, "10.1.0.2/24")
    client.add_route("default", "dev", cable.interface)  # caproto: 255.255.255.255
    with serve(server) as running, Foreign(client, name) as other:
        running.ask(do="post", reason="A", value=3)
        assert other.value("N:A") == 3


@pytest.mark.parametrize("addresses", ["", "10.1.0.1 10.2.0.1", "10.2.0.1 10.1.0.1"])
def test_answers_come_from_the_address_that_the_client_can_reach(lab, addresses):
    middle, at_left, at_right = lab
    with serve(middle, EPICS_CAS_INTF_ADDR_LIST=addresses) as running:
        tcp = running.ready["tcp_port"]
        for host, net in (at_left, "10.1.0"), (at_right, "10.2.0"):
            for target in f"{net}.255", f"{net}.1":
                assert answers(host, "N:A", target) == [((f"{net}.1", PORT), tcp)]
            with host.inside():
                circuit = wire.Circuit((f"{net}.1", tcp))
            with circuit:
                circuit.create("N:A")
        if not addresses:  # this one goes to all sockets of a host
            ((source, _),) = answers(at_right, "N:A", "10.2.0.255")
            assert source[0] == "10.2.0.1"


def test_one_of_two_interfaces(lab):
    """The other network gets neither answers nor circuits; its host is not harmed."""
    middle, at_left, at_right = lab
    with (
        serve(middle, EPICS_CAS_INTF_ADDR_LIST="10.1.0.1") as running,
        Libca(at_left) as client,
    ):
        client.connect("N:A")
        with broadcast_socket(at_right) as sock:
            sock.sendto(
                wire.version(1) + wire.search_request("N:A", 7), ("10.2.0.255", PORT)
            )
            with at_right.inside(), pytest.raises(ConnectionRefusedError):
                wire.Circuit(("10.2.0.1", running.ready["tcp_port"]))
            # What the server would have said came before this one's answer.
            assert answers(at_left, "N:A", "10.1.0.255")
            sock.setblocking(False)
            with pytest.raises(BlockingIOError):
                sock.recv(2048)


def test_servers_at_addresses_of_their_own_on_one_interface(two_addresses):
    """Same port, same interface: each answers for itself, from its own address."""
    host, client = two_addresses
    with (
        serve(host, "FIRST:", EPICS_CAS_INTF_ADDR_LIST="10.1.0.1") as first,
        serve(host, "SECOND:", EPICS_CAS_INTF_ADDR_LIST="10.1.0.9") as second,
    ):
        assert first.ready["tcp_port"] == second.ready["tcp_port"] == PORT
        for target in ("10.1.0.255", "10.1.0.1"):
            assert answers(client, "FIRST:A", target) == [(("10.1.0.1", PORT), PORT)]
        for target in ("10.1.0.255", "10.1.0.9"):
            assert answers(client, "SECOND:A", target) == [(("10.1.0.9", PORT), PORT)]
        with Libca(client) as libca:
            for name, number in ("FIRST:A", 1), ("SECOND:A", 2):
                libca.connect(name)
                assert libca.put(name, number) == 1
        assert first.ask(do="written", number=1) == [["A", 1]]
        assert second.ask(do="written", number=1) == [["A", 2]]


def test_several_servers_of_a_host_hear_every_broadcast(network):
    switch = network.switch()
    host, client = network.host(), network.host()
    host.plug(switch, "10.1.0.1/24")
    client.plug(switch, "10.1.0.2/24")
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(serve(host, f"S{n}:")) for n in range(3)]
        ports = {server.ready["tcp_port"] for server in servers}
        assert len(ports) == 3
        for number, server in enumerate(servers):
            ((_, port),) = answers(client, f"S{number}:A", "10.1.0.255")
            assert port == server.ready["tcp_port"]
        for kind in (Libca, lambda host: Libca(host, ours=True)):
            with kind(client) as libca:
                for number in range(3):
                    libca.connect(f"S{number}:A")
                    assert libca.value(f"S{number}:MANY7") == 7


def test_a_name_in_two_servers_is_answered_by_both(network):
    switch = network.switch()
    client = network.host()
    client.plug(switch, "10.1.0.2/24")
    with contextlib.ExitStack() as stack:
        for number in (3, 4):
            host = network.host()
            host.plug(switch, f"10.1.0.{number}/24")
            stack.enter_context(serve(host))
        found = answers(client, "N:A", "10.1.0.255", 2)
        assert {source for (source, _), _ in found} == {"10.1.0.3", "10.1.0.4"}


def test_a_search_from_an_ignored_host_is_not_answered(network):
    switch = network.switch()
    host, bad, good = network.host(), network.host(), network.host()
    for number, each in enumerate((host, bad, good)):
        each.plug(switch, f"10.1.0.{number + 1}/24")
    with serve(host, EPICS_CAS_IGNORE_ADDR_LIST="10.1.0.2") as running:
        with broadcast_socket(bad, 0.0) as sock:
            sock.sendto(wire.search_request("N:A", 7), ("10.1.0.255", PORT))
            answers(good, "N:A", "10.1.0.255")
            with pytest.raises(BlockingIOError):
                sock.recv(2048)
        assert running.ask(do="stats")["datagrams_dropped"] >= 1
