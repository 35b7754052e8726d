"""Named programs: what was found, and what is different on purpose.

A program of SAME tells the same on both packages. A program of CHANGED needs exactly
the rows of docs/changes/pcaspy.toml that stand beside it; what two servers or the
process' end are needed for is in test_server_changes.py.
"""

from __future__ import annotations

import math

import pytest
from compat_programs import ask
from compat_run import Pair

from support import dbr

pytestmark = pytest.mark.timeout(300)

OPEN = ["open", 1, "joe"]
A = ["channel", 1, "a", "A"]


def program(steps, *, read=None, write=None, driver=True, **pvs):
    """A program with one client that has a channel on A."""
    return {
        "pvs": pvs or {"A": {}},
        "read": read,
        "write": write,
        "driver": driver,
        "steps": [OPEN, A, *steps],
    }


def put(*elements, type=dbr.DOUBLE, notify=True, channel="a", client=1):
    return ["put", client, channel, type, list(elements), notify]


def get(type=dbr.DOUBLE, count=0, channel="a", client=1):
    return ["get", client, channel, type, count, True]


def subscribe(type=dbr.TIME + dbr.DOUBLE, mask=7, count=0, name="s", channel="a"):
    return ["subscribe", 1, channel, name, type, count, mask]


def run(*lines):
    """Statements of the program; `result` is compared."""
    return ask("run", lines=list(lines))


def set_to(value, reason="A"):
    return ask("set", reason=reason, value=value)


STATE = ask("state", reason="A")
UPDATE = ask("update")
CALLBACK = ask("callback", reason="A")
TEXT = {"type": "string"}
ENUM = {"type": "enum", "enums": ["off", "on"], "states": [0, 1]}
BUSY = {"type": "int", "asyn": True}
SECOND = [["open", 2, "sue"], ["channel", 2, "b", "A"]]

NAN, INF, MINUS_INF = ({"float": text} for text in ("nan", "inf", "-inf"))


def each_sent(*values):
    """Sets one value after the other; `state` and subscribers tell what it is worth."""
    return [step for value in values for step in (set_to(value), STATE, UPDATE)]


SAME = {
    "None is stored, and a get fails": program(
        [set_to(None), STATE, get(dbr.STRING), set_to("x"), get(dbr.STRING)], A=TEXT
    ),
    "None is told to subscribers as an empty text": program(
        [subscribe(dbr.TIME + dbr.STRING), set_to(None), UPDATE, STATE], A=TEXT
    ),
    "None of a number raises": program([set_to(None), STATE, get()]),
    "None of an array": program([set_to(None), STATE, get()], A={"count": 3}),
    "Data.value = None": program(
        [ask("set_data", reason="A", name="value", value=None), STATE, get()]
    ),
    "a pvdb that begins with None": program(
        [STATE, get(dbr.STRING), set_to("x"), get(dbr.STRING)],
        A={**TEXT, "value": None},
    ),
    "labels leave the alarm as it is": program(
        [
            ask("status", reason="A", alarm=2, severity=3),
            ask("enums", reason="A", enums=["a", "b", "c"], states=[0, 2, 1]),
            STATE,
            ask("enums", reason="A", enums=["a", "b"], states=[0]),
            set_to(1),
            STATE,
        ],
        A=ENUM,
    ),
    "an index without a state": program(
        [put(9), STATE, get(dbr.TIME + dbr.ENUM), set_to(7), STATE, put(-4), STATE],
        A=ENUM,
    ),
    "an enum without labels": program(
        [set_to(0), STATE, get(dbr.TIME + dbr.ENUM)], A={"type": "enum"}
    ),
    "NaN in an array with limits": program(
        [
            set_to([1, {"float": "nan"}]),
            STATE,
            set_to({"np": ["f8", [9, 1]]}),
            STATE,
        ],
        A={"count": 3, "low": 0, "high": 5},
    ),
    "infinities": program([subscribe(), *each_sent(INF, MINUS_INF, INF, INF, 1)]),
    "NaN in an array": program(
        [subscribe(), *each_sent([1, NAN], [1, NAN], [1, 2])], A={"count": 2}
    ),
    "characters have no limits": program(
        [set_to(171), set_to([200, 1]), STATE],
        A={"type": "char", "count": 3, "low": 0, "high": 5, "hihi": 9, "lolo": -1},
    ),
    "types that cannot be subscribed to": program(
        [
            step
            for type in (35, 36, 39, 99)
            for step in (subscribe(type, count=1, name=f"s{type}"), get(type, 1))
        ]
    ),
    "put, then subscribe": program(
        [put(2.5, notify=False), subscribe(), put(3.5), STATE], write={}
    ),
    "a put callback of a busy PV goes with its channel": program(
        [
            *SECOND,
            put(1, type=dbr.LONG),
            ["channel", 2, "b2", "A"],
            put(2, type=dbr.LONG, channel="b2", client=2),
            ["leave", 2],
            CALLBACK,
            CALLBACK,
            STATE,
        ],
        write={},
        A=BUSY,
    ),
    "callbackPV inside write": program(
        [put(1), put(2), CALLBACK, put(3)], write={"A": "complete"}, A=BUSY
    ),
    "a write that returns nothing ends a put callback": program(
        [put(1), put(2)], write={"A": "none"}, A=BUSY
    ),
    "callbackPV without a put": program([CALLBACK, put(1), CALLBACK, CALLBACK], A=BUSY),
    "callbackPV of a PV whose parameter is gone": program(
        [put(1), ask("forget_data", reason="A"), CALLBACK, CALLBACK], A=BUSY
    ),
    "plain puts of a busy PV": program(
        [put(1), put(2, notify=False), STATE, CALLBACK, STATE], write={}, A=BUSY
    ),
    "attributes of Data and PVInfo": program(
        [
            run(
                "data = driver.getParamDB('A')",
                "data.mine = 5",
                "info = manager.pvs[driver.port]['A'].info",
                "info.mine = 6",
                "driver.setParamInfo('A', {'mine': 7, 'value': 8, 'nothing': 9})",
                "names = set(vars(info)) - {'name', 'reason', 'port', 'mine'}",
                "result = [data.mine, info.mine, info.value, sorted(names)]",
                "result.append(hasattr(info, 'nothing'))",
            )
        ]
    ),
    "a driver that derives twice registers after the first constructor": program(
        [
            run(
                "seen = []",
                "class First(pcaspy.Driver):",
                "    port = driver.port",
                "    def __init__(self):",
                "        super().__init__()",
                "        seen.append(manager.driver.get(self.port) is self)",
                "class Second(First):",
                "    def __init__(self):",
                "        super().__init__()",
                "        seen.append(manager.driver.get(self.port) is self)",
                "side.driver = Second()",
                "seen.append(manager.driver.get(side.driver.port) is side.driver)",
                "result = seen",
            ),
            put(1),
            STATE,
        ]
    ),
    "Driver.__init__ after the constructor": program(
        [
            run(
                "class Late(pcaspy.Driver):",
                "    port = driver.port",
                "    def __init__(self):",
                "        pass",
                "side.driver = Late()",
                "pcaspy.Driver.__init__(side.driver)",
                "result = manager.driver[driver.port] is side.driver",
            ),
            put(4),
            STATE,
            get(),
        ]
    ),
    "the port at the beginning of the constructor counts": program(
        [
            run(
                "class Moves(pcaspy.Driver):",
                "    port = driver.port",
                "    def __init__(self):",
                "        super().__init__()",
                "        self.port = 'another'",
                "new = Moves()",
                "result = [manager.driver.get(driver.port) is new]",
                "result.append('another' in manager.driver)",
            ),
        ]
    ),
    "a PV that is made anew": program(
        [
            set_to(3),
            ask("create", pvs={"A": {"value": 7, "hihi": 2, "lolo": 0}}),
            STATE,
            A,
            get(dbr.CTRL + dbr.DOUBLE),
            set_to(3),
            STATE,
        ]
    ),
    "the fields of a PV without its parameter": program(
        [
            ask("forget_data", reason="A"),
            ask("get_info", reason="A"),
            ask("get_info", reason="X"),
        ]
    ),
    "a write that makes its own PV anew": program(
        [
            run(
                "def write(self, reason, value):",
                "    made = {reason: {'port': self.port}}",
                "    pcaspy.SimpleServer.createPV(side.prefix, made)",
                "type(driver).write = write",
            ),
            put(1),
            A,
            put(2),
        ],
        write={},
    ),
    "unknown reasons": program(
        [
            set_to(1, "X"),
            ask("get", reason="X"),
            ask("update", reason="X"),
            ask("status", reason="X", alarm=1),
            ask("info", reason="X", info={}),
            ask("enums", reason="X", enums=[]),
            ask("get_info", reason="X"),
            ask("callback", reason="X"),
        ]
    ),
}

CHANGED = {
    "an exception in write": (
        program([put(1)], write={"A": "raise"}),
        ["crash"],
    ),
    "alarm limits that are not given": (
        program(
            [
                get(dbr.CTRL + dbr.DOUBLE),
                get(dbr.GR + dbr.FLOAT),
                get(dbr.CTRL + dbr.LONG),
                ask("info", reason="A", info={"high": 5, "low": 0}),
                get(dbr.CTRL + dbr.DOUBLE),
            ]
        ),
        ["limits-not-given"],
    ),
    "a number becomes NaN, and one again": (
        program([subscribe(), set_to(1), UPDATE, *each_sent(NAN, NAN, 1, NAN, 2)]),
        ["nan-is-a-change"],
    ),
    "a client puts NaN, and a number again": (
        program([subscribe(), put(1), put(math.nan), put(1), put(1)]),
        ["nan-is-a-change"],
    ),
    "an infinity and NaN": (
        program([subscribe(), *each_sent(INF, NAN, MINUS_INF, INF, NAN, INF)]),
        ["nan-is-a-change"],
    ),
    "NaN between two numbers that are near": (
        program([subscribe(), *each_sent(5, NAN, 5.5)], A={"mdel": 1, "adel": -1}),
        ["nan-is-a-change"],
    ),
    "the same infinity, sent always": (
        program([subscribe(), *each_sent(INF, INF, 1)], A={"mdel": -1}),
        ["nan-is-a-change"],
    ),
    "a list without a count": (
        program([], A={"value": [1, 2, 3]}),
        ["count-of-list"],
    ),
    "an exception in read": (
        program([get()], read={"A": "raise"}),
        ["crash"],
    ),
    "a name that is taken away": (
        program([ask("forget_name", reason="A")]),
        ["removed-name"],
    ),
    "a PV that is made anew with another type": (
        program(
            [set_to("x"), ask("create", pvs={"A": {"type": "int"}}), STATE], A=TEXT
        ),
        ["replaced-pv"],
    ),
    "a reason that is taken away": (
        program([ask("forget_reason", reason="A"), UPDATE]),
        ["removed-reason"],
    ),
    "clearing what there is not": (
        program([["clear", 1, "nothing"]]),
        ["clear-unknown"],
    ),
    "bytes for a string": (
        program([set_to({"bytes": [65, 66]}), get(dbr.STRING)], A=TEXT),
        ["bytes-as-text"],
    ),
    "one PV under two names": (
        program([ask("rename", reason="A", name="B"), put(3), STATE]),
        [],
    ),
    "write refuses": (
        program([put(1), STATE, put(2, notify=False), STATE], write={"A": "false"}),
        ["write-false"],
    ),
    "no driver": (program([get(), put(1)], driver=False), ["no-driver"]),
    "a driver that is taken away": (
        program([get(), ask("forget_driver"), get(), put(1), get()]),
        ["no-driver"],
    ),
    "PVs after the driver": (
        program([ask("create", pvs={"NEW": {}}), set_to(1, "NEW")]),
        ["late-pvs"],
    ),
    "setParam with a label": (program([set_to("on")], A=ENUM), ["set-accepted"]),
    "setParam with nonsense": (
        program([set_to(["a", {"object": 0}]), STATE], A={"count": 3}),
        ["set-refused"],
    ),
    "a number for one character": (
        program([set_to(66)], A={"type": "char"}),
        ["char-of-one"],
    ),
    "new labels": (
        program(
            [ask("enums", reason="A", enums=["no", "yes"]), get(dbr.STRING)], A=ENUM
        ),
        ["labels-after-change"],
    ),
    "new severities for the same labels": (
        program(
            [ask("enums", reason="A", enums=["off", "on"], states=[3, 3]), STATE],
            A=ENUM,
        ),
        ["states-alone"],
    ),
    "more elements than there are": (
        program([set_to([1, 2]), get(count=5)], A={"count": 3}),
        ["beyond-count"],
    ),
    "too many elements": (
        program([set_to([1, 2, 3, 4]), get()], A={"count": 3}),
        ["cut-to-count"],
    ),
    "one limit": (
        program([set_to(0), STATE], A={"high": 10}),
        ["limit-alone"],
    ),
    "decimals": (
        program([set_to(2.75), get(dbr.STRING)], A={"prec": 1}),
        ["decimals-of-prec"],
    ),
    "an integer as text": (
        program([set_to(7), get(dbr.STRING)], A={"type": "short"}),
        ["integer-as-text"],
    ),
    "integers that are put to an array of strings": (
        program([put(1, 2, type=dbr.SHORT)], write={}, A={**TEXT, "count": 2}),
        ["integer-as-text"],
    ),
    "a large number as text": (
        program([set_to(1e10), get(dbr.STRING)]),
        ["large-number-as-text"],
    ),
    "text as a number": (
        program([put("a", type=dbr.STRING)], write={}),
        ["text-as-number"],
    ),
    "an empty text as a number": (
        program([set_to(""), get()], A=TEXT),
        ["text-as-number"],
    ),
    "a label that there is not": (
        program([put("none", type=dbr.STRING)], A=ENUM),
        ["failed-put-status"],
    ),
    "text for a char array": (
        program([put("12", type=dbr.STRING)], write={}, A={"type": "char", "count": 9}),
        ["text-to-char"],
    ),
    "bytes above 127": (
        program(
            [put(0xC3, 0xBC, type=dbr.CHAR)], write={}, A={"type": "char", "count": 9}
        ),
        ["char-text-utf8"],
    ),
    "a text for an array of strings": (
        program([set_to("2"), get(dbr.STRING)], A={**TEXT, "count": 5}),
        ["text-in-string-array"],
    ),
    "a char of 200": (program([put(200, type=dbr.CHAR)], write={}), ["char-unsigned"]),
    "3e9 for an int": (
        program([put(3e9)], write={}, A={"type": "int"}),
        ["double-out-of-range"],
    ),
    "limits of characters": (
        program([get(dbr.CTRL + dbr.CHAR)], A={"lolim": -20, "hilim": 20}),
        ["char-limits"],
    ),
    "a first read that fails": (
        program([subscribe()], read={"A": "none"}),
        ["first-read-fails"],
    ),
    "a put callback waits": (
        program(
            [
                ["channel", 1, "b", "B"],
                put(1),
                put(2),
                get(channel="b"),
                CALLBACK,
            ],
            A=BUSY,
            B={},
        ),
        ["asyn-waiting"],
    ),
    "the client of a busy PV leaves": (
        program(
            [
                *SECOND,
                put(1, client=2, channel="b"),
                ["leave", 2],
                put(2),
                CALLBACK,
                CALLBACK,
            ],
            write={},
            A=BUSY,
        ),
        ["asyn-client-left"],
    ),
}


@pytest.mark.parametrize("name", SAME)
def test_same(pair: Pair, name: str) -> None:
    assert pair.run(SAME[name]) == []


@pytest.mark.parametrize("name", CHANGED)
def test_changed(pair: Pair, name: str) -> None:
    case, rows = CHANGED[name]
    assert sorted(set(pair.run(case, to_the_end=True))) == sorted(rows)
