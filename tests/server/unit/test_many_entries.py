"""Entries that are like others are made quickly, and just as one that stands alone."""

import random
import sys

import pytest

from pcaspy import PVInfo, SimplePV
from pcaspy.driver import manager
from pcaspy.native._fields import Alike, alike_infos
from pcaspy.testing import IsolatedServer

LABELS = ["off", "on"]
KINDS = [
    {},
    {"prec": 3},
    {"prec": 3.0},
    {"type": "float", "prec": 3, "unit": "mA"},
    {"unit": "mA", "prec": 3, "type": "float"},
    {"type": "int", "unit": "mA"},
    {"type": "int", "unit": "mA", "hihi": 5, "hhsv": "MAJOR"},
    {"type": "string"},
    {"type": "text"},
    {"type": "text", "count": 20},
    {"type": "int8"},
    {"type": "bool"},
    {"type": "enum", "enums": LABELS},
    {"type": "enum", "enums": ("off", "on")},
    {"count": 3},
    {"type": "char", "count": 8},
    {"scan": 1.5, "asyn": True},
    {"readonly": True, "asg": "OPS"},
    {"port": "other"},
    {"adel": 0.5, "mdel": 0.25},
]
VALUES = [1.5, -0.0, float("nan"), 7, True, "1", None, [1.0, 2.0], (3.0,), 1e300]


def shown(info):
    """All attributes, with types, so that 3 is not 3.0; NaN is itself."""
    return {name: (type(v), repr(v)) for name, v in vars(info).items()}


@pytest.fixture
def server():
    with IsolatedServer() as served:
        yield served


def made_of(server, prefix, entries):
    server.createPV(prefix, entries)
    return {name: manager.pvf[prefix + name].info for name in entries}


def entries_of(kinds, draw, count):
    for i in range(count):
        entry = dict(draw.choice(kinds))
        if draw.random() < 0.5:
            items = list(entry.items())
            items.insert(draw.randint(0, len(items)), ("value", draw.choice(VALUES)))
            entry = dict(items)
        yield str(i), entry


def alone(entries, prefix):
    made = {}
    for name, entry in list(entries.items()):
        try:
            made[name] = shown(PVInfo(entry, name, prefix + name))
        except ValueError:  # not a value of that type
            del entries[name]
    return made


@pytest.mark.parametrize("seed", range(4))
def test_each_is_as_if_it_stood_alone(server, seed):
    draw = random.Random(seed)
    kinds = draw.sample(KINDS, 6) if seed else KINDS  # and more than are remembered
    entries = dict(entries_of(kinds, draw, 400))
    expected = alone(entries, "ALIKE:")
    made = made_of(server, "ALIKE:", entries)
    assert {name: shown(info) for name, info in made.items()} == expected
    assert all(
        info.has_value == (entries[name].get("value") is not None)
        for name, info in made.items()
    )


def test_equal_entries_share_what_is_not_their_own(server):
    """Texts that a file gives are equal, but other objects for each entry."""
    entries = {str(i): {"unit": "".join(["m", "A"]), "prec": 3} for i in range(20)}
    made = made_of(server, "SHARED:", entries)
    assert len({id(info.fields) for info in made.values()}) == 1
    made["3"].prec = 5
    assert [made["3"].prec, made["4"].prec] == [5, 3]


def test_a_value_that_says_the_count_says_it_for_its_own_entry(server):
    entries = {"A": {"value": [1.0, 2.0]}, "B": {}, "C": {"value": [1.0]}, "D": {}}
    made = made_of(server, "COUNT:", entries)
    assert [info.count for info in made.values()] == [2, 1, 1, 1]


def test_lists_are_no_common_property(server):
    made = made_of(server, "LISTS:", {"A": {"count": 2}, "B": {"count": 2}})
    assert made["A"].value == made["B"].value == [0, 0]
    assert made["A"].value is not made["B"].value
    labels = ["off", "on"]
    first = made_of(server, "ENUMS:", {"A": {"type": "enum", "enums": labels}})
    labels.append("fault")
    second = made_of(server, "MORE:", {"A": {"type": "enum", "enums": labels}})
    assert [first["A"].enums, second["A"].enums] == [["off", "on"], labels]


def test_other_mappings_and_names(server):
    class Entry(dict):
        pass

    class Name(str):
        __slots__ = ()

    entries = {"A": {"prec": 1}, Name("B"): Entry(prec=1), Name("C"): {"prec": 1}}
    made = made_of(server, "OTHER:", entries)
    assert [info.prec for info in made.values()] == [1, 1, 1]


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("LAST", {"prec": -1}),
        ("NUL\0", {"prec": 1}),
        (5, {"prec": 1}),
        ("", {"prec": 1}),
        ("LAST", None),
        ("LAST", {"alias": "0"}),
        ("LAST", {"value": "much"}),
    ],
)
def test_one_that_is_wrong_is_found_behind_many(server, name, entry):
    entries = {str(i): {"prec": 1} for i in range(50)} | {name: entry}
    with pytest.raises(ValueError, match="PV"):
        server.createPV("", entries)
    assert "7" not in manager.pvf


def test_fields_that_can_change_are_compared_with_none():
    fields = PVInfo({"enums": LABELS, "type": "enum"}).fields
    with pytest.raises(TypeError):
        Alike({"enums": LABELS, "type": "enum"}, fields)


def test_no_code_of_users_runs_while_entries_are_compared():
    class Odd(str):
        __slots__ = ()
        __hash__ = str.__hash__

        def __eq__(self, other):
            raise AssertionError

    plain = Alike({"unit": "mA"}, PVInfo({"unit": "mA"}).fields, 0)
    made = []
    rest = iter([("A", {"unit": "mA"}), ("B", {"unit": Odd("mA")})])
    reason, entry = alike_infos(PVInfo, "P:", rest, [plain], made)
    assert (reason, type(entry["unit"])) == ("B", Odd)
    assert [(info.name, info.value) for info in made] == [("P:A", 0)]


# ---- names of PVs, which only the engine keeps ----


@pytest.mark.parametrize("name", ["PLAIN", "GRÖSSE:µ", "X" * 200, "\udcff"])
def test_a_pv_knows_its_name(server, name):
    server.createPV("P:", {name: {}})
    pv = manager.pvf["P:" + name]
    assert pv.name == pv.getName() == pv.info.name == "P:" + name
    assert manager.pvs["default"][name] is pv


def test_two_pvs_of_one_info_have_their_own_names():
    info = PVInfo({}, "REASON", "INFO")
    one, two = SimplePV("ONE", info), SimplePV("TWO", info)
    assert [one.name, two.name, info.name] == ["ONE", "TWO", "INFO"]
    info.name = "OTHER"
    one.name = "NEW"
    assert [one.name, two.name, info.name] == ["NEW", "TWO", "OTHER"]
    assert "'TWO'" in repr(two)


def test_a_name_is_kept_once_in_python(server):
    made = made_of(server, "ONCE:", {str(i): {} for i in range(3)})
    keys = {str(key): key for key in manager.pvf}
    assert all(keys[info.name] is info.name for info in made.values())


def test_what_few_pvs_have_takes_room_in_those_only():
    """Three objects for each PV: their sizes are a part of what a PV takes."""
    from pcaspy.driver import Data

    info = PVInfo({})
    sizes = [sys.getsizeof(thing) for thing in (info, SimplePV("X", info), Data())]
    assert sizes <= [96, 96, 112] or sys.maxsize < 2**32
