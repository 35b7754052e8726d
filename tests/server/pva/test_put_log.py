"""Puts over PVAccess in the put log."""

import json

import pytest
from pva_support import Client, ours


@pytest.fixture
def path(tmp_path):
    return tmp_path / "puts.log"


@pytest.fixture
def server(path):
    running = ours(PCASPY_PUT_LOG=f"{path},burst=0")
    yield running
    running.child.stop()


@pytest.fixture
def client(server):
    with Client(server) as running:
        yield running


def test_puts_and_refusals(server, client, path):
    assert client.put("N1", 41) is None
    assert client.put("N1", 42) is None
    assert client.put("N1.DISP", 1) is None
    assert client.put("N1", 43, first=False) is not None
    assert client.put("RAISES", 1, first=False) is not None
    assert client.put("MBBI", 7, first=False) is not None
    server.stop()
    found = [json.loads(line) for line in path.read_text().splitlines()]
    assert {line["protocol"] for line in found} == {"pva"}
    assert all(line["user"] and line["address"] for line in found)
    assert [(line["old"], line["new"], line["outcome"]) for line in found] == [
        (1, 41, "accepted"),
        (41, 42, "accepted"),
        (0, 1, "accepted"),
        (42, 43, "disabled"),
        (0, 1, "failed"),
        (1, 7, "bad-value"),
    ]
