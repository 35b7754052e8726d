"""Types that Channel Access has not: what a client puts, and what the driver gets."""

import pytest

# PV, what is put, what the driver gets.
PUTS = [
    ("INT8", -128, -128),
    ("UINT8", 200, 200),
    ("UINT16", 65535, 65535),
    ("UINT32", 2**32 - 1, 2**32 - 1),
    ("INT64", 2**53 + 1, 2**53 + 1),
    ("UINT64", 2**64 - 1, 2**64 - 1),
    ("FLOAT32", 0.5, 0.5),
    ("BOOL", True, True),
    ("BOOL", 0, False),
    ("LONGTEXT", "Ärger " * 14, "Ärger " * 14),
    ("W:INT64", [2**62 + 1, -1], [2**62 + 1, -1]),
    ("W:UINT8", [0, 200], [0, 200]),
    ("W:BOOL", [True, False, True], [True, False, True]),
    ("W:ENUM", [2, 1], [2, 1]),
    ("W:STRING", ["a", "", "c"], ["a", "", "c"]),
]


@pytest.mark.parametrize(("name", "value", "expected"), PUTS)
def test_puts(server, client, name, value, expected):
    server.ask("written")
    assert client.put(name, value, first=False) is None
    ((reason, written),) = server.ask("written")
    assert (reason, type(written), written) == (name, type(expected), expected)
    assert client.value(name) == value


def test_monitors_have_every_step(server, client):
    subscription = client.monitor("COUNTS")
    client.connected(subscription)
    steps = [2**60, 2**60 + 1, 2**60 + 2, -(2**63)]
    for step in steps:
        server.ask("post", name="COUNTS", value=step)
    assert client.until(subscription, steps[-1]) == steps
    client.cancel(subscription)


def test_a_bool_is_an_enum_where_it_has_labels(server, client):
    assert client.get("BOOL")["types"]["value"] == "?"
    server.ask("create", name="DOOR", info={"type": "bool", "enums": ["Shut", "Open"]})
    door = client.get("DOOR")
    assert door["id"] == "epics:nt/NTEnum:1.0"
    assert door["fields"]["value.choices"] == ["Shut", "Open"]
    assert client.put("DOOR", {"value.index": 1}, first=False) is None
    assert server.ask("written")[-1] == ["DOOR", True]
    assert client.value("DOOR") == 1


def test_limits_of_64_bits_are_exact(server, client):
    limits = {"lolim": -(2**63), "hilim": 2**62 + 1, "hihi": 2**63 - 1, "low": -1.5}
    server.ask("info", name="COUNTS", info=limits)
    fields = client.get("COUNTS")["fields"]
    assert fields["display.limitLow"] == fields["control.limitLow"] == -(2**63)
    assert fields["display.limitHigh"] == 2**62 + 1
    assert fields["valueAlarm.highAlarmLimit"] == 2**63 - 1
    assert fields["valueAlarm.lowWarningLimit"] == -1
    server.ask("info", name="UINT64", info={"lolim": -5, "hilim": 2**64 - 1})
    fields = client.get("UINT64")["fields"]
    assert (fields["display.limitLow"], fields["display.limitHigh"]) == (0, 2**64 - 1)


def test_a_text_that_is_too_long_is_refused(client):
    error = client.put("LONGTEXT", "x" * 101, first=False)
    assert "a text of 101 bytes is too long: at most 100 are allowed" in error
