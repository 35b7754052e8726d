"""What the put log has of each put."""

import getpass
import logging
import math
import struct
import tempfile
import threading
import time
from pathlib import Path

import pytest
from putlog_support import CHAR, DOUBLE, ENUM, LONG, STRING

from pcaspy import Driver, PutLog
from pcaspy.control.client import Control, ControlError
from pcaspy.putlog.target import ToLogging
from pcaspy.putlog.writer import Writer
from support.wire import LONG_DEADLINE

NORMAL, PUTFAIL, NOWTACCESS, BADCOUNT = 1, 160, 376, 176
PVDB = {
    "A": {"value": 0},
    "ASYN": {"asyn": True},
    "LATER": {},
    "LIMITED": {"hilim": 10, "lolim": -10, "enforce_limits": "refuse"},
    "RO": {"readonly": True},
    "E": {"type": "enum", "enums": ["off", "on"]},
    "T": {"type": "string"},
    "C": {"type": "char", "count": 100},
    "W": {"count": 2000},
    "I": {"type": "int"},
}


class Moody(Driver):
    def write(self, reason, value):
        if reason == "A" and value == 13:
            return False
        if reason == "A" and value == 14:
            raise RuntimeError("no")
        if reason == "ASYN":
            threading.Timer(0.05, self.finish, (reason, value)).start()
            return True
        if reason == "LATER":
            return self.write_later(reason, value)
        return super().write(reason, value)

    async def write_later(self, reason, value):
        if value == 14:
            raise RuntimeError("no")
        self.setParam(reason, value)
        return value != 13

    def finish(self, reason, value):
        self.setParam(reason, value)
        self.updatePVs()
        self.callbackPV(reason)


@pytest.fixture
def server(serve, puts):
    return serve(PutLog(puts, burst=0), PVDB, Moody)


OUTCOMES = [
    ("A", 5, DOUBLE, "accepted", 0.0, 5.0),
    ("A", 13, DOUBLE, "refused", 0.0, 13.0),
    ("A", 14, DOUBLE, "failed", 0.0, 14.0),
    ("LIMITED", 11, DOUBLE, "out-of-limits", 0.0, 11.0),
    ("RO", 7, DOUBLE, "readonly", 0.0, 7),
    ("E", b"blue\0", STRING, "bad-value", 0, "blue"),
    ("A", b"abc\0", STRING, "bad-value", 0.0, "abc"),
    ("T", b"hello\0", STRING, "accepted", "", "hello"),
    ("E", struct.pack(">H", 1), ENUM, "accepted", 0, 1),
    ("ASYN", 3, DOUBLE, "accepted", 0.0, 3.0),
    ("LATER", 3, DOUBLE, "accepted", 0.0, 3.0),
    ("LATER", 13, DOUBLE, "refused", 0.0, 13.0),
    ("LATER", 14, DOUBLE, "failed", 0.0, 14.0),
    ("A.EGU", b"mm\0", STRING, "accepted", "", "mm"),
    ("A.RTYP", b"ai\0", STRING, "refused", "ao", "ai"),
]


def test_each_put_with_its_outcome(server, client, puts):
    writer = client(server, user="joe", host="console")
    address = writer.address()
    for name, value, type, outcome, old, new in OUTCOMES:
        server.driver.setParam("A", 0)
        server.driver.setParam("LATER", 0)
        begin = time.time()
        status = writer.put(f"L:{name}", value, type)
        assert (status == NORMAL) == (outcome == "accepted"), (name, value)
        put = puts.next()
        assert begin - 0.001 <= put["time"] <= time.time()
        found = {key: put[key] for key in ("pv", "old", "new", "outcome")}
        assert found == {
            "pv": f"L:{name}",
            "old": old,
            "new": new,
            "outcome": outcome,
        }
        who = (put["user"], put["host"], put["address"], put["protocol"])
        assert who == ("joe", "console", address, "ca")
    assert server.stats()["puts_logged"] == len(OUTCOMES)
    assert server.stats()["puts_not_logged"] == 0


def test_puts_that_are_disabled(server, client, puts):
    writer = client(server)
    assert writer.put("L:A.DISP", struct.pack(">i", 1), LONG) == NORMAL
    assert writer.put("L:A", 1) == PUTFAIL
    assert puts.next("L:A.DISP")["new"] == 1
    assert puts.next("L:A")["outcome"] == "disabled"


def test_too_many_elements(server, client, puts):
    writer = client(server)
    assert writer.put("L:A", bytes(8 * 3), DOUBLE, 3) == BADCOUNT
    put = puts.next()
    assert (put["outcome"], put["new"]) == ("bad-value", "3 elements")


def test_long_values_are_cut(server, client, puts):
    writer = client(server)
    values = list(range(2000))
    writer.put("L:W", struct.pack(">2000d", *values), DOUBLE, 2000)
    writer.put("L:W", struct.pack(">2d", 1, 2), DOUBLE, 2)
    writer.put("L:C", b"x" * 99 + b"\0", CHAR, 100)
    put = puts.next()
    assert (put["new"], put["new_size"]) == (values[:50], 2000)
    put = puts.next()
    assert (put["old"], put["old_size"]) == (values[:50], 2000)
    assert (put["new"], put["new_size"]) == ([1, 2], 2)
    put = puts.next()
    assert (put["new"], put["new_size"], put["old_size"]) == ("x" * 99, 100, 1)


def test_acknowledgements(server, client, puts):
    writer = client(server)
    assert writer.put("L:A", struct.pack(">H", 2), 36) == NORMAL
    put = puts.next()
    assert (put["pv"], put["new"], put["outcome"]) == ("L:A.ACKS", 2, "accepted")


# ---- bursts ----


def test_a_burst_is_one_record(serve, client, puts):
    server = serve(PutLog(puts, burst=60), {"A": {"value": 7}, "B": {}, "T": {}})
    one, two = client(server), client(server)
    one.send("L:A", [3, 1, 9, math.nan, 4])
    two.put("L:A", 5)
    one.put("L:B", 1)
    server.close()  # which ends bursts
    first, second, third = puts.rest()
    assert (first["old"], first["new"], first["more"]) == (7, 4, 4)
    assert (first["least"], first["most"]) == (1, 9)
    assert (second["old"], second["new"], second["more"]) == (4, 5, 0)
    assert second["least"] is None
    assert (third["pv"], third["more"]) == ("L:B", 0)
    assert server.stats()["puts_logged"] == 7


def test_a_burst_that_has_begun_when_the_server_ends(serve, client, puts, monkeypatch):
    """At a moment when there was nothing to write yet."""
    server = serve(PutLog(puts, burst=60), {"A": {}})
    writer = server._pcaspy.companions.of_type(Writer)
    taken, goes_on = threading.Event(), threading.Event()
    client(server).put("L:A", 5)

    def pump(target):
        taken.set()
        goes_on.wait(LONG_DEADLINE)
        return 1.0

    monkeypatch.setattr(ToLogging, "pump", pump)
    assert taken.wait(LONG_DEADLINE)
    closing = threading.Thread(target=server.close)
    closing.start()
    assert writer._ending.wait(LONG_DEADLINE)
    goes_on.set()
    closing.join(LONG_DEADLINE)
    assert [put["new"] for put in puts.rest()] == [5]


def test_a_slow_log_is_waited_for_while_it_gets_on(serve, client, puts, monkeypatch):
    monkeypatch.setattr("pcaspy.putlog.writer._JOIN", 0.2)
    emit = puts.emit

    def slowly(record):
        time.sleep(0.01)
        emit(record)

    monkeypatch.setattr(puts, "emit", slowly)
    server = serve(PutLog(puts, burst=0), {"A": {}})
    client(server).send("L:A", range(100))
    server.close()
    assert [put["new"] for put in puts.rest()] == [*range(100)]
    assert server.stats()["puts_logged"] == 100


def test_a_burst_ends_by_itself(serve, client, puts):
    server = serve(PutLog(puts, burst=0.3), {"A": {}})
    writer = client(server)
    writer.send("L:A", [1, 2])
    assert puts.next()["more"] == 1
    writer.put("L:A", 3)
    put = puts.next()
    assert (put["old"], put["new"], put["more"]) == (2, 3, 0)


def test_other_outcomes_and_texts_are_no_part_of_it(serve, client, puts):
    server = serve(PutLog(puts, burst=60), PVDB, Moody)
    writer = client(server)
    for value in (1, 13, 2, 13):
        writer.put("L:A", value)
    for text in (b"open\0", b"home\0", b"close\0"):
        writer.put("L:T", text, STRING)
    server.close()
    found = [(put["outcome"], put["new"], put["more"]) for put in puts.rest()]
    texts = [("accepted", text, 0) for text in ("open", "home", "close")]
    assert found == [*texts, ("accepted", 2, 1), ("refused", 13, 1)]


# ---- which ----


def test_only_accepted_puts(serve, client, puts):
    server = serve(PutLog(puts, burst=0, which="accepted"), PVDB, Moody)
    writer = client(server)
    for value in (13, 14, 1):
        writer.put("L:A", value)
    writer.put("L:RO", 1)
    server.close()
    assert [put["new"] for put in puts.rest()] == [1]


def test_the_other_logs_are_as_they_were(serve, client, caplog):
    """`put_log` changes nothing of what is logged without it."""

    def lines(put_log):
        caplog.clear()
        with caplog.at_level(logging.INFO, "pcaspy.SimplePV"):
            server = serve(put_log, PVDB, Moody)
            writer = client(server, user="joe", host="console")
            for value in (5, 13):
                writer.put("L:A", value)
            address = writer.address()
            writer.close()
            server.close()
        return [
            record.getMessage().replace(address, "ADDRESS")
            for record in caplog.records
            if record.name.startswith("pcaspy.SimplePV")
        ]

    without = lines(False)
    assert len(without) == 2
    assert lines(PutLog(logging.NullHandler())) == without


def test_without_one_nothing_of_it_is_there(serve, client):
    server = serve(None, {"A": {}})
    client(server).put("L:A", 1)
    assert "pcaspy put log" not in [thread.name for thread in threading.enumerate()]
    assert server.stats()["puts_logged"] == server.stats()["puts_not_logged"] == 0


def test_puts_through_the_control_socket(serve, puts, monkeypatch):
    with tempfile.TemporaryDirectory(prefix="pc") as folder:
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        serve(PutLog(puts, burst=0), PVDB, Moody, control=True)
        (path,) = Path(folder).rglob("*.sock")
        with Control(path) as control:
            assert control.ask("put", pv="L:A", value=5) == {}
            for name, value in (("L:A", 13), ("L:RO", 1)):
                with pytest.raises(ControlError):
                    control.ask("put", pv=name, value=value)
        found = [puts.next() for _ in range(3)]
    assert {(put["protocol"], put["user"]) for put in found} == {
        ("control", getpass.getuser())
    }
    assert [(put["pv"], put["new"], put["outcome"]) for put in found] == [
        ("L:A", 5, "accepted"),
        ("L:A", 13, "refused"),
        ("L:RO", 1, "readonly"),
    ]
