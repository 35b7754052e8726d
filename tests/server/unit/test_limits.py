"""Limits: by keyword and environment, what happens at each, and what is counted."""

import logging
import time

import pytest

from pcaspy import Driver, SimpleServer, cas
from pcaspy.host import option_types, options, summary
from pcaspy.native import _tables
from pcaspy.testing import IsolatedServer
from support import dbr, wire
from support.wire import (
    CREATE_CH_FAIL,
    ECA_ALLOCMEM,
    ECA_NORMAL,
    ECA_TOLARGE,
    ERROR,
    EVENT_ADD,
    Circuit,
    create_request,
    event_request,
    pack,
)

PVDB = {"A": {"value": 1.5}, "BIG": {"type": "int", "count": 10_000}}


@pytest.fixture
def limited():
    """Starts a server with the given limits; a function."""
    servers = []

    def start(**limits):
        server = IsolatedServer(**limits)
        servers.append(server)
        server.createPV("L:", PVDB)
        driver = Driver()
        driver.setParam("BIG", [7] * 10_000)
        server.__enter__()
        return server

    yield start
    for server in servers:
        server.__exit__(None, None, None)


def connect(server):
    return Circuit(("127.0.0.1", server.tcp_port))


def count(server, name):
    return server.stats()[name]


def test_type_checkers_know_the_limits_of_the_engine():
    assert list(option_types.Limits.__annotations__) == list(options.LIMITS)
    names = [*options.LIMITS, *(name for name, *_ in _tables.options())]
    names.remove("interfaces")  # SimpleServer itself has it
    assert list(option_types.ServerOptions.__annotations__) == names


@pytest.mark.parametrize("name", options.LIMITS)
@pytest.mark.parametrize("kind", [SimpleServer, cas.caServer])
def test_a_bad_keyword(kind, name):
    allowed = options.LIMITS[name]
    for bad in (allowed.least - 1, allowed.most + 1, "5", 5.0, True, None):
        with pytest.raises(ValueError, match=f"^{name} is .*{allowed.least} to"):
            kind(**{name: bad})


@pytest.mark.parametrize("name", options.LIMITS)
def test_a_bad_variable(monkeypatch, name):
    allowed = options.LIMITS[name]
    for bad in (str(allowed.most + 1), "-1", "many", "1e3", "0x10", "²"):
        monkeypatch.setenv("PCASPY_" + name.upper(), bad)
        with pytest.raises(ValueError, match=f"^PCASPY_{name.upper()} is .* allowed"):
            SimpleServer()


@pytest.mark.parametrize(
    "wrong",
    [
        {"udp_port": 65536},
        {"tcp_port": -1},
        {"port": 70000},
        {"beacon_port": 0},
        {"multicast_ttl": 256},
        {"beacon_period": 0},
        {"beacon_period": 1e-9},
        {"interfaces": ["x" * 1200]},
        {"ignored": ["x" * 256]},
        {"beacon_addresses": ["127.0.0.1\0"]},
        {"beacon_period": "often"},
        {"beacon_period": float("nan")},
        {"beacon_period": float("inf")},
        {"auto_beacon_addresses": "NO"},
        {"interfaces": "127.0.0.1"},
        {"ignored": [5]},
        {"beacon_addresses": None},
    ],
    ids=str,
)
def test_other_numbers_are_checked_as_well(wrong):
    with pytest.raises(ValueError, match="allowed"):
        SimpleServer(**wrong)


@pytest.mark.parametrize("kind", [SimpleServer, cas.caServer])
@pytest.mark.parametrize(
    ("variable", "text", "wrong"),
    [
        ("EPICS_CAS_BEACON_PERIOD", "1e-9", "too short: using 0.01"),
        ("EPICS_CA_BEACON_PERIOD", "often", "not a positive number: using 15"),
        ("EPICS_CAS_BEACON_PERIOD", "-1", "not a positive number: using 15"),
        ("EPICS_CA_MCAST_TTL", "256", "not 0 to 255: using 1"),
    ],
)
def test_a_variable_that_is_not_usable(
    monkeypatch, caplog, kind, variable, text, wrong
):
    monkeypatch.setenv(variable, text)
    kind()
    assert f"{variable} is {wrong}" in caplog.text


@pytest.mark.parametrize(
    "variable",
    [
        "EPICS_CAS_INTF_ADDR_LIST",
        "EPICS_CAS_IGNORE_ADDR_LIST",
        "EPICS_CAS_BEACON_ADDR_LIST",
    ],
)
def test_an_address_that_is_too_long_is_unknown(monkeypatch, caplog, variable):
    monkeypatch.setenv(variable, "127.0.0.1 " + "x" * 1200)
    with SimpleServer(port=0) as server:
        server.process(0.1)
        assert 'xx..." cannot be resolved' in caplog.text


@pytest.mark.parametrize("prefix", ["", "bad\0"])
def test_a_name_with_nul(prefix):
    with SimpleServer() as server:
        with pytest.raises(ValueError, match=r"PV 'bad\\x00.* without NUL"):
            server.createPV(prefix, {"bad\0name" if not prefix else "name": {}})
        assert server.stats()["pvs"] == 0


def test_no_such_option():
    with pytest.raises(TypeError, match="max_clients"):
        SimpleServer(max_clients=3)


@pytest.mark.parametrize("name", ["max_circuits", "max_circuits_per_host"])
def test_circuits(limited, name):
    server = limited(**{name: 2})
    with connect(server), connect(server) as second:
        with pytest.raises(wire.Closed):
            connect(server)
        second.close()
        wait_until(lambda: count(server, "circuits") == 1)
        connect(server).close()
    assert count(server, "circuits_refused") == 1
    assert count(server, "circuits_peak") == 2


def wait_until(true):
    for _ in deadline():
        if true():
            return
    raise AssertionError("not in time")


def deadline(seconds=5.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield
        time.sleep(0.002)


def test_the_environment_sets_a_limit_and_a_keyword_goes_first(limited, monkeypatch):
    monkeypatch.setenv("PCASPY_MAX_CHANNELS", " 1 ")
    for server, room in ((limited(), 1), (limited(max_channels=3), 3)):
        with connect(server) as circuit:
            for _ in range(room):
                circuit.create("L:A")
            circuit.send(create_request("L:A", 99))
            circuit.expect(CREATE_CH_FAIL, p1=99)
            assert count(server, "channels") == room
        assert count(server, "channels_over_limit") == 1


def test_subscriptions(limited):
    server = limited(max_subscriptions=2)
    with connect(server) as circuit:
        channel = circuit.create("L:A")
        for subid in range(2):
            circuit.send(event_request(channel.sid, subid, dbr.DOUBLE))
            circuit.expect(EVENT_ADD, p2=subid, p1=1)
        circuit.send(event_request(channel.sid, 7, dbr.DOUBLE))
        circuit.expect(EVENT_ADD, p2=7, p1=ECA_ALLOCMEM)
        # Without a payload it would confirm a cancel, whatever count was asked for.
        circuit.send(event_request(channel.sid, 8, dbr.DOUBLE, 0))
        assert circuit.expect(EVENT_ADD, p2=8, p1=ECA_ALLOCMEM).payload == bytes(8)
        assert count(server, "subscriptions_refused") == 2
        circuit.cancel(channel, 0, dbr.DOUBLE)
        circuit.subscribe(channel, dbr.DOUBLE)
        circuit.send(pack(wire.CLEAR_CHANNEL, p1=channel.sid, p2=channel.cid))
        circuit.expect(wire.CLEAR_CHANNEL)
        channel = circuit.create("L:A")
        for _ in range(2):
            assert circuit.subscribe(channel, dbr.DOUBLE)[1].p1 == ECA_NORMAL


def test_channels_that_were_cleared_do_not_count(limited):
    with connect(limited(max_channels=2)) as circuit:
        for _ in range(5):
            channels = [circuit.create("L:A") for _ in range(2)]
            for channel in channels:
                circuit.send(pack(wire.CLEAR_CHANNEL, p1=channel.sid, p2=channel.cid))
                circuit.expect(wire.CLEAR_CHANNEL, p1=channel.sid)


def test_the_sid_of_a_cleared_channel_is_no_other_channels(limited):
    with connect(limited()) as circuit:
        seen = set()
        for _ in range(20):
            channel = circuit.create("L:A")
            assert channel.sid not in seen
            seen.add(channel.sid)
            circuit.send(pack(wire.CLEAR_CHANNEL, p1=channel.sid, p2=channel.cid))
            circuit.expect(wire.CLEAR_CHANNEL, p1=channel.sid)


def test_size_of_a_request(limited):
    server = limited(max_request=16384)
    with connect(server) as circuit:
        channel = circuit.create("L:BIG")
        assert circuit.put(channel, dbr.LONG, bytes(16384), 4096).p1 == 1
        assert circuit.get(channel, dbr.LONG, 5000).p1 == 1  # replies may be larger
        reply = circuit.put(channel, dbr.LONG, bytes(20000), 5000)
        assert reply.p1 == ECA_TOLARGE


@pytest.mark.parametrize("by", ["keyword", "PCASPY", "EPICS"])
def test_size_of_a_response(limited, monkeypatch, by):
    if by != "keyword":
        monkeypatch.setenv("EPICS_CA_AUTO_ARRAY_BYTES", "NO")
    if by == "PCASPY":
        monkeypatch.setenv("EPICS_CA_MAX_ARRAY_BYTES", "30000")
        monkeypatch.setenv("PCASPY_MAX_RESPONSE", "16384")
    server = limited(**({"max_response": 16384} if by == "keyword" else {}))
    with connect(server) as circuit:
        channel = circuit.create("L:BIG")
        assert circuit.get(channel, dbr.LONG, 4096).p1 == 1
        circuit.send(
            pack(wire.READ_NOTIFY, type=dbr.LONG, count=4097, p1=channel.sid, p2=5)
        )
        reply = circuit.receive()
        status = reply.p2 if reply.command == ERROR else reply.p1
        assert status == ECA_TOLARGE


def test_elements_that_a_pv_does_not_have(limited):
    with connect(limited()) as circuit:
        channel = circuit.create("L:A")
        assert len(circuit.get(channel, dbr.DOUBLE, 100_000).payload) == 800_000
        header = {"type": dbr.DOUBLE, "count": 1_000_000, "p1": channel.sid}
        circuit.send(pack(wire.READ_NOTIFY, **header))
        circuit.expect(ERROR, p2=ECA_TOLARGE)


def test_why_circuits_ended(limited):
    server = limited()
    connect(server).close()
    with connect(server) as broken:
        broken.send_hostile(pack(99, bytes(8)))
        broken.expect_close()
    wait_until(lambda: count(server, "circuits") == 0)
    stats = server.stats()
    assert (stats["closed_by_client"], stats["protocol_errors"]) == (1, 1)
    assert stats["bytes_sent"] == 32  # VERSION to both
    assert stats["bytes_received"] > 32


def test_log_rate(limited, caplog):
    server = limited(max_log_rate=2)
    for _ in range(20):
        with connect(server) as broken:
            broken.send_hostile(pack(99, bytes(8)))
            broken.expect_close()
    wait_until(lambda: count(server, "protocol_errors") == 20)

    def told():
        return sum("command 99" in r.getMessage() for r in caplog.records)

    wait_until(lambda: told() + count(server, "log_suppressed") == 20)
    assert 0 < told() <= 12  # some seconds, at most


def test_searches_of_a_turn(limited):
    server = limited(max_searches_per_turn=3)
    names = b"".join(wire.search_request("L:A", cid) for cid in range(10))
    with wire.socket.socket(wire.socket.AF_INET, wire.socket.SOCK_DGRAM) as sock:
        sock.settimeout(5)
        address = ("127.0.0.1", server.udp_port)
        (frame,) = wire.udp_search(sock, address, wire.version() + names)
        hits = [m for m in frame if m.command == wire.SEARCH]
        assert 1 <= len(hits) <= 3
        assert count(server, "searches_dropped") == 1
        (frame,) = wire.udp_search(sock, address, wire.search_request("L:A", 3))
        assert frame[-1].p2 == 3


def test_summary_once_per_period(limited, monkeypatch, caplog):
    caplog.set_level(logging.INFO, "pcaspy.SimpleServer")
    monkeypatch.setattr(summary, "PERIOD", 0.05)
    server = limited(max_channels=1)
    with connect(server) as circuit:
        circuit.create("L:A")
        for cid in range(3):
            circuit.send(create_request("L:A", 50 + cid))
            circuit.expect(CREATE_CH_FAIL)
        wait_until(lambda: lines(caplog))
    told = lines(caplog)
    assert "channels refused at the limit 3" in told[0]
    assert "1 channels" in told[0]
    assert sum(int(line.rsplit(" ", 1)[1]) for line in told) == 3
    server.close()
    (end,) = [r.getMessage() for r in caplog.records if r.levelno == logging.INFO]
    assert end.startswith("closes: ")
    assert end.endswith("channels refused at the limit 3")


def test_a_summary_tells_what_is_new(limited, monkeypatch, caplog):
    monkeypatch.setattr(summary, "PERIOD", 0.0)
    stats = limited().stats()
    told = summary.Summary(lambda: dict(stats))
    for refused in (0, 3, 3, 5):
        stats["puts_refused"] = refused
        told.turn()
    assert [line.rsplit("; ", 1)[1] for line in lines(caplog)] == [
        "puts refused while too many waited 3",
        "puts refused while too many waited 2",
    ]


def lines(caplog):
    return [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
