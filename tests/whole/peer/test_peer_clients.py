"""Clients of other make on our server, and on the reference IOC to judge the test."""

from __future__ import annotations

import math
import time

import pytest

from support import dbr
from support.targets import OURS

pytestmark = pytest.mark.timeout(300)  # the first run makes the environments

PLAIN, TIME, CTRL = dbr.PLAIN, dbr.TIME, dbr.CTRL
FAMILIES = {"RAW": PLAIN, "TIME": TIME, "CTRL": CTRL}
VALUES = {
    "STRING": (dbr.STRING, 1, ["hello"]),
    "SHORT": (dbr.SHORT, 1, [7]),
    "ENUM": (dbr.ENUM, 1, [0]),
    "CHAR": (dbr.CHAR, 1, [65]),
    "LONG": (dbr.LONG, 1, [5]),
    "DOUBLE": (dbr.DOUBLE, 1, [3.14159]),
    "W:STRING": (dbr.STRING, 5, ["one", "two", "three"]),
    "W:SHORT": (dbr.SHORT, 10, [1, -2, 3]),
    "W:CHAR": (dbr.CHAR, 50, [97, 98, 200]),
    "W:LONG": (dbr.LONG, 10, [1, -2, 3]),
    "W:DOUBLE": (dbr.DOUBLE, 10, [0.5, 1.5, 2.5]),
}


@pytest.mark.parametrize("name", VALUES)
def test_connect(peer, name):
    native, count, _value = VALUES[name]
    assert peer.connect(name) == {"type": native, "count": count}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", VALUES)
def test_get_in_the_native_type(peer, name, family):
    native, _count, value = VALUES[name]
    peer.connect(name)
    if (family, native) == ("CTRL", dbr.STRING) and peer.name != "pyepics":
        family = "TIME"  # these clients do not decode the CTRL form of strings
    found = peer.get(name, FAMILIES[family] + native)
    assert found["value"] == value
    if family != "RAW":
        assert (found["status"], found["severity"]) == (0, 0)
    if family == "TIME":
        assert abs(found["stamp"] - time.time()) < 300


@pytest.mark.parametrize("base", range(1, 7), ids=dbr.BASES[1:])
@pytest.mark.parametrize("name", ["LONG", "W:LONG", "SHORT"])
def test_get_in_another_type(peer, name, base):
    peer.connect(name)
    _native, _count, value = VALUES[name]
    if base == dbr.CHAR:
        value = [n & 0xFF for n in value]
    if base == dbr.ENUM:
        value = [n & 0xFFFF for n in value]
    for family in FAMILIES.values():
        assert peer.get(name, family + base)["value"] == value


def test_strings_of_numbers(peer):
    peer.connect("DOUBLE")
    peer.connect("ENUM")
    assert peer.get("DOUBLE", dbr.STRING)["value"] == ["3.142"]
    assert peer.get("ENUM", dbr.STRING)["value"] == ["ZERO"]


@pytest.mark.parametrize(("name", "native"), [("DOUBLE", 6), ("LONG", 5)])
def test_control_metadata(peer, name, native):
    peer.connect(name)
    found = peer.get(name, CTRL + native)
    assert found["units"] == "eV"
    assert found["limits"] == [10, -10, 8, 6, -6, -8, 10, -10]
    if name == "DOUBLE":
        assert found["precision"] == 3


def test_limits_that_do_not_exist(peer):
    peer.connect("PLAIN")
    absent = peer.get("PLAIN", CTRL + dbr.DOUBLE)["limits"][2:6]
    assert all(map(math.isnan, absent))


@pytest.mark.parametrize(
    ("name", "states"), [("ENUM", ["ZERO", "ONE", "TWO"]), ("BINARY", ["Off", "On"])]
)
def test_states(peer, name, states):
    peer.connect(name)
    assert peer.get(name, CTRL + dbr.ENUM)["states"] == states


def test_a_pv_never_set(peer):
    peer.connect("NEVERSET")
    found = peer.get("NEVERSET", TIME + dbr.DOUBLE)
    assert (found["status"], found["severity"]) == (17, 3)


NEW_VALUES = [
    ("DOUBLE", [-1.23], [3.14159]),
    ("LONG", [-4], [5]),
    ("SHORT", [-300], [7]),
    ("CHAR", [200], [65]),
    ("ENUM", [2], [0]),
    ("STRING", ["grüße".encode().decode("latin-1")], ["hello"]),
    ("W:DOUBLE", [9.5, 8.5], [0.5, 1.5, 2.5]),
    ("W:LONG", [*range(10)], [1, -2, 3]),
    ("W:SHORT", [5, 4], [1, -2, 3]),
    ("W:CHAR", [*range(1, 51)], [97, 98, 200]),
    ("W:STRING", ["a", "bc"], ["one", "two", "three"]),
]


@pytest.mark.parametrize("wait", [True, False], ids=["callback", "plain"])
@pytest.mark.parametrize(("name", "new", "old"), NEW_VALUES)
def test_put(peer, name, new, old, wait):
    """A put of either kind, then a get of the same client."""
    native, count, _value = VALUES[name]
    peer.connect(name)
    if peer.name == "pyepics" and name == "STRING":
        new = ["other text"]  # it encodes text as UTF-8 itself
    try:
        for value in (new, old):
            peer.put(name, value if count > 1 else value[0], wait=wait)
            if name == "W:CHAR":
                # A Driver takes it as text, which is served with its NUL.
                value = peer.target.choose([*value, 0][:count], value)
            assert peer.get(name, native)["value"] == value
    finally:
        peer.put(name, old if count > 1 else old[0])
        if name == "W:CHAR" and peer.target.name == OURS:
            peer.target.post(name, old)  # without the NUL


def test_put_of_a_state_by_name(peer):
    peer.connect("ENUM")
    peer.put("ENUM", "TWO", dbr=dbr.STRING)
    assert peer.get("ENUM", dbr.ENUM)["value"] == [2]
    peer.put("ENUM", 0)


def test_put_of_text_to_a_number(peer):
    peer.connect("TARGET")
    peer.put("TARGET", "2.5", dbr=dbr.STRING)
    assert peer.get("TARGET", dbr.DOUBLE)["value"] == [2.5]


def test_put_callback_of_a_slow_pv(peer):
    """The completion comes after the update that its write posted."""
    peer.connect("SLOW")
    subscription = peer.monitor("SLOW", dbr.DOUBLE)
    peer.events(subscription, 1)
    value = time.time() % 1000
    start = time.monotonic()
    peer.put("SLOW", value)
    assert time.monotonic() - start > 0.25
    assert peer.events(subscription, 1)[-1]["value"] == [value]


def test_a_large_array(peer):
    peer.connect("BIG")
    found = peer.get("BIG", dbr.LONG)
    assert len(found["value"]) == 100_000
    assert set(found["value"]) == {7}


def test_a_refused_put(peer):
    """pyepics and aioca ignore the status of a put callback; the value tells it."""
    peer.connect("REFUSES")
    if peer.name == "caproto":
        with pytest.raises(AssertionError, match="ECA_PUTFAIL"):
            peer.put("REFUSES", 5.0)
    else:
        peer.put("REFUSES", 5.0)
    assert peer.get("REFUSES", dbr.DOUBLE)["value"] == [1.0]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", ["TARGET", "W:SHORT", "STRING"])
def test_monitor(peer, name, family):
    native = {"TARGET": dbr.DOUBLE, "W:SHORT": dbr.SHORT, "STRING": dbr.STRING}[name]
    if (family, native) == ("CTRL", dbr.STRING) and peer.name != "pyepics":
        family = "TIME"
    steps = {
        "TARGET": [[7.5], [8.5], [9.5]],
        "W:SHORT": [[1], [2, 3], [1, -2, 3]],
        "STRING": [["a"], ["b"], ["hello"]],
    }[name]
    peer.connect(name)
    start = {"TARGET": 0.0, "W:SHORT": [8, 9], "STRING": "start"}[name]
    peer.put(name, start)
    subscription = peer.monitor(name, FAMILIES[family] + native)
    (first,) = peer.events(subscription, 1)
    assert first["value"] == (start if isinstance(start, list) else [start])
    seen = []
    for value in steps:
        peer.put(name, value if name == "W:SHORT" else value[0])
        seen += peer.events(subscription, 1)
    assert [event["value"] for event in seen] == steps
    if family == "TIME":
        stamps = [event["stamp"] for event in seen]
        assert stamps == sorted(stamps)
        assert abs(stamps[-1] - time.time()) < 10
    peer.child.ask(do="cancel", subscription=subscription)


def test_monitor_masks_and_alarms(peer):
    peer.connect("LONG")
    peer.put("LONG", 5)
    subscriptions = {
        mask: peer.monitor("LONG", TIME + dbr.LONG, mask) for mask in (1, 2, 4, 5)
    }
    for subscription in subscriptions.values():
        peer.events(subscription, 1)
    for number in (4, 7, 6, 9, 3, 5):
        peer.put("LONG", number)
    expected = {
        1: [4, 7, 6, 9, 3, 5],
        2: [4, 7, 6, 9, 3, 5],
        4: [7, 9, 3],
        5: [4, 7, 6, 9, 3, 5],
    }
    alarms = {4: (0, 0), 7: (4, 1), 6: (4, 1), 9: (3, 2), 3: (0, 0), 5: (0, 0)}
    for mask, subscription in subscriptions.items():
        events = peer.events(subscription, len(expected[mask]))
        assert [event["value"][0] for event in events] == expected[mask]
        for event in events:
            alarm = (event["status"], event["severity"])
            assert alarm == alarms[event["value"][0]]
        peer.child.ask(do="cancel", subscription=subscription)


def test_a_property_monitor(peer):
    peer.connect("PLAIN")
    peer.target.set_units("PLAIN", "V")
    subscription = peer.monitor("PLAIN", CTRL + dbr.DOUBLE, 8)
    assert peer.events(subscription, 1)[0]["units"] == "V"
    peer.target.set_units("PLAIN", "kV")
    assert peer.events(subscription, 1)[0]["units"] == "kV"
    peer.child.ask(do="cancel", subscription=subscription)


def test_a_post_from_inside_the_server(peer):
    peer.connect("W:DOUBLE")
    peer.target.post("W:DOUBLE", [0.25])
    subscription = peer.monitor("W:DOUBLE", TIME + dbr.DOUBLE)
    assert peer.events(subscription, 1)[0]["value"] == [0.25]
    peer.target.post("W:DOUBLE", [0.5, 1.5, 2.5])
    assert peer.events(subscription, 1)[0]["value"] == [0.5, 1.5, 2.5]
    peer.child.ask(do="cancel", subscription=subscription)


def test_many_updates_end_with_the_last_value(peer):
    peer.connect("TARGET2")
    subscription = peer.monitor("TARGET2", dbr.LONG)
    peer.events(subscription, 1)
    for number in range(1, 301):
        peer.put("TARGET2", number, wait=False)
    values = []
    while not values or values[-1] != 300:
        values += [event["value"][0] for event in peer.events(subscription, 1)]
    assert values == sorted(values)
    peer.put("TARGET2", 0)
