"""What the requests of the control protocol are answered with."""

import json
import os
import socket
import struct
import time

import pytest
from control_support import PVDB, Hangs, Served, eventually

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
