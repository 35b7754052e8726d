"""A cable is cut, and joined again or not: when both ends find out, and what then."""

from __future__ import annotations

import contextlib
import threading
import time

import pytest
from network_hosts import Network
from network_programs import Libca, serve, wait_until

from support import dbr, wire
from support.epics_client import ECA_NORMAL

pytestmark = pytest.mark.timeout(300)
ECA_TIMEOUT, ECA_DISCONN = 80, 192
DEFAULT_SECONDS = 60.0
# libca asks after so many seconds of silence, and waits five more for the answer.
CLIENT_SECONDS = "1"
SERVER_SECONDS = "3"


@pytest.fixture
def lab(network):
    return made_lab(network)


def made_lab(network):
    """A host, another one, and that one's cable."""
    switch = network.switch()
    host, client = network.host(), network.host()
    host.plug(switch, "10.1.0.1/24")
    return host, client, client.plug(switch, "10.1.0.2/24")


def connect(host, server, **options):
    with host.inside():
        return wire.Circuit(("10.1.0.1", server.ready["tcp_port"]), **options)


def stats(server):
    return server.ask(do="stats")


def read_request(channel, ioid):
    return wire.pack(
        wire.READ_NOTIFY, type=dbr.LONG, count=channel.count, p1=channel.sid, p2=ioid
    )


def vanish(lab, stack, seconds):
    """A server whose client host has just been cut off, with circuits of all kinds.

    Idle, with data under way, with a put that waits, one that did not read and one that
    its client was about to close.
    """
    host, client, cable = lab
    server = stack.enter_context(serve(host, PCASPY_CLIENT_TIMEOUT=seconds))
    idle, fed, putting, full, leaving = (
        stack.enter_context(connect(client, server, receive_buffer=buffer))
        for buffer in (None, None, None, 4096, None)
    )
    idle.create("N:A")
    fed.subscribe(fed.create("N:B"), dbr.LONG)
    slow = putting.create("N:SLOW")
    putting.send(
        wire.pack(
            wire.WRITE_NOTIFY, bytes(8), type=dbr.LONG, count=1, p1=slow.sid, p2=1
        )
    )
    server.ask(do="written", number=1)
    array = full.create("N:ARRAY")
    for ioid in range(100):  # 40 MB, more than all buffers on the way
        full.send(read_request(array, ioid))
    wait_until(lambda: stats(server)["bytes_sent"] > 10_000)
    leaving.create("N:A")
    assert stats(server)["circuits"] == 5
    cable.cut()
    leaving.close()
    server.ask(do="start_posts", reason="B", period=0.1)
    return server


class Watch(threading.Thread):
    """Waits until the server has no circuits; `seconds` is how long that took."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.seconds, self.stats = server, 0.0, {}
        self.wanted = True
        self.start()

    def run(self):
        start = time.monotonic()
        wait_until(self.is_over, 3 * DEFAULT_SECONDS)
        self.seconds, self.stats = time.monotonic() - start, stats(self.server)

    def is_over(self):
        return not self.wanted or stats(self.server)["circuits"] == 0

    def leave(self):
        """Nobody checks it."""
        self.wanted = False
        self.join()

    def check(self, allowed):
        self.join()
        print(f"circuits of a vanished host ended after {self.seconds:.1f} s")
        assert self.stats["closed_broken"] == 5
        assert self.seconds < allowed


@pytest.fixture(scope="module", autouse=True)
def by_default(namespaces):
    """A server with nothing set, watched while other tests run."""
    with Network() as network, contextlib.ExitStack() as stack:
        watch = Watch(vanish(made_lab(network), stack, ""))
        yield watch
        watch.leave()


def test_circuits_of_a_vanished_host_end(lab):
    with contextlib.ExitStack() as stack:
        Watch(vanish(lab, stack, "2")).check(9)


def test_0_leaves_them_to_the_system(lab):
    """Which waits for hours: here, as long as it takes another server to end some."""
    host, client, cable = lab
    with contextlib.ExitStack() as stack:
        patient = vanish(lab, stack, "0")
        cable.join()
        hasty = stack.enter_context(serve(host, PCASPY_CLIENT_TIMEOUT="1"))
        circuit = stack.enter_context(connect(client, hasty))
        circuit.create("N:A")
        cable.cut()
        wait_until(lambda: stats(hasty)["circuits"] == 0)
        assert stats(patient)["circuits"] >= 4


def test_a_client_that_is_there_and_does_not_read_keeps_its_circuit(network):
    """Much longer than the time after which a vanished one's end."""
    switch = network.switch()
    host, client = network.host(), network.host()
    host.plug(switch, "10.1.0.1/24")
    client.plug(switch, "10.1.0.2/24")
    with serve(host, PCASPY_CLIENT_TIMEOUT="2") as server:
        with connect(client, server, receive_buffer=4096) as sleeper:
            array = sleeper.create("N:ARRAY")
            number = 30
            for ioid in range(number):
                sleeper.send(read_request(array, ioid))
            wait_until(lambda: stats(server)["bytes_sent"] > 10_000)
            for _ in range(3):  # each takes about two seconds
                vanishing = network.host()
                cable = vanishing.plug(switch, "10.1.0.3/24")
                with connect(vanishing, server) as circuit:
                    circuit.create("N:A")
                    assert stats(server)["circuits"] == 2
                    cable.cut()
                    wait_until(lambda: stats(server)["circuits"] == 1)
                network.remove(vanishing)
            for ioid in range(number):
                reply = sleeper.expect(wire.READ_NOTIFY, timeout=60, p2=ioid)
                assert len(reply.payload) == 400_000


@pytest.fixture
def clients(lab):
    """The released aioca and ours; they notice silence soon."""
    _, host, _ = lab
    with contextlib.ExitStack() as stack:
        yield [
            stack.enter_context(
                Libca(host, ours=ours, EPICS_CA_CONN_TMO=CLIENT_SECONDS)
            )
            for ours in (False, True)
        ]


def test_a_short_interruption_loses_nothing(lab):
    """The circuits live on; each put is carried out once, in order."""
    host, client_host, cable = lab
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(serve(host))
        both = [stack.enter_context(Libca(client_host, ours=o)) for o in (False, True)]
        for number, client in enumerate(both):
            client.connect("N:A")
            client.monitor("N:B")
            client.updates("N:B")
            assert client.put("N:A", number) == ECA_NORMAL
        cable.cut()
        for number, client in enumerate(both):
            client.start_put("N:A", 10 + number, seconds=60)
        for value in range(1, 4):
            server.ask(do="post", reason="B", value=value)
        assert server.ask(do="written", number=2) == [["A", 0], ["A", 1]]
        cable.join()
        for client in both:
            assert client.answer(60) == ECA_NORMAL
            client.wait_for_value("N:B", 3)
        written = server.ask(do="written", number=4)
        assert sorted(written) == [["A", 0], ["A", 1], ["A", 10], ["A", 11]]
        assert stats(server)["circuits_accepted"] == 2


@pytest.mark.parametrize(("how", "server_seconds"), [("cut", "3"), ("pull", "60")])
def test_both_ends_find_out_and_come_together_again(lab, clients, how, server_seconds):
    """A put that waits fails, a get runs into its time, and the last value comes.

    After 60 s only the clients have given up: the server still has their circuits.
    """
    host, _, cable = lab
    with serve(host, PCASPY_CLIENT_TIMEOUT=server_seconds) as server:
        for client in clients:
            client.connect("N:A")
            client.connect("N:SLOW")
            client.monitor("N:A")
            client.updates("N:A")
        server.ask(do="start_posts", reason="A", period=0.005)
        for client in clients:
            client.updates("N:A", 5)
        # Only the first of them is accepted; the other one waits for it.
        for client in clients:
            client.start_put("N:SLOW", 7, seconds=None)
        assert server.ask(do="written", number=1) == [["SLOW", 7]]
        getattr(cable, how)()
        for client in clients:
            assert client.answer(60) == ECA_DISCONN
            client.wait_for("N:A", lambda update: "errorcode" in update)
            assert client.get("N:A", seconds=0.5)["errorcode"] == ECA_TIMEOUT
            assert client.put("N:A", 8, seconds=0.5) == ECA_TIMEOUT
        if server_seconds == SERVER_SECONDS:
            wait_until(lambda: stats(server)["circuits"] == 0)
        else:
            assert stats(server)["circuits"] == 2
        server.ask(do="stop_posts")
        server.ask(do="post", reason="A", value=-5)
        {"cut": cable.join, "pull": cable.push}[how]()
        for client in clients:
            client.wait_for_value("N:A", -5)
            assert client.value("N:A") == -5
        server.ask(do="finish", reason="SLOW")
        for number, client in enumerate(clients):
            assert client.put("N:B", number) == ECA_NORMAL
        assert ["A", 8] not in server.ask(do="written", number=3)


def test_a_host_that_was_switched_off_comes_back(network):
    """Its circuits ended without a word; new ones from its address work at once."""
    switch = network.switch()
    host = network.host()
    host.plug(switch, "10.1.0.1/24")
    with serve(host, PCASPY_CLIENT_TIMEOUT=SERVER_SECONDS) as server:
        address = ("10.1.0.1", server.ready["tcp_port"])
        for number in range(1, 4):
            client = network.host()
            cable = client.plug(switch, "10.1.0.2/24")
            with client.inside():
                circuit = wire.Circuit(address)
            with circuit:
                channel = circuit.create("N:A")
                data = number.to_bytes(4, "big")
                assert circuit.put(channel, dbr.LONG, data).p1 == ECA_NORMAL
                circuit.subscribe(channel, dbr.LONG)
                cable.cut()
            network.remove(client)
        wait_until(lambda: stats(server)["circuits"] == 0)
        assert stats(server)["closed_broken"] == 3


def test_circuits_of_a_vanished_host_end_by_default(by_default):
    """The last one here: it has been waiting from the first."""
    by_default.check(2 * DEFAULT_SECONDS)
