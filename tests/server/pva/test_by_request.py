"""Names that only Python knows: pvExistTest and pvAttach of the low level."""

import pytest
from pva_support import Client, ours


@pytest.fixture(scope="module")
def server():
    with ours(script="by_request_side.py") as running:
        yield running


def test_gets_puts_monitors(client, server):
    assert client.put("A", 5.5) is None
    assert client.value("A") == 5.5
    subscription = client.monitor("A")
    assert client.connected(subscription)["fields"]["value"] == 5.5
    server.ask("post", name="A", value=7)
    assert client.until(subscription, 7) == [7]
    client.cancel(subscription)
    while server.ask("interest", name="A") != ["register", "delete"]:
        pass


def test_names_that_do_not_exist(client, server):
    """They are asked for, and not attached."""
    assert "Timeout" in client.ask("get", pv="NOT", seconds=3)["error"]
    asked = server.ask("asked")
    assert ["exists", server.pv("NOT")] in asked
    assert ["attach", server.pv("NOT")] not in asked


def test_a_name_that_is_not_attached(client, server):
    """The client is told so, or disconnected: it may try again."""
    assert "error" in client.ask("get", pv="REFUSED", seconds=5)
    while ["attach", server.pv("REFUSED")] not in server.ask("asked"):
        pass


def test_attached_beside_other_work(client, server):
    """What waits for Python holds up nothing, and nothing holds it up for ever.

    The network thread of pvxs and the thread that brings Python's answers met in a
    deadlock here.
    """
    busy = [server.pv(f"BUSY{i}") for i in range(100)]
    client.child.tell(do="storm", pvs=busy, times=60)
    with Client(server) as other:
        fresh = [server.pv(f"FRESH{i}") for i in range(40)]
        assert None not in other.ask("gets", pvs=fresh)
    assert client.child.answer(90) == 0
