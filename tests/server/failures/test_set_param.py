"""setParam with what it cannot take, and with what only seems odd."""

import math

import pytest

from support.epics_client import ECA_NORMAL

HIGH, LOW, UDF = 4, 6, 17


def test_unknown_reason(server, client):
    assert server.set("NO_SUCH", 1) == "KeyError"


@pytest.mark.parametrize("reason", ["NUMBER", "INTEGER", "SHORT", "LABEL", "ARRAY"])
def test_wrong_type(server, client, reason):
    before = client.value(f"FAIL:{reason}")
    assert server.set(reason, kind="object") in ("TypeError", "ValueError")
    assert client.value(f"FAIL:{reason}") == before


def test_nan(server, client):
    client.monitor("FAIL:NUMBER")
    client.updates("FAIL:NUMBER")
    assert server.set("NUMBER", 0.5) is None
    assert client.updates("FAIL:NUMBER")[0]["value"] == 0.5
    assert server.set("NUMBER", kind="nan") is None
    assert math.isnan(client.value("FAIL:NUMBER"))
    assert server.set("LIMITED", kind="nan array") is None
    assert client.get("FAIL:LIMITED", form="time")["severity"] == 0


def test_too_many_elements(server, client):
    for _ in range(3):
        assert server.set("ARRAY", kind="too many") is None
        assert client.value("FAIL:ARRAY") == [0, 1, 2, 3]
    log = server.wait_for_log("FAIL:ARRAY")
    warnings = [line for line in log.splitlines() if "FAIL:ARRAY" in line]
    assert len(warnings) == 1
    assert warnings[0].startswith("WARNING")


@pytest.mark.parametrize(
    ("reason", "kind", "expected"),
    [
        ("NUMBER", "float32", 1.5),
        ("NUMBER", "bool", 1.0),
        ("INTEGER", "int64", -7),
        ("INTEGER", "uint16", 60000),
        ("ARRAY", "strided", [0, 2, 4, 6]),
        ("ARRAY", "reversed", [3, 2, 1, 0]),
        ("ARRAY", "int8 array", [-1, 2, -3, 4]),
        ("ARRAY", "big endian", [1, 2, 3, 4]),
        ("ARRAY", "tuple", [4, 3, 2, 1]),
    ],
)
def test_odd_but_right(server, client, reason, kind, expected):
    assert server.set(reason, kind=kind) is None
    assert client.value(f"FAIL:{reason}") == expected


def test_text(server, client):
    assert server.set("CHAR", "A") is None
    assert client.value("FAIL:CHAR") == 65
    assert server.set("TEXT", kind="bytes") is None
    assert client.text("FAIL:TEXT") == "some bytes"
    assert server.set("LABEL", "ON") is None
    assert client.value("FAIL:LABEL") == 1
    assert server.set("STRING", "x" * 60) is None
    assert client.value("FAIL:STRING") == "x" * 39


def test_large_array(server, client):
    assert server.set("LARGE", kind="large") is None
    found = client.value("FAIL:LARGE")
    assert len(found) == 200_000
    assert found[:3] + found[-1:] == [0, 1, 2, 199_999]


def test_labels_are_cut_alike_everywhere(server, client):
    labels = [f"{n:02} label of more than 25 characters" for n in range(20)]
    expected = [label[:25] for label in labels[:16]]
    server.ask(command="enums", reason="LABEL", labels=labels)
    assert client.get("FAIL:LABEL")["enums"] == expected
    server.wait_for_log("FAIL:LABEL")
    made = {"CUT": {"type": "enum", "enums": labels, "value": 1}}
    assert server.ask(command="create", pvdb=made) is None
    assert client.get("FAIL:CUT")["enums"] == expected
    assert client.get("FAIL:CUT", datatype="string")["value"] == expected[1]


def test_limit_that_is_not_given_does_not_exist(server, client):
    for value, status in ((-100, 0), (1, 0), (6, HIGH)):
        assert client.put("FAIL:ONLY_HIGH", value) == ECA_NORMAL
        assert client.get("FAIL:ONLY_HIGH", form="time")["status"] == status
    assert math.isnan(client.get("FAIL:ONLY_HIGH")["lower_warning_limit"])


def test_number_as_string_has_its_precision(server, client):
    assert server.set("NUMBER", 0.123456) is None
    assert client.value("FAIL:NUMBER", datatype="string") == "0.123"
    assert client.value("FAIL:GOOD", datatype="string") == "1.5000"
