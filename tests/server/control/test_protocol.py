"""What the requests of the control protocol are answered with."""

import asyncio
import contextlib
import json
import os
import socket
import struct
import threading
import time

import pytest
from control_support import DEADLINE, PVDB, Served, eventually

from pcaspy import Driver
from pcaspy.control.client import ControlError
from pcaspy.native._tables import counters
from support import dbr, wire
from support.wire import Circuit

ROW = {"pv", "value", "severity", "alarm", "time", "clients", "rate"}


def names(served, answer):
    return [row["pv"].removeprefix(served.prefix) for row in answer["rows"]]


def test_hello_says_who_it_is(shared):
    hello = shared.ask("hello")
    assert hello["protocol"] == 1
    assert (hello["pid"], hello["name"]) == (os.getpid(), shared.name)
    assert hello["tcp_port"] == shared.server.tcp_port
    assert hello["udp_port"] == shared.server.udp_port
    assert hello["pva_tcp_port"] is None
    assert hello["pvs"] == len(PVDB)
    assert 0 <= time.time() - hello["started"] < 60
    assert hello["command"]


def test_stats_has_every_counter_with_its_kind_and_meaning(shared):
    answer = shared.ask("stats")
    table = {name: (kind, meaning) for name, kind, meaning in counters()}
    assert answer["counters"].keys() == table.keys() == shared.server.stats().keys()
    for name, (kind, meaning) in table.items():
        assert (answer["kinds"][name], answer["meanings"][name]) == (kind, meaning)
    assert answer["counters"]["pvs"] == len(PVDB)


def test_pvs_are_sorted_by_name_and_have_all_members(served):
    answer = served.ask("pvs")
    assert names(served, answer) == sorted(PVDB)
    assert answer["total"] == answer["matching"] == len(PVDB)
    assert all(row.keys() == ROW for row in answer["rows"])
    values = {
        row["pv"].removeprefix(served.prefix): row["value"] for row in answer["rows"]
    }
    assert values == {
        "POS": "1.50",
        "N": "7",
        "STATE": "on",
        "TEXT": "left",
        "LONG": "a longer text",
        "WAVE": "[5 elements]",
        "FIXED": "3.0000",
        "NO": "0.0000",
    }


@pytest.mark.parametrize(
    ("match", "found"),
    [
        ("o", ["LONG", "NO", "POS"]),
        ("O", ["LONG", "NO", "POS"]),
        ("*:n*", ["N", "NO"]),
        ("*:?????", ["FIXED", "STATE"]),
        ("*o", ["NO"]),
        ("*", sorted(PVDB)),
        ("**:**o**", ["LONG", "NO", "POS"]),
        ("nothing of that kind", []),
    ],
)
def test_match_is_a_part_or_a_pattern(shared, match, found):
    answer = shared.ask("pvs", match=match)
    assert names(shared, answer) == found
    assert answer["matching"] == len(found)
    assert answer["total"] == len(PVDB)


def test_pages_join_to_the_whole(shared):
    whole = names(shared, shared.ask("pvs", descending=True))
    assert whole == sorted(PVDB, reverse=True)
    for sort in ("name", "value", "alarm", "age", "clients", "rate"):
        for descending in (False, True):
            asked = {"sort": sort, "descending": descending}
            all_at_once = names(shared, shared.ask("pvs", **asked))
            paged = []
            for offset in range(0, len(PVDB), 3):
                answer = shared.ask("pvs", offset=offset, limit=3, **asked)
                paged += names(shared, answer)
            assert paged == all_at_once
            assert sorted(paged) == sorted(PVDB)
    assert shared.ask("pvs", offset=99)["rows"] == []
    assert shared.ask("pvs", limit=0)["rows"] == []


def test_sorted_by_value_alarm_age_and_clients():
    pvdb = {f"V{n}": {"value": (n * 7) % 10, "hihi": 8} for n in range(10)}
    with Served(pvdb) as served:
        for n in range(10):
            served.driver.setParam(f"V{n}", (n * 7) % 10)
            served.driver.updatePV(f"V{n}")
        by_value = served.ask("pvs", sort="value")
        values = [float(row["value"]) for row in by_value["rows"]]
        assert values == list(range(10))
        by_alarm = served.ask("pvs", sort="alarm", descending=True)["rows"]
        assert [row["severity"] for row in by_alarm[:3]] == [
            "MAJOR",
            "MAJOR",
            "NO_ALARM",
        ]
        assert {row["alarm"] for row in by_alarm[:2]} == {"HIHI"}
        by_age = served.ask("pvs", sort="age")["rows"]
        times = [row["time"] for row in by_age]
        assert times == sorted(times, reverse=True)
        assert abs(times[0] - time.time()) < 60
        with Circuit(served.tcp) as one, Circuit(served.tcp) as other:
            for circuit in (one, one, other):
                circuit.create(served.prefix + "V4")
            other.create(served.prefix + "V7")
            # An order of so few PVs is old after milliseconds.
            found = eventually(
                lambda: served.ask("pvs", sort="clients", descending=True)["rows"],
                lambda rows: rows[0]["clients"] == 3 and rows[1]["clients"] == 1,
            )
            assert [row["pv"][-2:] for row in found[:2]] == ["V4", "V7"]
        eventually(lambda: served.ask("get", pv="V4")["clients"] == 0)


def test_rate_is_of_the_posts_since_the_last_look(served):
    assert served.ask("get", pv="POS")["rate"] is None
    for n in range(50):
        served.driver.setParam("POS", n)
        served.driver.updatePV("POS")
    row = served.ask("get", pv="POS")
    assert row["rate"] > 0
    most = eventually(
        lambda: served.ask("pvs", sort="rate", descending=True)["rows"][0]["rate"],
        lambda rate: rate == 0,
    )
    assert most == 0


def test_get_says_all_of_a_pv(served):
    found = served.ask("get", pv="POS")
    assert found.keys() >= ROW | {"limits", "labels", "asg"}
    assert found["type"] == "double"
    assert (found["count"], found["elements"]) == (1, [1.5])
    assert (found["unit"], found["desc"]) == ("mm", "where it is")
    assert found["limits"]["alarm"] == [None, 10]
    assert not found["readonly"]
    assert served.ask("get", pv="FIXED")["readonly"]
    assert served.ask("get", pv="STATE")["labels"] == ["off", "on"]
    assert served.ask("get", pv="LONG")["elements"] == "a longer text"
    assert served.ask("get", pv="TEXT")["elements"] == ["left"]
    assert served.ask("get", pv="WAVE")["elements"] == [1, 2, 3, 4, 5]
    with pytest.raises(ControlError, match="no PV"):
        served.ask("get", pv="NOT")


def test_large_arrays_are_cut_and_have_no_bare_nan():
    with Served(
        {"BIG": {"count": 100_000}, "TEXT": {"type": "char", "count": 5000}}
    ) as s:
        s.driver.setParam("BIG", [float("nan"), float("inf"), *range(99_998)])
        s.driver.setParam("TEXT", "x" * 4000)
        found = s.ask("get", pv="BIG")
        assert found["value"] == "[100000 elements]"
        assert found["elements"] == ["nan", "inf", *range(998)]
        text = s.ask("get", pv="TEXT")
        assert text["value"] == "x" * 40
        assert len(text["elements"]) == 1000


# ---- puts ----


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


class Hangs(Driver):
    """Each write waits until it is let go."""

    def __init__(self):
        super().__init__()
        self.go_on = threading.Event()

    def write(self, reason, value):
        self.go_on.wait(60)  # this line
        self.setParam(reason, value)


def test_a_hung_driver_is_shown_at_its_line_and_others_are_answered():
    with Served({"A": {}}, Hangs) as served:
        waiting, other = served.connect(), served.connect()
        answers = []

        def put():
            answers.append(waiting.ask("put", pv=served.prefix + "A", value=3))

        thread = threading.Thread(target=put)
        thread.start()
        try:
            running = eventually(lambda: other.ask("slow")["running"])
            (row,) = running
            assert (row["pv"], row["call"]) == (served.prefix + "A", "write")
            assert row["line"] == "self.go_on.wait(60)  # this line"
            file, _, number = row["where"].rpartition(":")
            assert file == __file__
            assert int(number) > 0
            assert row["client"].endswith("@localhost (127.0.0.1:0)")
            assert row["seconds"] >= 0.1
            assert other.ask("hello")["pid"] == os.getpid()
            assert not answers
        finally:
            served.driver.go_on.set()
            thread.join()
        assert answers == [{}]
        ended = eventually(lambda: other.ask("slow")["rows"])
        assert (ended[0]["pv"], ended[0]["call"]) == (served.prefix + "A", "write")
        assert ended[0]["line"] == "self.go_on.wait(60)  # this line"
        assert other.ask("slow")["running"] == []
        assert served.server.stats()["longest_call"] >= 100


class Nests(Hangs):
    """Each write handles other requests until it is let go."""

    def write(self, reason, value):
        while not self.go_on.is_set():
            self.server.process(0.01)  # this one


def test_a_driver_that_waits_in_process_is_shown_at_its_line():
    with Served({"A": {}}, Nests) as served:
        served.driver.server = served.server
        waiting = served.connect()
        thread = threading.Thread(
            target=waiting.ask,
            args=("put",),
            kwargs={"pv": served.prefix + "A", "value": 1},
        )
        thread.start()
        try:
            (row,) = eventually(lambda: served.ask("slow")["running"])
            assert row["line"] == "self.server.process(0.01)  # this one"
        finally:
            served.driver.go_on.set()
            thread.join()


def test_a_put_that_is_not_accepted_in_time_is_told_so(monkeypatch):
    from pcaspy.control import service

    monkeypatch.setattr(service, "PATIENCE", 0.2)
    with Served({"A": {}}, Hangs) as served:
        try:
            with pytest.raises(ControlError, match="has not accepted the put"):
                served.ask("put", pv="A", value=3)
        finally:
            served.driver.go_on.set()
        # It was received, so it is carried out.
        eventually(lambda: served.ask("get", pv="A")["elements"] == [3])


class Scanned(Driver):
    def __init__(self):
        super().__init__()
        self.slow = True

    def read(self, reason):
        if self.slow:
            self.slow = False
            time.sleep(0.25)
        return 3


def test_slow_scans_are_shown():
    with Served({"A": {"scan": 0.05}}, Scanned) as served:
        (row,) = eventually(lambda: served.ask("slow")["rows"])
        assert (row["pv"], row["call"]) == (served.prefix + "A", "scan")
        assert row["line"] == "time.sleep(0.25)"
        assert row["client"] is None
        assert row["seconds"] >= 0.25


class Blocks(Driver):
    """Its coroutines keep their event loop from everything else, in their second step.

    What they wait for is not counted.
    """

    async def write(self, reason, value):
        await asyncio.sleep(0.11)
        time.sleep(0.25)  # of write
        self.setParam(reason, value)

    async def read(self, reason):
        await asyncio.sleep(0)
        if self.getParam(reason) < 3:
            self.setParam(reason, 3)
            time.sleep(0.25)  # of read
        return self.getParam(reason)


@pytest.mark.parametrize("serves_in_loop", [False, True])
@pytest.mark.parametrize("call", ["write", "read", "scan"])
def test_a_coroutine_that_blocks_is_shown(call, serves_in_loop):
    pvdb = {"A": {"scan": 0.05} if call == "scan" else {}}
    with contextlib.ExitStack() as ends:
        served = ends.enter_context(Served(pvdb, Blocks, threaded=not serves_in_loop))
        if serves_in_loop:
            thread = threading.Thread(target=asyncio.run, args=(in_loop(served),))
            ends.callback(thread.join)
            ends.callback(served.server.close)
            thread.start()
        with Circuit(served.tcp) as circuit:
            channel = circuit.create(served.prefix + "A")
            if call == "write":
                circuit.put(channel, dbr.DOUBLE, struct.pack(">d", 4))
            elif call == "read":
                circuit.get(channel, dbr.DOUBLE)
        (row,) = eventually(lambda: served.ask("slow")["rows"])
        assert (row["pv"], row["call"]) == (served.prefix + "A", call)
        assert row["line"].endswith(f"# of {'write' if call == 'write' else 'read'}")
        assert (row["client"] is None) == (call == "scan")
        assert 0.25 <= row["seconds"]
        assert served.server.stats()["longest_call"] >= 250


async def in_loop(served):
    await served.server.serve()


# ---- clients ----


def test_circuits_and_channels_are_those_of_clients(served):
    with Circuit(served.tcp) as circuit:
        channel = circuit.create(served.prefix + "POS")
        circuit.create(served.prefix + "FIXED")
        circuit.subscribe(channel, dbr.DOUBLE)
        answer = eventually(
            lambda: served.ask("circuits"),
            lambda found: found["rows"] and found["rows"][0]["subscriptions"] == 1,
        )
        (row,) = answer["rows"]
        assert answer["total"] == 1
        host, port = circuit.socket.getsockname()
        assert row["address"] == f"{host}:{port}"
        assert (row["protocol"], row["channels"]) == ("ca", 2)
        assert abs(row["since"] - time.time()) < 60
        stats = served.server.stats()
        assert row["sent"] == stats["bytes_sent"] > 0
        assert row["received"] == stats["bytes_received"] > 0
        assert row["waiting"] == 0
        channels = served.ask("channels", circuit=row["circuit"])
        assert channels["total"] == 2
        found = {
            row["pv"].removeprefix(served.prefix): (
                row["subscriptions"],
                row["readable"],
                row["writable"],
            )
            for row in channels["rows"]
        }
        assert found == {"POS": (1, True, True), "FIXED": (0, True, False)}
        part = served.ask("channels", circuit=row["circuit"], offset=1, limit=5)
        assert [row["pv"] for row in part["rows"]] == [channels["rows"][1]["pv"]]
    eventually(lambda: served.ask("circuits")["total"] == 0)
    with pytest.raises(ControlError, match="no circuit"):
        served.ask("channels", circuit=row["circuit"])


def test_user_and_host_are_what_the_client_says(served):
    with Circuit(served.tcp) as circuit:
        circuit.send(wire.pack(wire.CLIENT_NAME, payload=wire.text("operator")))
        circuit.send(wire.pack(wire.HOST_NAME, payload=wire.text("console7")))
        circuit.create(served.prefix + "POS")
        eventually(
            lambda: [
                (row["user"], row["host"]) for row in served.ask("circuits")["rows"]
            ],
            lambda found: found == [("operator", "console7")],
        )


def test_requests_that_wait_for_the_driver_are_counted():
    with Served({"A": {}}, Hangs) as served:
        with Circuit(served.tcp) as circuit:
            channel = circuit.create(served.prefix + "A")
            try:
                for _ in range(3):
                    circuit.write(channel, dbr.DOUBLE, struct.pack(">d", 1))
                eventually(
                    lambda: served.ask("circuits")["rows"][0]["waiting"],
                    lambda waiting: waiting == 3,
                )
            finally:
                served.driver.go_on.set()


# ---- searches ----


def search(served, *wanted, times=1):
    data = wire.version() + b"".join(
        wire.search_request(name, cid) for cid, name in enumerate(wanted)
    )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        for _ in range(times):
            sock.sendto(data, served.udp)
        return f"127.0.0.1:{sock.getsockname()[1]}"


def test_misses_are_what_is_searched_for_in_vain(served):
    search(served, "NOBODY:HAS", times=3)
    last = search(served, "NOBODY:HAS", served.prefix + "POS", "ALONE")
    with Circuit(served.tcp) as circuit:
        circuit.send(wire.search_request("OVER:TCP", 1))
        host, port = circuit.socket.getsockname()
        rows = eventually(
            lambda: served.ask("misses")["rows"],
            lambda rows: sum(row["count"] for row in rows) == 6,
        )
    found = {row["name"]: row for row in rows}
    assert found.keys() == {"NOBODY:HAS", "ALONE", "OVER:TCP"}
    assert rows[0]["name"] == "NOBODY:HAS"
    assert (rows[0]["count"], rows[0]["clients"]) == (4, 2)
    assert rows[0]["client"] == found["ALONE"]["client"] == last
    assert found["OVER:TCP"]["client"] == f"{host}:{port}"
    assert rows[0]["first"] <= rows[0]["last"] <= time.time() + 1


def test_misses_begin_anew_with_the_server():
    served = Served()
    with served:
        search(served, "NOBODY:HAS")
        eventually(lambda: served.ask("misses")["rows"])
    with served:
        assert served.ask("misses")["rows"] == []


def test_names_that_the_program_denies_are_misses():
    from pcaspy import cas
    from pcaspy.testing import IsolatedServer

    class Some(IsolatedServer):
        def pvExistTest(self, context, addr, fullname):
            if fullname == "LATER":
                return cas.pverExistsHere
            return cas.pverDoesNotExistHere

    served = Served()
    served.server = Some(control=served.name)
    with served:
        search(served, "LATER", "NEVER")
        rows = eventually(lambda: served.ask("misses")["rows"])
        assert [row["name"] for row in rows] == ["NEVER"]


# ---- what is wrong in a request ----


@pytest.mark.parametrize(
    "request_",
    [
        {"do": "dance"},
        {"do": ["pvs"]},
        {},
        {"do": "pvs", "sort": "beauty"},
        {"do": "pvs", "sort": []},
        {"do": "pvs", "match": 3},
        {"do": "pvs", "match": "x" * 1000},
        {"do": "pvs", "match": "\ud800"},
        {"do": "pvs", "limit": -1},
        {"do": "pvs", "limit": "all"},
        {"do": "pvs", "limit": True},
        {"do": "pvs", "descending": 1},
        {"do": "get"},
        {"do": "get", "pv": None},
        {"do": "put", "pv": "X"},
        {"do": "channels"},
        {"do": "channels", "circuit": "1"},
        {"do": "channels", "circuit": 10**30},
    ],
)
def test_what_is_wrong_is_answered_with_an_error(shared, request_):
    with pytest.raises(ControlError) as caught:
        shared.control.ask(
            request_.get("do", ""),
            **{key: value for key, value in request_.items() if key != "do"},
        )
    assert str(caught.value)
    assert shared.ask("hello")["name"] == shared.name


def test_unknown_members_are_ignored_and_the_id_is_repeated(shared):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(shared.path))
        lines = sock.makefile("rb")
        for number in (7, -1.5, "seven", None):
            asked = {"id": number, "do": "hello", "whatever": {"a": [1]}}
            sock.sendall(json.dumps(asked).encode() + b"\n")
            answer = json.loads(lines.readline())
            assert answer["id"] == number
            assert answer["result"]["name"] == shared.name
        # Many at once are answered in their order.
        sock.sendall(b"".join(b'{"id":%d,"do":"hello"}\n' % n for n in range(200)))
        assert [json.loads(lines.readline())["id"] for _ in range(200)] == list(
            range(200)
        )
