"""PVs of the low-level layer, driven by clients that nobody here wrote."""

from __future__ import annotations

import pytest

from support import dbr

pytestmark = pytest.mark.timeout(300)  # the first run makes the environments

SHAPES = {
    "NUMBER": (dbr.DOUBLE, 1, 2.5),
    "ENUM": (dbr.ENUM, 1, 1),
    "ARRAY": (dbr.LONG, 10, [5, 6, 7, 8]),
    "FLOATS": (dbr.FLOAT, 4, [0.25, 0.75]),
    "TEXT": (dbr.STRING, 1, "new"),
}


@pytest.mark.parametrize("name", SHAPES)
def test_shape_put_and_get(peer, name):
    native, count, value = SHAPES[name]
    assert peer.connect(name) == {"type": native, "count": count}
    peer.put(name, value)
    elements = value if isinstance(value, list) else [value]
    for family in (dbr.PLAIN, dbr.TIME):
        found = peer.get(name, family + native)
        assert found["value"] == elements
        if family == dbr.TIME:
            assert (found["status"], found["severity"]) == (0, 0)


def test_what_comes_with_a_number(peer):
    peer.connect("NUMBER")
    found = peer.get("NUMBER", dbr.CTRL + dbr.DOUBLE)
    assert (found["units"], found["precision"]) == ("mm", 2)
    assert found["limits"] == [20, -20, 10, 0, 0, 0, 20, -20]


def test_labels_of_an_enum(peer):
    peer.connect("ENUM")
    peer.put("ENUM", 2)
    assert peer.get("ENUM", dbr.CTRL + dbr.ENUM)["states"] == ["Off", "On", "Broken"]
    assert peer.get("ENUM", dbr.STRING)["value"] == ["Broken"]


def test_updates_with_values_and_alarms(peer, target):
    peer.connect("NUMBER")
    peer.put("NUMBER", 1.0)
    updates = peer.monitor("NUMBER", dbr.TIME + dbr.DOUBLE)
    assert peer.events(updates, 1)[0]["value"] == [1.0]
    peer.put("NUMBER", 11.0)
    high = peer.events(updates, 1)[-1]
    assert (high["value"], high["status"], high["severity"]) == ([11.0], 3, 2)
    target.child.ask(do="post", name="NUMBER", value=4.5)
    assert peer.events(updates, 1)[-1]["value"] == [4.5]


def test_arrays_change_their_length(peer, target):
    peer.connect("ARRAY")
    target.child.ask(do="post", name="ARRAY", value=[9, 8])
    assert peer.get("ARRAY", dbr.LONG)["value"] == [9, 8]
