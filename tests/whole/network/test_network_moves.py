"""Hosts that come back with another address, and routers with smaller packets."""

from __future__ import annotations

import contextlib

import pytest
from network_programs import Libca, serve, wait_until

from support.epics_client import ECA_NORMAL

pytestmark = pytest.mark.timeout(300)


def test_a_server_comes_back_with_another_address(network):
    """libca clings to the old circuit until the system gives it up: here, soon."""
    switch = network.switch()
    host, client_host = network.host(), network.host()
    cable = host.plug(switch, "10.3.0.1/24")
    client_host.plug(switch, "10.3.0.2/24")
    client_host.set_ipv4("tcp_retries2", 3)
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(serve(host))
        both = [
            stack.enter_context(Libca(client_host, ours=o, EPICS_CA_CONN_TMO="1"))
            for o in (False, True)
        ]
        for client in both:
            client.connect("N:A")
            client.monitor("N:A")
            client.updates("N:A")
        cable.cut()
        host.remove_address(cable.interface, "10.3.0.1/24")
        host.add_address(cable.interface, "10.3.0.9/24")
        server.ask(do="post", reason="A", value=9)
        cable.join()
        for client in both:
            client.wait_for_value("N:A", 9)
        for client in both:
            assert client.put("N:A", 1) == ECA_NORMAL


def test_a_client_comes_back_with_another_address(network):
    """A new program on it is served, and the server forgets the old circuits."""
    switch = network.switch()
    host, client_host = network.host(), network.host()
    host.plug(switch, "10.3.0.1/24")
    cable = client_host.plug(switch, "10.3.0.2/24")
    with serve(host, PCASPY_CLIENT_TIMEOUT="3") as server:
        with Libca(client_host) as old:
            old.connect("N:A")
            client_host.remove_address(cable.interface, "10.3.0.2/24")
            client_host.add_address(cable.interface, "10.3.0.7/24")
            with Libca(client_host, ours=True) as new:
                new.connect("N:A")
                assert new.put("N:A", 4) == ECA_NORMAL
                wait_until(lambda: server.ask(do="stats")["closed_broken"] == 1)
                assert new.value("N:A") == 4
            old.kill()  # libca would wait for its circuit


def test_answers_larger_than_what_a_router_lets_through(network):
    """The way back has smaller packets than the server's own network."""
    near, far = network.switch(), network.switch()
    host, router, client_host = network.host(), network.host(), network.host()
    host.plug(near, "10.1.0.1/24")
    router.plug(near, "10.1.0.254/24")
    router.plug(far, "10.2.0.254/24", mtu=600)
    client_host.plug(far, "10.2.0.2/24", mtu=600)
    router.let_through()
    host.add_route("default", "via", "10.1.0.254")
    client_host.add_route("default", "via", "10.2.0.254")
    with serve(host) as server:
        for ours in (False, True):
            with Libca(
                client_host,
                ours=ours,
                EPICS_CA_ADDR_LIST="10.1.0.1",
                EPICS_CA_AUTO_ADDR_LIST="NO",
            ) as client:
                names = [f"N:MANY{n}" for n in range(200)]
                client.connect(names)
                for number in (0, 99, 199):
                    assert client.value(names[number]) == number
                client.connect("N:ARRAY")
                assert len(client.value("N:ARRAY")) == 100_000
        assert server.ask(do="stats")["search_hits"] >= 2 * 201
