"""Beacons on real networks: where they go, from where, what clients make of them."""

from __future__ import annotations

import contextlib
import threading
import time

import pytest
from network_hosts import Network
from network_programs import Libca, script, serve, wait_until

from support import wire
from support.wire import RSRV_IS_UP, SEARCH, unpack_all

pytestmark = pytest.mark.timeout(300)
REPEATER = 5065


class WaitingClients(threading.Thread):
    """The released aioca and ours wait for a server until their searches are rare.

    Then it starts, with beacons. `late` is after how many seconds since their last
    search each has found it, `pause` how long the one before had let pass.
    """

    RARE = 16.0  # seconds; libca's next pause is twice as long

    def __init__(self, network):
        super().__init__(daemon=True)
        switch = network.switch()
        self.host, self.client = network.host(), network.host()
        self.host.plug(switch, "10.1.0.1/24")
        self.client.plug(switch, "10.1.0.2/24")
        with self.host.inside():
            self.sock = wire.socket.socket(type=wire.socket.SOCK_DGRAM)
        self.sock.bind(("", 5064))
        self.sock.settimeout(60)
        self.late, self.pause = {}, {"N:A": 0.0, "N:B": 0.0}
        self.start()

    def run(self):
        with (
            script(self.client, "repeater"),
            Libca(self.client) as released,
            Libca(self.client, ours=True) as ours,
        ):
            waiting = {"N:A": released, "N:B": ours}
            for name, libca in waiting.items():
                libca.tell(command="connect", name=name, seconds=120)
            last = self.wait_until_rare()
            with serve(self.host):
                for name, libca in waiting.items():
                    libca.answer(120)
                    self.late[name] = time.monotonic() - last[name]

    def wait_until_rare(self):
        """When each name was last searched for."""
        last = {}
        with self.sock:
            while min(self.pause.values()) < self.RARE:
                for message in unpack_all(self.sock.recv(2048)):
                    if message.command == SEARCH:
                        name = message.payload.rstrip(b"\0").decode()
                        now = time.monotonic()
                        self.pause[name] = now - last.get(name, now)
                        last[name] = now
        return last


@pytest.fixture(scope="module", autouse=True)
def waiting_clients(namespaces):
    """They wait while other tests run."""
    with Network() as network:
        waiting = WaitingClients(network)
        yield waiting
        waiting.join(180)


@contextlib.contextmanager
def beacon_socket(host, port=REPEATER):
    """Where a host's repeater would listen."""
    with host.inside():
        sock = wire.socket.socket(wire.socket.AF_INET, wire.socket.SOCK_DGRAM)
    with sock:
        sock.bind(("", port))
        sock.settimeout(60)
        yield sock


def beacon(sock):
    """The next one, and the address that it came from."""
    data, (source, _) = sock.recvfrom(100)
    (message,) = unpack_all(data)
    assert message.command == RSRV_IS_UP
    return message, source


@pytest.mark.parametrize("addresses", ["", "10.1.0.1 10.2.0.1"], ids=["all", "listed"])
def test_beacons_in_both_networks(lab, addresses):
    """Each sees them from the address that its clients connect to, one by one."""
    middle, at_left, at_right = lab
    with (
        beacon_socket(at_left) as left,
        beacon_socket(at_right) as right,
        serve(middle, EPICS_CAS_INTF_ADDR_LIST=addresses) as running,
    ):
        for sock, address in (left, "10.1.0.1"), (right, "10.2.0.1"):
            for number in range(5):
                message, source = beacon(sock)
                assert source == address
                assert message.count == running.ready["tcp_port"]
                assert (message.p1, message.p2) == (number, 0)


def test_beacons_of_one_interface_stay_in_its_network(lab):
    middle, at_left, at_right = lab
    with (
        beacon_socket(at_left) as left,
        beacon_socket(at_right) as right,
        serve(middle, EPICS_CAS_INTF_ADDR_LIST="10.1.0.1"),
    ):
        for _ in range(4):
            assert beacon(left)[1] == "10.1.0.1"
        right.setblocking(False)
        with pytest.raises(BlockingIOError):
            right.recv(100)


def test_listed_addresses(lab):
    """With a port, without one; the broadcasts left out; each address once."""
    middle, at_left, at_right = lab
    with (
        beacon_socket(at_left, 6000) as listed,
        beacon_socket(at_left) as usual,
        beacon_socket(at_right) as broadcast,
        serve(
            middle,
            EPICS_CAS_BEACON_ADDR_LIST="10.1.0.2:6000 10.1.0.2 10.1.0.2:5065",
            EPICS_CAS_AUTO_BEACON_ADDR_LIST="NO",
        ),
    ):
        for sock in (listed, usual):
            assert [beacon(sock)[0].p1 for _ in range(4)] == [0, 1, 2, 3]
        broadcast.setblocking(False)
        with pytest.raises(BlockingIOError):
            broadcast.recv(100)


def test_servers_at_addresses_of_their_own_on_one_interface(two_addresses):
    """Clients tell their beacons apart, though the ports are the same."""
    host, client = two_addresses
    addresses = ("10.1.0.1", "10.1.0.9")
    with beacon_socket(client) as sock, contextlib.ExitStack() as stack:
        for number, address in enumerate(addresses):
            stack.enter_context(
                serve(host, f"S{number}:", EPICS_CAS_INTF_ADDR_LIST=address)
            )
        seen = {}
        while len(seen) < 2 or min(map(len, seen.values())) < 4:
            message, source = beacon(sock)
            seen.setdefault(source, []).append(message.p1)
    assert set(seen) == set(addresses)
    for numbers in seen.values():
        assert numbers == [*range(len(numbers))]


def test_a_network_that_comes_later(network):
    """Its clients hear of the server as if it had just been started."""
    left, right = network.switch(), network.switch()
    host, client = network.host(), network.host()
    host.plug(left, "10.1.0.1/24")
    client.plug(right, "10.2.0.2/24")
    with beacon_socket(client) as sock, serve(host, EPICS_CAS_BEACON_PERIOD="0.3"):
        host.plug(right, "10.2.0.1/24")
        stamps = []
        for _ in range(4):
            message, source = beacon(sock)
            assert source == "10.2.0.1"
            stamps.append((time.monotonic(), message.p1))
    numbers = [number for _, number in stamps]
    assert numbers == [*range(numbers[0], numbers[0] + 4)]
    assert stamps[-1][0] - stamps[0][0] < 3 * 0.3  # 0.14 s of ramp


def test_a_network_that_is_down_for_a_while(network):
    switch = network.switch()
    host, client = network.host(), network.host()
    cable = host.plug(switch, "10.1.0.1/24")
    client.plug(switch, "10.1.0.2/24")
    with beacon_socket(client) as sock, serve(host, EPICS_CAS_BEACON_PERIOD="0.05"):
        last = beacon(sock)[0].p1
        cable.pull()
        sock.settimeout(0.5)
        with contextlib.suppress(TimeoutError):
            while True:
                last = beacon(sock)[0].p1
        cable.push()
        sock.settimeout(60)
        assert beacon(sock)[0].p1 > last


@pytest.fixture
def clients(network):
    """A host, and on another one the released aioca and ours, with a repeater."""
    switch = network.switch()
    host, client = network.host(), network.host()
    host.plug(switch, "10.1.0.1/24")
    client.plug(switch, "10.1.0.2/24")
    with (
        script(client, "repeater"),
        Libca(client) as released,
        Libca(client, ours=True) as ours,
    ):
        yield host, (released, ours)


def test_a_restarted_server_is_found_again(clients):
    """Monitors go on with the new server's value, though it has another port."""
    host, watching = clients
    with serve(host):
        for client in watching:
            client.connect("N:A")
            client.monitor("N:A")
            client.updates("N:A")
    with (
        host.inside(),
        wire.socket.create_server(("10.1.0.1", 5064)),
        serve(host) as again,
    ):
        assert again.ready["tcp_port"] != 5064
        again.ask(do="post", reason="A", value=42)
        for client in watching:
            client.wait_for_value("N:A", 42)
        wait_until(lambda: again.ask(do="stats")["circuits"] == 2)


def test_waiting_clients_search_again_soon_when_a_server_comes(waiting_clients):
    """Well before their next search. The last test here: it waits from the first."""
    waiting_clients.join(180)
    assert waiting_clients.late.keys() == waiting_clients.pause.keys()
    for name, pause in waiting_clients.pause.items():
        assert waiting_clients.late[name] < 1.6 * pause, "found by its own next search"
