"""A client of the other implementation, pvAccessCPP: each type of value."""

import pytest
from pva_support import Client

# Name, first value, what is put.
VALUES = [
    ("DOUBLE", 3.14159, -2.5),
    ("LONG", 5, -7),
    ("SHORT", 7, -300),
    ("CHAR", 65, 66),
    ("STRING", "hello", "other text"),
    ("W:DOUBLE", [0.5, 1.5, 2.5], [9.5]),
    ("W:LONG", [1, -2, 3], [4, 5]),
    ("W:SHORT", [1, -2, 3], [6]),
    ("W:STRING", ["one", "two", "three"], ["a", ""]),
]


@pytest.fixture(scope="module")
def client(server):
    with Client(server, "pvapy", "pvapy_side.py") as running:
        yield running


@pytest.mark.parametrize(("name", "first", "new"), VALUES)
def test_each_type(client, name, first, new):
    """A get, a monitor, a put, and the update of it."""
    found = client.ask("get", pv=name)
    assert found["value"] == first
    assert found["alarm"] == {"severity": 0, "status": 0, "message": ""}
    assert found["timeStamp"]["secondsPastEpoch"] > 1.7e9
    client.ask("monitor", pv=name)
    assert client.ask("event", pv=name)["value"] == first
    assert client.ask("put", pv=name, value=new) is None
    assert client.ask("event", pv=name)["value"] == new
    client.ask("cancel", pv=name)
    assert client.ask("get", pv=name)["value"] == new


def test_limits(client):
    found = client.ask("get", pv="LONG")
    assert found["display"]["limitHigh"] == found["control"]["limitHigh"] == 10
    assert found["valueAlarm"]["highAlarmLimit"] == 8
    assert found["display"]["units"] == "eV"


def test_enum(client):
    choices = ["ZERO", "ONE", "TWO"]
    client.ask("monitor", pv="ENUM")
    first = client.ask("event", pv="ENUM")["value"]
    assert first == {"index": 0, "choices": choices}
    assert client.ask("put", pv="ENUM", value=2) is None
    assert client.ask("event", pv="ENUM")["value"]["index"] == 2
    assert "out of bounds" in client.ask("put", pv="ENUM", value=9)  # pvapy's own
    assert client.ask("get", pv="ENUM")["value"] == {"index": 2, "choices": choices}
    client.ask("cancel", pv="ENUM")


def test_refused(client):
    assert "refused by the driver" in client.ask("put", pv="REFUSES", value=2.0)
    assert "at most 39" in client.ask("put", pv="STRING", value="x" * 40)
