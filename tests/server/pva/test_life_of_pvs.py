"""PVs and servers that come and go, and forks, under clients that stay."""

import itertools
import signal

import pytest
from pva_support import Client, ours

COUNTERS = ("pva_channels", "pva_subscriptions", "pva_requests_open")
_numbers = itertools.count(1)


@pytest.fixture
def name():
    """Of a PV that there is not yet."""
    return f"NEW{next(_numbers)}"


def wait_until_nothing_is_open(server):
    while any(server.stats()[counter] for counter in COUNTERS):
        pass


def wait_for_write(server, name="ASYNC"):
    while not any(written == name for written, _ in server.ask("written")):
        pass


def test_a_pv_that_is_made_late(client, server, name):
    """A monitor waits for it."""
    subscription = client.monitor(name)
    assert client.events(subscription, 1) == ["disconnected"]
    server.ask("create", name=name, info={"type": "int", "value": 5})
    assert client.until(subscription, 5)
    client.cancel(subscription)


def test_a_pv_that_is_removed_and_comes_back(client, server, name):
    """With another type, too: its clients find it again."""
    server.ask("create", name=name, info={"type": "int", "value": 5})
    subscription = client.monitor(name)
    assert client.connected(subscription)["fields"]["value"] == 5
    server.ask("remove", name=name)
    assert client.events(subscription, 1) == ["disconnected"]
    info = {"type": "string", "value": "text"}
    server.ask("create", name=name, info=info)
    assert client.until(subscription, "text")
    assert client.value(name) == "text"
    client.cancel(subscription)


def test_a_pv_that_is_replaced(client, server, name):
    """In place: the old one's clients get the new one."""
    server.ask("create", name=name, info={"type": "int", "value": 5})
    subscription = client.monitor(name)
    client.connected(subscription)
    info = {"type": "float", "value": [1.5, 2.5], "count": 2}
    server.ask("create", name=name, info=info)
    assert client.until(subscription, [1.5, 2.5])
    assert client.put(name, [3, 4]) is None
    assert client.until(subscription, [3, 4])
    client.cancel(subscription)


def test_a_pv_that_is_removed_with_a_put_in_hand(client, server):
    info = {"type": "int", "asyn": True, "value": 0}
    server.ask("create", name="HELD", info=info)
    client.begin_put("HELD", 5, "record[block=true]field()")
    wait_for_write(server, "HELD")
    server.ask("remove", name="HELD")
    client.ask("close")
    server.ask("complete", name="HELD")
    wait_until_nothing_is_open(server)


def test_an_alias(client, server):
    """Two names, one PV; the end of one name is not the end of the other."""
    server.ask("create", name="FIRST", info={"type": "int", "value": 1})
    server.ask("alias", name="FIRST", other="SECOND")
    one, two = client.monitor("FIRST"), client.monitor("SECOND")
    client.connected(one)
    client.connected(two)
    assert client.put("SECOND", 7) is None
    assert client.until(one, 7)
    assert client.until(two, 7)
    server.ask("remove", name="SECOND")
    assert client.put("FIRST", 8) is None
    assert client.until(one, 8)
    client.cancel(one)
    client.cancel(two)


def test_many_that_come_and_go(client, server):
    """Nothing is left of them."""
    names = [f"CHURN{i}" for i in range(30)]
    for number in range(3):
        for name in names:
            server.ask("create", name=name, info={"type": "int", "value": number})
        pvs = [server.pv(name) for name in names]
        assert client.ask("gets", pvs=pvs) == [number] * len(names)
        for name in names:
            server.ask("remove", name=name)
    client.ask("close")
    wait_until_nothing_is_open(server)


def test_a_fork(client, server):
    """The child posts and ends with its exit hooks; the parent goes on."""
    subscription = client.monitor("N1")
    client.connected(subscription)
    for value in (101, 102, 103):
        assert server.ask("fork", name="N1", value=-value) == 0
        server.ask("post", name="N1", value=value)
        assert client.until(subscription, value) == [value]
    client.cancel(subscription)


def test_a_fork_while_posts_arrive(client, server):
    subscription = client.monitor("N2")
    client.connected(subscription)
    assert server.ask("fork_while_posting", name="N2", forks=10, last=2000) == [0] * 10
    assert client.until(subscription, 2000)
    client.cancel(subscription)


def test_a_child_that_wants_to_serve(client, server):
    """pvxs does not work there, and would wait for ever: it serves Channel Access."""
    assert server.ask("serve_in_child") == ["ca", "ca"]
    assert "PVAccess is not served: this is the child" in server.child.stderr()
    assert client.value("N1") is not None


def test_a_server_that_closes_and_starts_again(client, server):
    """On the ports that its clients know."""
    ports = [server.tcp, server.udp]
    subscription = client.monitor("N3")
    client.connected(subscription)
    server.ask("close")
    assert client.events(subscription, 1) == ["disconnected"]
    assert all(server.stats()[counter] == 0 for counter in COUNTERS)
    server.ask("post", name="N3", value=33)
    ports = server.ask("start", ports=ports)
    assert ports == [server.tcp, server.udp]
    assert client.until(subscription, 33)
    client.cancel(subscription)


def test_requests_that_are_completed_after_the_end(client, server):
    """They count as open no more."""
    number = client.begin_put("ASYNC", 5, "record[block=true]field()")
    wait_for_write(server)
    server.ask("close")
    server.ask("complete", name="ASYNC")
    assert server.stats()["pva_requests_open"] == 0
    server.ask("start", ports=[server.tcp, server.udp])
    wait_for_write(server)  # the client puts it again
    server.ask("complete", name="ASYNC")
    assert client.end_put(number) == ["done", None]
    client.ask("close")
    wait_until_nothing_is_open(server)


def test_many_connections(client, server):
    """One after the other, past the number at which those that ended are forgotten.

    The connection being made was forgotten with them, and then written to.
    """
    assert client.ask("churn", pvs=[server.pv("N6")] * 140) == []
    client.ask("close")
    while server.stats()["pva_connections"]:
        pass


def test_a_client_that_is_killed(server):
    with Client(server) as victim:
        for name in ("N4", "N5"):
            victim.connected(victim.monitor(name))
        victim.begin_put("ASYNC", 6, "record[block=true]field()")
        wait_for_write(server)
        victim.child.kill()
    server.ask("complete", name="ASYNC")
    wait_until_nothing_is_open(server)


@pytest.mark.parametrize("how", ["exit", "kill"])
def test_a_server_that_ends_under_its_clients(how):
    server = ours()
    with Client(server) as client:
        subscription = client.monitor("N1")
        client.connected(subscription)
        client.begin_put("ASYNC", 6, "record[block=true]field()")
        wait_for_write(server)
        if how == "exit":
            server.child.tell(do="end_now")
            assert client.events(subscription, 1) == ["disconnected"]
            assert server.child.stop() == 0
        else:
            server.child.kill()
            assert client.events(subscription, 1) == ["disconnected"]
            assert server.child.stop() == -signal.SIGKILL


def test_several_servers():
    """On one host with one port for searches, and in one process."""
    with ours() as one, ours(EPICS_PVAS_BROADCAST_PORT=str(one.udp)) as two:
        assert one.udp == two.udp
        assert one.tcp != two.tcp
        with Client(one) as client:
            assert client.value("N1") == 1
            client.server = two
            assert client.value("N2") == 2


def test_two_servers_in_one_process(client, server):
    """Each has its own PVs, one PV may be of one only."""
    port = server.ask("second_server", name="OTHER", value=17)
    with Client(server, EPICS_PVA_BROADCAST_PORT=str(port)) as other:
        assert other.value("OTHER") == 17
        assert other.put("OTHER", 18) is None
        assert "error" in other.ask("get", pv="N1", seconds=2)
    assert client.value("N1")
    server.ask("end_second_server")
    assert client.value("N1")
