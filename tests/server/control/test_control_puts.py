"""Puts by the control protocol, to PVs and to fields of them."""

import os
import struct
import threading

import pytest
from control_support import DEADLINE, PVDB, Served, eventually

from pcaspy import Driver
from pcaspy.control.client import ControlError
from support import dbr, wire
from support.wire import Circuit


def put_over_ca(served, name, value):
    """The same put by a client of Channel Access: the status, and the value then."""
    with Circuit(served.tcp) as circuit:
        channel = circuit.create(served.prefix + name)
        if isinstance(value, str):
            data, kind, count = value.encode().ljust(40, b"\0"), dbr.STRING, 1
        else:
            items = value if isinstance(value, list) else [value]
            data, kind = struct.pack(f">{len(items)}d", *items), dbr.DOUBLE
            count = len(items)
        answer = circuit.put(channel, kind, data, count)
    return answer.p1 == wire.ECA_NORMAL


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("POS", 3.25),
        ("POS", "2.5"),
        ("POS", "nan"),
        ("POS", "text"),
        ("N", 4),
        ("N", 99),
        ("N", "3"),
        ("STATE", 0),
        ("STATE", "off"),
        ("STATE", "neither"),
        ("TEXT", "right"),
        ("WAVE", [3, 2, 1]),
        ("WAVE", [1, 2, 3, 4, 5, 6]),
        ("FIXED", 4),
        ("NO", 1),
    ],
)
def test_a_put_does_what_one_over_channel_access_does(shared, name, value):
    def over_control(served, name, value):
        try:
            return served.ask("put", pv=name, value=value) == {}
        except ControlError:
            return False

    outcomes = []
    for put in (put_over_ca, over_control):
        shared.driver.setParam(name, PVDB[name]["value"])
        shared.driver.setParamStatus(name, 0, 0)
        shared.driver.updatePV(name)
        accepted = put(shared, name, value)
        found = shared.ask("get", pv=name)
        outcomes.append((accepted, found["elements"], found["alarm"]))
    assert outcomes[0] == outcomes[1]


def test_the_driver_sees_who_puts(served):
    import pwd

    served.ask("put", pv="POS", value=5)
    user = pwd.getpwuid(os.getuid()).pw_name
    assert served.driver.clients == [
        ("POS", f"{user}@localhost (127.0.0.1:0, control)")
    ]
    assert served.server.stats()["requests_queued"] == 0


@pytest.mark.parametrize("value", [None, {}, {"a": 1}, [[1]], [None], [{}], "\ud800"])
def test_what_is_no_value_is_refused(shared, value):
    before = shared.ask("get", pv="POS")["elements"]
    with pytest.raises(ControlError):
        shared.ask("put", pv="POS", value=value)
    assert shared.ask("get", pv="POS")["elements"] == before


def test_the_text_says_why_a_put_is_refused(served):
    for name, value, why in [
        ("FIXED", 4, "readonly"),
        ("NO", 4, "refused"),
        ("STATE", "neither", "states"),
        ("WAVE", [0] * 6, "5 elements"),
        ("MISSING", 1, "no PV"),
    ]:
        with pytest.raises(ControlError, match=why):
            served.ask("put", pv=name, value=value)


FIELDS = [
    ("POS.EGU", "cm", True),
    ("POS.DESC", "elsewhere", True),
    ("POS.HIHI", 8.5, True),
    ("POS.VAL", 2.5, True),
    ("N.DRVH", 3, True),
    ("STATE.ONAM", "up", True),
    ("POS.DISP", 1, True),
    ("POS.EGU", [1, 2], False),
    ("POS.RTYP", "ai", False),
    ("FIXED.VAL", 1, False),
]


@pytest.mark.parametrize(("name", "value", "accepted"), FIELDS)
def test_fields_are_those_of_channel_access(served, name, value, accepted):
    with Circuit(served.tcp) as circuit:
        channel = circuit.create(served.prefix + name)

        def as_text():
            return circuit.get(channel, dbr.STRING).payload.partition(b"\0")[0].decode()

        assert served.ask("get", pv=name)["value"] == as_text()
        before = as_text()
        if accepted:
            assert served.ask("put", pv=name, value=value) == {}
        else:
            with pytest.raises(ControlError):
                served.ask("put", pv=name, value=value)
        assert (as_text() != before) == accepted
        found = served.ask("get", pv=name)
        assert (found["pv"], found["value"]) == (served.prefix + name, as_text())


@pytest.mark.parametrize("name", ["POS.NONE", "NONE.EGU", ".EGU", "POS.EGU["])
def test_what_is_no_field(shared, name):
    with pytest.raises(ControlError, match="there is no PV"):
        shared.ask("get", pv=name)
    with pytest.raises(ControlError, match="there is no PV"):
        shared.ask("put", pv=name, value=1)


class Later(Driver):
    """Completes a put to an asynchronous PV when it is told to."""

    def __init__(self):
        super().__init__()
        self.begun = []

    def write(self, reason, value):
        self.begun.append(value)
        return True

    def finish(self, reason, value):
        self.setParam(reason, value)
        self.callbackPV(reason)
        self.updatePVs()


def test_a_put_that_is_completed_later_is_answered_then(monkeypatch):
    """And the next one to that PV is begun then."""
    from pcaspy.control import service

    monkeypatch.setattr(service, "_GRACE", DEADLINE)
    with Served({"A": {"asyn": True}}, Later) as served:
        finished, answers = [], []

        def put(value, control):
            control.ask("put", pv=served.prefix + "A", value=value)
            answers.append((value, value in finished))

        threads = []
        for value in (1, 2):
            threads.append(threading.Thread(target=put, args=(value, served.connect())))
            threads[-1].start()
            eventually(lambda: served.driver.begun)
        for value in (1, 2):
            eventually(lambda value=value: served.driver.begun == [1, 2][:value])
            for _ in range(3):
                served.ask("hello")
            assert served.driver.begun == [1, 2][:value]
            finished.append(value)
            served.driver.finish("A", value)
            threads[value - 1].join()
        assert answers == [(1, True), (2, True)]


def test_a_put_that_is_not_completed_is_answered_after_a_while(monkeypatch):
    from pcaspy.control import service

    monkeypatch.setattr(service, "_GRACE", 0.2)
    with Served({"A": {"asyn": True}}, Later) as served:
        assert served.ask("put", pv="A", value=1) == {}
        assert served.driver.begun == [1]
        served.driver.finish("A", 1)


def test_rights_hold_for_puts(tmp_path):
    import pwd

    user = pwd.getpwuid(os.getuid()).pw_name
    rules = tmp_path / "rules.acf"
    rules.write_text(
        f"UAG(me) {{{user}}} UAG(other) {{nobody-else}} HAG(here) {{localhost}}\n"
        "ASG(MINE) {RULE(1, WRITE) {UAG(me) HAG(here)} RULE(0, READ)}\n"
        "ASG(OTHERS) {RULE(1, WRITE) {UAG(other)} RULE(1, READ)}\n"
    )
    script = f"""
import sys
sys.path.insert(0, {str(os.path.dirname(__file__))!r})
from control_support import Served
from pcaspy.control.client import ControlError
pvdb = {{"MINE": {{"asg": "MINE"}}, "OTHERS": {{"asg": "OTHERS"}}}}
with Served(pvdb) as served:
    served.server.initAccessSecurityFile({str(rules)!r})
    print(served.ask("put", pv="MINE", value=1))
    try:
        served.ask("put", pv="OTHERS", value=1)
    except ControlError as error:
        print(error)
    print(served.ask("get", pv="MINE")["asg"])
"""
    printed = run(script)
    assert printed[0] == "{}"
    assert "access security does not allow it" in printed[1]
    assert printed[2] == "MINE"


def run(script):
    """The lines that a program prints: asLib's rules are for a whole process."""
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()
