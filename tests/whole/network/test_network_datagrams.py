"""Searches and answers that are lost, doubled and late on the way."""

from __future__ import annotations

import contextlib
import itertools

import pytest
from network_programs import Libca, script, serve

from support import wire
from support.epics_client import ECA_NORMAL
from support.wire import SEARCH, unpack_all

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def lab(network):
    """A host, another one behind a bad cable, and that cable."""
    switch = network.switch()
    host, client, middle = network.host(), network.host(), network.host()
    host.plug(switch, "10.1.0.1/24")
    ends = client.plug_through(middle, switch, "10.1.0.2/24")
    with script(middle, "bad_cable", *ends) as cable:
        yield host, client, cable


def test_every_name_is_found_and_every_put_carried_out_once(lab):
    host, client_host, cable = lab
    cable.ask(do="behave", seed=1, lost=0.3, doubled=0.4, late=0.3)
    names = [f"N:MANY{n}" for n in range(200)]
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(serve(host))
        both = [stack.enter_context(Libca(client_host, ours=o)) for o in (False, True)]
        for client in both:
            client.tell(command="connect", name=names, seconds=60)
        for client in both:
            client.answer(60)
        for number, client in enumerate(both):
            for name in names[:5]:
                assert client.put(name, 1000 + number) == ECA_NORMAL
            assert client.value(names[199]) == 199
        counted = cable.ask(do="counted")
        assert min(counted.values()) > 0, counted
        written = server.ask(do="written", number=10)
        assert sorted(written) == sorted(
            [f"MANY{n}", 1000 + side] for n, side in itertools.product(range(5), (0, 1))
        )
        stats = server.ask(do="stats")
        assert (stats["channels"], stats["circuits_accepted"]) == (400, 2)


def test_a_doubled_search_is_answered_twice_and_a_late_one_late(lab):
    host, client, cable = lab
    with (
        serve(host),
        client.inside(),
        wire.socket.socket(type=wire.socket.SOCK_DGRAM) as sock,
    ):
        sock.settimeout(60)
        for odds in {"doubled": 1.0}, {"doubled": 0.0, "late": 1.0}:
            cable.ask(do="behave", seed=0, **odds)
            sock.sendto(
                wire.version(5) + wire.search_request("N:A", 9), ("10.1.0.1", 5064)
            )
            # Each way doubles.
            for _ in range(4 if odds.get("doubled") else 1):
                version, hit = unpack_all(sock.recv(2048))
                assert (version.type, version.p1) == (1, 5)
                assert (hit.command, hit.p2) == (SEARCH, 9)
