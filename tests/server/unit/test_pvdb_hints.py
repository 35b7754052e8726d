"""Entries that cannot mean what they say: served as ever, with a warning."""

from __future__ import annotations

import logging
import math

import numpy
import pytest

from pcaspy import Driver, PVInfo
from pcaspy.testing import IsolatedServer
from support import dbr
from support.ports import LOOPBACK
from support.wire import Circuit

ENUM = {"type": "enum", "enums": ["a", "b"]}


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"type": "int", "value": 3.5}, "field 'value' is 3.5, which becomes 3"),
        ({"type": "int", "value": 2**40}, f"which becomes {2**31 - 1}"),
        ({"type": "short", "value": -70000}, f"which becomes {-(2**15)}"),
        ({"type": "char", "value": 300}, "field 'value' is 300, which becomes"),
        ({"type": "string", "value": "x" * 50}, f"which becomes {'x' * 39!r}"),
        ({**ENUM, "value": 2}, "field 'value' is 2, but there are only 2 states"),
        (
            {"count": 2, "value": [1, 2, 3]},
            "field 'value' has 3 elements, the first 2 are kept",
        ),
        (
            {"unit": "volts/m²"},
            "field 'unit' is 'volts/m²', which clients get as 'volts/m':"
            " 7 bytes are sent",
        ),
        (
            {**ENUM, "states": [1]},
            "field 'states' has 1 severities for 2 labels: the others are NO_ALARM",
        ),
        (
            {"hihi": 1, "lolo": 5},
            "field 'lolo' is 5, above 'hihi' 1: neither raises an alarm",
        ),
        (
            {"high": 1, "low": 5},
            "field 'low' is 5, above 'high' 1: neither raises an alarm",
        ),
        (
            {"lolim": 1, "hilim": -1},
            "field 'lolim' is 1, above 'hilim' -1: displays show an empty range",
        ),
        (
            {"drvl": 1, "drvh": -1},
            "field 'drvl' is 1, above 'drvh' -1: displays show an empty range",
        ),
        (
            {"enforce_limits": True},
            "'enforce_limits' has no effect: 'hilim' 0.0 is not above 'lolim' 0.0",
        ),
        (
            {"enforce_limits": "clamp", "drvl": 5, "hilim": 5},
            "field 'enforce_limits' has no effect: 'hilim' 5 is not above 'drvl' 5",
        ),
    ],
    ids=lambda item: str(item)[:30],
)
def test_a_warning_names_pv_and_field(entry, expected, caplog):
    with IsolatedServer(threaded=False) as server:
        server.createPV("P:", {"X": entry})
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("pcaspy.pvdb", logging.WARNING)
    assert record.getMessage().startswith("PV 'X': ")
    assert expected in record.getMessage()


@pytest.mark.parametrize(
    "entry",
    [
        {"value": 1, "unit": "1234567", "hihi": 5, "lolo": 5, "hilim": 1},
        {"type": "int", "value": 3.0},
        {"type": "int", "value": True},
        {"value": 0.1},
        {"value": math.nan},
        {"value": -math.inf},
        {"type": "float", "value": "0.5"},
        {"type": "string", "value": "x" * 39},
        {"type": "string", "value": 5},
        {**ENUM, "value": 1, "states": [0, 1]},
        {**ENUM, "value": "b"},
        {"type": "enum", "value": 3},
        {"type": "char", "count": 5, "value": "hello"},
        {"count": 3, "value": [1, 2]},
        {"count": 3, "value": 1},
        {"value": None},
        {"enforce_limits": True, "hilim": 1},
        {"enforce_limits": "clamp", "drvl": -1},
        {"type": "bool", "value": True},
    ],
    ids=lambda entry: str(entry)[:40],
)
def test_what_is_right_has_no_warning(entry, caplog):
    with IsolatedServer(threaded=False) as server:
        server.createPV("P:", {"X": entry})
    assert caplog.records == []


@pytest.mark.parametrize("value", [[1, 2, 3], (1, 2, 3), numpy.arange(1.0, 4.0)])
def test_a_list_says_the_count(value):
    with IsolatedServer() as server:
        server.createPV("P:", {"X": {"value": value}, "ONE": {"value": [7]}})
        driver = Driver()
        with Circuit((LOOPBACK, server.tcp_port)) as circuit:
            channel = circuit.create("P:X")
            assert channel.count == 3
            got = circuit.get(channel, dbr.DOUBLE, 3)
            assert dbr.decode(dbr.DOUBLE, 3, got.payload).elements == [1, 2, 3]
            assert circuit.create("P:ONE").count == 1
        assert driver.getParamInfo("X", ["count"]) == {"count": 3}


@pytest.mark.parametrize(
    ("alias", "name"), [("double", "float"), ("long", "int"), ("uchar", "char")]
)
def test_other_names_of_types(alias, name):
    assert PVInfo({"type": alias}).type == PVInfo({"type": name}).type


@pytest.mark.parametrize("arguments", [({}, "P:"), ("P:", [("X", {})]), (None, {})])
def test_wrong_arguments(arguments):
    with IsolatedServer(threaded=False) as server:
        with pytest.raises(TypeError, match=r"createPV\(prefix, pvdb\) takes"):
            server.createPV(*arguments)
        assert not server._pcaspy.pvf
