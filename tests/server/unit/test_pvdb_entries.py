"""From a pvdb entry to a PVInfo."""

import logging

import numpy as np
import pytest

from pcaspy import PVInfo, SimpleServer
from pcaspy.served import pvdb
from pcaspy.served.pvdb import parse


def test_defaults_are_those_of_pcaspy():
    info = PVInfo({})
    fields = "count type enums states prec unit lolim hilim hihi lolo high low"
    fields += " adel mdel scan asyn asg reason port valid_low_high value mlst alst"
    assert {name: getattr(info, name) for name in fields.split()} == {
        "count": 1,
        "type": 9,
        "enums": [],
        "states": [],
        "prec": 0.0,
        "unit": "",
        "lolim": 0.0,
        "hilim": 0.0,
        "hihi": 0.0,
        "lolo": 0.0,
        "high": 0.0,
        "low": 0.0,
        "adel": 0.0,
        "mdel": 0.0,
        "scan": 0,
        "asyn": False,
        "asg": "",
        "reason": "",
        "port": "default",
        "valid_low_high": False,
        "value": 0,
        "mlst": 0,
        "alst": 0,
    }


@pytest.mark.parametrize(
    ("spec", "value"),
    [
        ({}, 0),
        ({"count": 3}, [0, 0, 0]),
        ({"type": "int", "count": 2}, [0, 0]),
        ({"type": "string"}, ""),
        ({"type": "string", "count": 2}, ["", ""]),
        ({"type": "char"}, ""),
        ({"type": "char", "count": 50}, ""),
        ({"type": "enum", "enums": ["a", "b"]}, 0),
        ({"type": "enum", "enums": ["a", "b"], "value": "b"}, "b"),
        ({"count": 5, "value": [1, 2]}, [1, 2]),
    ],
)
def test_first_value(spec, value):
    assert PVInfo(spec).value == value


@pytest.mark.parametrize(
    ("spec", "field", "allowed"),
    [
        ({"type": "quad"}, "type", "'float'"),
        ({"type": None}, "type", "'float'"),
        ({"count": 0}, "count", "from 1"),
        ({"count": 2.5}, "count", "from 1"),
        ({"count": "3"}, "count", "from 1"),
        ({"count": 1 << 40}, "count", "from 1"),
        ({"prec": "3"}, "prec", "number"),
        ({"prec": -1}, "prec", "number"),
        ({"prec": float("nan")}, "prec", "number"),
        ({"unit": 5}, "unit", "str"),
        ({"hihi": "10"}, "hihi", "number"),
        ({"low": None}, "low", "number"),
        ({"mdel": [1]}, "mdel", "number"),
        ({"enums": "abc"}, "enums", "sequence"),
        ({"enums": [1, 2]}, "enums", "sequence"),
        ({"enums": 3}, "enums", "sequence"),
        ({"states": [0, 4]}, "states", "0 to 3"),
        ({"scan": -1}, "scan", "seconds"),
        ({"scan": float("inf")}, "scan", "seconds"),
        ({"asg": None}, "asg", "str"),
        ({"port": 7}, "port", "str"),
        ({"value": "abc"}, "value", "float"),
        ({"type": "enum", "enums": ["a"], "value": "b"}, "value", "labels 'a'"),
        ({"value": []}, "value", "float"),
    ],
)
def test_errors_name_pv_field_and_what_is_allowed(spec, field, allowed):
    with pytest.raises(ValueError, match="'BROKEN'") as error:
        list(parse("X:", {"BROKEN": spec}))
    assert repr(field) in str(error.value)
    assert allowed in str(error.value)


@pytest.mark.parametrize("pvdb", [{"BROKEN": 5}, {7: {}}])
def test_wrong_shapes(pvdb):
    with pytest.raises(ValueError, match=r"BROKEN|7"):
        list(parse("X:", pvdb))


def test_a_key_may_be_empty_behind_a_prefix_only():
    assert list(parse("X", {"": {}}))
    with pytest.raises(ValueError, match="''"):
        list(parse("", {"": {}}))


def test_nothing_is_created_when_one_entry_is_wrong(idle):
    with pytest.raises(ValueError, match="'BAD'"):
        idle.createPV("X:", {"GOOD": {}, "BAD": {"type": "no"}})
    assert idle.stats()["pvs"] == 0


def test_unknown_keys_are_only_a_hint(caplog):
    caplog.set_level(logging.WARNING, "pcaspy.pvdb.unknown")
    for reason in ("HINTED", "AGAIN"):  # each field once
        PVInfo({"unitt": reason, "hai": 3, "remark": "x"}, reason=reason)
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 3
    assert all("HINTED" in record.getMessage() for record in caplog.records)


def test_labels_are_cut_with_a_warning(caplog):
    info = PVInfo({"type": "enum", "enums": ["x" * 30, *"abcdefghijklmnopqrst"]})
    assert len(info.enums) == 16
    assert info.enums[0] == "x" * 25
    assert len(caplog.records) == 2


def test_labels_are_cut_between_characters():
    # 26 and 27 bytes; the character that would be cut is left out.
    given = ["y" * 26, "é" * 13, "a" + "é" * 13, "b" * 25]
    kept = ["y" * 25, "é" * 12, "a" + "é" * 12, "b" * 25]
    assert PVInfo({"type": "enum", "enums": given}).enums == kept


def test_states_are_filled():
    info = PVInfo({"type": "enum", "enums": ["a", "b", "c"], "states": [2]})
    assert info.states == [2, 0, 0]


def test_equal_specs_share_their_fields():
    first, second = (
        PVInfo({"prec": 3, "enums": ["a"]}),
        PVInfo({"prec": 3, "enums": ["a"]}),
    )
    assert first.fields is second.fields
    second.prec = 4
    assert (first.prec, second.prec) == (3, 4)


def test_equal_numbers_of_other_types_stay_what_they_are():
    assert type(PVInfo({"prec": 3}).prec) is int
    assert type(PVInfo({"prec": 3.0}).prec) is float


def test_only_so_many_fields_are_remembered(monkeypatch):
    monkeypatch.setattr(pvdb, "_MAX_CACHED", 10)
    first = PVInfo({"prec": 7, "unit": "first"}).fields
    for n in range(20):
        PVInfo({"prec": 7, "unit": str(n)})
    assert PVInfo({"prec": 7, "unit": "first"}).fields is not first


def test_lists_handed_out_are_copies():
    info = PVInfo({"type": "enum", "enums": ["a", "b"]})
    info.enums.append("c")
    assert info.enums == ["a", "b"]


def test_change_is_all_or_nothing():
    info, other = PVInfo({}), PVInfo({})
    for change in ({"unit": "mm", "hihi": "x"}, {"hihi": 3, "prec": -1}):
        with pytest.raises(ValueError, match=r"hihi|prec"):
            info.change(change)
    assert (info.unit, info.hihi, info.valid_low_high) == ("", 0.0, False)
    assert (other.unit, other.hihi) == ("", 0.0)


def test_numpy_numbers_are_numbers():
    info = PVInfo({"count": np.int64(3), "hihi": np.float32(2.5), "value": np.zeros(3)})
    assert (info.count, info.hihi) == (3, 2.5)


def test_create_on_the_class_acts_on_the_server_made_last(idle):
    SimpleServer.createPV("CLASS:", {"A": {}})
    assert idle.stats()["pvs"] == 1
