"""Environment variables, beacons and several servers on one host (2.3, 2.4, 8)."""

from __future__ import annotations

import contextlib
import itertools
import socket
import struct
import time

import pytest

from support import dbr, wire
from support.ports import LOOPBACK, free_port, udp_socket
from support.targets import BOTH, OURS, Target
from support.wire import (
    ECA_NORMAL,
    ECA_TOLARGE,
    RSRV_IS_UP,
    SEARCH,
    Circuit,
    Message,
    pack,
    search_request,
    udp_search,
    unpack_all,
    version,
)

SECOND = "127.0.0.2"
EACH = pytest.mark.parametrize("name", BOTH)


def search(target, sock, address, pv="LONG"):
    """The SEARCH reply of one search."""
    datagram = version(sequence=1) + search_request(target.pv(pv), 4)
    (frame,) = udp_search(sock, address, datagram)
    (reply,) = (m for m in frame if m.command == SEARCH)
    return reply


def reads(target, address):
    """A get of LONG at this TCP address."""
    with Circuit(address) as circuit:
        channel = circuit.create(target.pv("LONG"))
        return target.decode(circuit.get(channel, dbr.LONG)).scalar


# Ports and interfaces


@EACH
def test_server_port(name):
    port = free_port()
    with Target(name, port=port) as target, udp_socket() as sock:
        assert target.tcp == target.udp == (LOOPBACK, port)
        assert search(target, sock, (LOOPBACK, port)).type == port
        assert reads(target, (LOOPBACK, port)) == 5


def test_server_port_falls_back_to_the_clients_variable():
    port = free_port()
    changes = {
        "EPICS_CAS_SERVER_PORT": None,
        "EPICS_CA_SERVER_PORT": str(port),
    }
    with Target(OURS, environment=changes) as target, udp_socket() as sock:
        assert search(target, sock, (LOOPBACK, port)).type == port
        assert reads(target, (LOOPBACK, port)) == 5


@EACH
def test_one_interface(name):
    changes = {"EPICS_CAS_INTF_ADDR_LIST": SECOND}
    with Target(name, environment=changes) as target, udp_socket() as sock:
        port = target.port
        assert search(target, sock, (SECOND, port)).type == port
        assert reads(target, (SECOND, port)) == 5
        with pytest.raises(ConnectionRefusedError):
            Circuit((LOOPBACK, port))


@EACH
def test_two_interfaces_share_the_port(name):
    changes = {"EPICS_CAS_INTF_ADDR_LIST": f"{LOOPBACK}  {SECOND}"}
    with Target(name, environment=changes) as target, udp_socket() as sock:
        for address in (LOOPBACK, SECOND):
            assert search(target, sock, (address, target.port)).type == target.tcp[1]
            assert reads(target, (address, target.tcp[1])) == 5


@EACH
def test_an_ignored_address_gets_no_search_answer(name):
    """Only UDP is concerned: the ignored peer may still connect."""
    changes = {"EPICS_CAS_IGNORE_ADDR_LIST": SECOND}
    with (
        Target(name, environment=changes) as target,
        udp_socket() as sock,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ignored,
    ):
        ignored.bind((SECOND, 0))
        datagram = version(sequence=1) + search_request(target.pv("LONG"), 1)
        ignored.sendto(datagram, target.udp)
        assert search(target, sock, target.udp).type == target.tcp[1]
        ignored.setblocking(False)
        with pytest.raises(BlockingIOError):
            ignored.recv(100)
        assert reads(target, target.tcp) == 5


@EACH
def test_a_port_in_use_gives_an_ephemeral_one(name):
    """UDP stays where it is; searches and beacons announce the real TCP port."""
    port = free_port()
    with socket.socket() as holder, udp_socket() as sock, udp_socket() as beacons:
        holder.bind((LOOPBACK, port))
        holder.listen()
        address = f"{LOOPBACK}:{beacons.getsockname()[1]}"
        changes = {"EPICS_CAS_BEACON_ADDR_LIST": address}
        with Target(name, port=port, environment=changes) as target:
            reply = search(target, sock, (LOOPBACK, port))
            assert reply.type not in (0, port)
            assert reads(target, (LOOPBACK, reply.type)) == 5
            (beacon,) = unpack_all(beacons.recv(100))
            assert (beacon.command, beacon.count) == (RSRV_IS_UP, reply.type)


@EACH
def test_two_servers_on_one_port_are_both_found_by_broadcast(name):
    """Wildcard addresses, as servers run by default; each answers its own name."""
    port = free_port()
    wildcard = {"EPICS_CAS_INTF_ADDR_LIST": None}
    with (
        Target(OURS, port=port, environment=wildcard) as first,
        Target(name, port=port, environment=wildcard) as second,
        udp_socket() as sock,
    ):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        found = {}
        for target in (first, second):
            reply = search(target, sock, ("127.255.255.255", port))
            found[target.prefix] = reply.type
            assert reads(target, (LOOPBACK, reply.type)) == 5
        assert len(set(found.values())) == 2


# Beacons


def beacons_of(name, sock, number, **changes):
    """The first beacons of a new server, with the time each came."""
    seen = []
    with Target(name, environment=changes) as target:
        for _ in range(number):
            data = sock.recv(100)
            seen.append((time.monotonic(), data))
        return target, seen


@EACH
def test_beacons_ramp_up_from_20_ms(name):
    with udp_socket() as sock:
        address = f"{LOOPBACK}:{sock.getsockname()[1]}"
        target, seen = beacons_of(name, sock, 7, EPICS_CAS_BEACON_ADDR_LIST=address)
    messages = [unpack_all(data) for _, data in seen]
    assert [len(m) for m in messages] == [1] * 7
    for (beacon,) in messages:
        expected = Message(RSRV_IS_UP, 13, target.tcp[1], beacon.p1, 0)
        if target.name == OURS:
            assert beacon == expected
        assert (beacon.command, beacon.count) == (RSRV_IS_UP, target.tcp[1])
    numbers = [beacon.p1 for (beacon,) in messages]
    assert numbers == target.choose(
        ours=[0, 1, 2, 3, 4, 5, 6], reference=[0, 0, 1, 2, 3, 4, 5]
    )
    times = [stamp for stamp, _ in seen]
    gaps = [b - a for a, b in itertools.pairwise(times)]
    for number, gap in enumerate(gaps):
        # A busy machine delays a beacon and shortens the next gap.
        assert gap < 0.02 * 2**number + 1.0
    assert times[-1] - times[0] == pytest.approx(1.26, abs=0.4)


@pytest.mark.parametrize(
    "variable", ["EPICS_CAS_BEACON_PERIOD", "EPICS_CA_BEACON_PERIOD"]
)
def test_beacon_period(variable):
    with udp_socket() as sock:
        address = f"{LOOPBACK}:{sock.getsockname()[1]}"
        changes = {"EPICS_CAS_BEACON_ADDR_LIST": address, variable: "0.1"}
        _target, seen = beacons_of(OURS, sock, 14, **changes)
    # 20 + 40 + 80 ms of ramp, then ten times 100 ms.
    assert seen[-1][0] - seen[0][0] == pytest.approx(1.14, abs=0.4)
    numbers = [unpack_all(data)[0].p1 for _, data in seen]
    assert numbers == [*range(14)]


@pytest.mark.parametrize(
    "variable", ["EPICS_CAS_BEACON_PORT", "EPICS_CA_REPEATER_PORT"]
)
def test_beacon_port(variable):
    with udp_socket() as sock:
        changes = {
            "EPICS_CAS_BEACON_ADDR_LIST": LOOPBACK,
            variable: str(sock.getsockname()[1]),
        }
        target, seen = beacons_of(OURS, sock, 1, **changes)
    assert unpack_all(seen[0][1])[0].count == target.tcp[1]


def test_a_beacon_address_nobody_listens_on_does_not_stop_the_others():
    with udp_socket() as sock:
        address = f"{LOOPBACK}:{free_port()} {LOOPBACK}:{sock.getsockname()[1]}"
        _target, seen = beacons_of(OURS, sock, 5, EPICS_CAS_BEACON_ADDR_LIST=address)
    assert [unpack_all(data)[0].p1 for _, data in seen] == [*range(5)]


# Sizes of arrays


@EACH
def test_a_limit_on_array_bytes(name):
    changes = {"EPICS_CA_AUTO_ARRAY_BYTES": "NO", "EPICS_CA_MAX_ARRAY_BYTES": "20000"}
    with Target(name, environment=changes) as target, target.circuit() as circuit:
        channel = circuit.create(target.pv("BIG"))
        assert circuit.get(channel, dbr.LONG, 5000).p1 == ECA_NORMAL
        circuit.send(
            pack(wire.READ_NOTIFY, type=dbr.LONG, count=5100, p1=channel.sid, p2=8)
        )
        expect_too_large(circuit.receive(), wire.READ_NOTIFY)
        data = struct.pack(">5100i", *range(5100))
        circuit.send(
            pack(
                wire.WRITE_NOTIFY,
                data,
                type=dbr.LONG,
                count=5100,
                p1=channel.sid,
                p2=9,
            )
        )
        expect_too_large(circuit.receive(), wire.WRITE_NOTIFY)
        # The payload was drained: the circuit goes on.
        assert circuit.get(channel, dbr.LONG, 10).p1 == ECA_NORMAL
        data = struct.pack(">5000i", *range(5000))
        assert circuit.put(channel, dbr.LONG, data, 5000).p1 == ECA_NORMAL


def expect_too_large(answer, command):
    """An ERROR or the request's own reply, with ECA_TOLARGE."""
    if answer.command == wire.ERROR:
        assert answer.p2 == ECA_TOLARGE
    else:
        assert (answer.command, answer.p1) == (command, ECA_TOLARGE)


@pytest.mark.parametrize("text", ["100", "rubbish"])
def test_the_least_limit_is_16384(text):
    changes = {"EPICS_CA_AUTO_ARRAY_BYTES": "no", "EPICS_CA_MAX_ARRAY_BYTES": text}
    with Target(OURS, environment=changes) as target, target.circuit() as circuit:
        channel = circuit.create(target.pv("BIG"))
        assert circuit.get(channel, dbr.LONG, 4096).p1 == ECA_NORMAL


def test_automatic_sizes_ignore_the_limit():
    changes = {"EPICS_CA_AUTO_ARRAY_BYTES": "Yes", "EPICS_CA_MAX_ARRAY_BYTES": "16384"}
    with Target(OURS, environment=changes) as target, target.circuit() as circuit:
        channel = circuit.create(target.pv("BIG"))
        assert circuit.get(channel, dbr.LONG, 0).count == 100_000


def test_two_servers_in_turn_on_one_port():
    """No TIME_WAIT of the first keeps the second from its port."""
    port = free_port()
    for _ in range(2):
        with contextlib.ExitStack() as stack:
            target = stack.enter_context(Target(OURS, port=port))
            circuit = stack.enter_context(target.circuit())
            circuit.create(target.pv("LONG"))
            assert target.tcp == (LOOPBACK, port)
