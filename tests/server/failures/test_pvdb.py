"""A bad pvdb: a ValueError says where and what is allowed; nothing is created."""

import pytest

from support.epics_client import ECA_NORMAL

BAD = {
    "type": ({"type": "quad"}, ["BAD", "type", "quad", "float"]),
    "count": ({"count": 0}, ["BAD", "count"]),
    "count text": ({"count": "many"}, ["BAD", "count", "many"]),
    "enums": ({"type": "enum", "enums": "ON"}, ["BAD", "enums"]),
    "states": (
        {"type": "enum", "enums": ["A", "B"], "states": [0, "high"]},
        ["BAD", "states"],
    ),
    "scan": ({"scan": -1}, ["BAD", "scan"]),
    "prec": ({"prec": "three"}, ["BAD", "prec", "three"]),
    "high": ({"high": "much"}, ["BAD", "high", "much"]),
    "value": ({"type": "int", "value": "text"}, ["BAD", "value", "text"]),
}


@pytest.mark.parametrize("case", BAD)
def test_says_where_and_what(server, client, case):
    fields, words = BAD[case]
    message = server.ask(command="create", pvdb={"FIRST": {}, "BAD": fields})
    assert message is not None
    assert all(word in message for word in words), message
    found = client.get("FAIL:FIRST", seconds=0.5)
    assert found == {"errorcode": 80}, "created in spite of the error"


def test_unknown_fields_are_a_hint_only(server, client):
    pvdb = {"EXTRA": {"desc": "a motor", "units": "mm", "hi": 5}}
    assert server.ask(command="create", pvdb=pvdb) is None
    assert client.value("FAIL:EXTRA") == 0


def test_pvs_made_after_the_driver(server, client):
    pvdb = {"LATE": {"value": 6.5}}
    assert server.ask(command="create", pvdb=pvdb) is None
    assert client.value("FAIL:LATE") == 6.5
    assert client.put("FAIL:LATE", 7.5) == ECA_NORMAL
    assert client.value("FAIL:LATE") == 7.5
    assert server.set("LATE", 8.5) is None
    assert client.value("FAIL:LATE") == 8.5


def test_ten_thousand_scanned_pvs_share_few_threads(server, client):
    before = server.ask(command="threads")
    pvdb = {f"MANY{n}": {"scan": 0.5} for n in range(10_000)}
    assert server.ask(30, command="create", pvdb=pvdb) is None
    client.monitor("FAIL:MANY9999")
    assert client.updates("FAIL:MANY9999", count=3)[2]["value"] >= 2
    assert server.ask(command="threads") < before + 100
