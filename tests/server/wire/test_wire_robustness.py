"""Each row of the robustness table has a test: the table, and rows tested only here."""

from __future__ import annotations

import re
import socket
import struct
from collections import Counter
from pathlib import Path

import pytest

from support import dbr, wire
from support.ports import LOOPBACK, udp_socket
from support.scale import report, scaled
from support.targets import OURS, Target
from support.wire import (
    CLIENT_NAME,
    CREATE_CH_FAIL,
    CREATE_CHAN,
    ECA_ALLOCMEM,
    ECA_NORMAL,
    EVENT_ADD,
    EVENTS_OFF,
    EVENTS_ON,
    HOST_NAME,
    pack,
)

MEGABYTE = 1 << 20
REPEATS = scaled(20_000, 1_000_000)
TESTS = Path(__file__).parents[2]

# What a server may be sent, and the tests for it: file (without test_wire_), name.
ROWS = {
    "datagram of 0 to 15 bytes": ("search", "test_a_bad_datagram_is_dropped"),
    "datagram's size field beyond its end": (
        "search",
        "test_a_bad_datagram_is_dropped test_hits_ahead_of_an_error_are_answered",
    ),
    "datagram with size 0xffff": ("search", "test_a_bad_datagram_is_dropped"),
    "datagram with a size no multiple of 8": (
        "search",
        "test_a_bad_datagram_is_dropped test_hits_ahead_of_an_error_are_answered",
    ),
    "unknown command or own replies over UDP": (
        "search",
        "test_a_bad_datagram_is_dropped test_udp_echo_is_answered_or_dropped",
    ),
    "search without a name, or with a strange one": (
        "search",
        "test_a_bad_datagram_is_dropped test_an_empty_name_is_skipped",
    ),
    "2000 searches in a datagram": (
        "search",
        "test_a_datagram_of_64_kb_with_2000_searches",
    ),
    "search with minor 0 or 65535": (
        "search",
        "test_a_minor_below_4_is_ignored test_minor_65535_counts_as_13",
    ),
    "search from port 0, broadcast or an ignored address": (
        "robustness environment",
        "test_a_search_from_port_0 test_an_ignored_address_gets_no_search_answer",
    ),
    "flood of searches": ("search", "test_a_flood_of_unknown_names"),
    "replies that cannot be sent, old ICMP errors": (
        "search",
        "test_replies_to_a_closed_socket_harm_nothing",
    ),
    "garbage on TCP": ("hostile", "test_hostile_row_on_ours_alone"),
    "connect and close, reset or half-close": (
        "circuits",
        "test_connect_and_end_many_times test_reset_in_the_middle_of_everything"
        " test_half_close_gets_its_answers_first",
    ),
    "connect and silence": ("circuits", "test_silent_circuits_are_kept"),
    "one byte per segment": ("framing", "test_byte_by_byte"),
    "split at every offset; many messages in a segment": (
        "framing",
        "test_split_at_every_offset test_extended_write_split_at_every_offset"
        " test_a_thousand_messages_in_one_piece",
    ),
    "extended header cut after 16 bytes": (
        "framing",
        "test_extended_header_cut_after_16_bytes_waits",
    ),
    "announced sizes up to 4 GiB": (
        "hostile robustness",
        "test_no_memory_for_an_announced_size test_memory_stays_with_many_announced",
    ),
    "write of 8 bytes as 0xffffffff elements": (
        "hostile",
        "test_hostile_row_on_ours_alone",
    ),
    "size no multiple of 8 on TCP": ("hostile", "test_hostile_row"),
    "extended header from an old client": (
        "framing",
        "test_extended_header_from_a_client_below_minor_9_closes",
    ),
    "command above 27, or only a server's": ("hostile", "test_hostile_row"),
    "VERSION missing, repeated, changed, impossible": (
        "hostile",
        "test_first_version test_hostile_row"
        " test_a_channel_without_version_takes_the_minor_from_create_chan",
    ),
    "names empty, unterminated, 64 KB, often": (
        "hostile robustness",
        "test_hostile_row test_names_over_and_over",
    ),
    "CREATE_CHAN of one name over and over": (
        "robustness",
        "test_channels_over_and_over",
    ),
    "CREATE_CHAN with filter or $": ("hostile", "test_hostile_row"),
    "CREATE_CHAN, then CLEAR, close or removal": (
        "circuits",
        "test_create_chan_and_an_end_before_the_reply"
        " test_create_and_clear_over_and_over test_requests_race_with_removal",
    ),
    "SID unknown, of another circuit, after CLEAR": ("hostile", "test_hostile_row"),
    "types 39 to 65535": ("hostile", "test_hostile_row"),
    "read counts that overflow": (
        "values",
        "test_counts_that_overflow_32_bits_in_a_read",
    ),
    "write counts against the payload": ("hostile", "test_hostile_row"),
    "strings without NUL, of any bytes": (
        "values",
        "test_a_string_is_cut_at_39 test_a_string_of_any_bytes_passes_through",
    ),
    "NaN, infinities, denormals, enum 65535": (
        "values",
        "test_strange_doubles_survive_bit_for_bit test_double_out_of_range_is_clamped"
        " test_a_state_that_does_not_exist_is_stored",
    ),
    "write of compound types": ("values", "test_compound_types_cannot_be_written"),
    "EVENT_ADD of wrong size, mask or limits": ("hostile", "test_hostile_row"),
    "EVENT_ADD over and over; SUBIDs twice, unknown, another's": (
        "robustness hostile",
        "test_subscriptions_over_and_over test_hostile_row",
    ),
    "client that never reads while subscribed": (
        "slow_clients",
        "test_subscriptions_of_a_client_that_sleeps"
        " test_small_updates_for_a_client_that_never_reads",
    ),
    "client that never reads its large gets": (
        "slow_clients",
        "test_pipelined_gets_of_a_client_that_never_reads",
    ),
    "EVENTS_OFF for ever, toggled": (
        "slow_clients robustness",
        "test_subscriptions_of_a_client_that_sleeps test_toggles_over_and_over",
    ),
    "put callbacks on a PV that never completes": (
        "isolation",
        "test_a_flood_of_put_callbacks_that_wait_is_bounded",
    ),
    "duplicate IOIDs": ("messages", "test_put_callback_ids_may_repeat"),
    "large ECHO": ("circuits", "test_a_large_echo"),
    "no descriptor left": ("circuits", "test_no_more_descriptors"),
    "send to a connection that is reset": (
        "circuits",
        "test_a_peer_that_is_gone_when_data_is_sent",
    ),
    "rights revoked while a put waits": (
        "server/access/test_access_service",
        "test_after_a_load_no_put_is_judged_by_the_old_rules",
    ),
    "clock steps": ("long/reliability/test_clock", "test_the_clock_steps"),
}


@pytest.mark.parametrize("row", ROWS)
def test_each_row_has_its_tests(row):
    files, names = ROWS[row]
    text = ""
    for file in files.split():
        path = f"{file}.py" if "/" in file else f"server/wire/test_wire_{file}.py"
        text += (TESTS / path).read_text()
    defined = set(re.findall(r"^def (test_\w+)\(", text, re.MULTILINE))
    assert set(names.split()) <= defined


# ---- rows that need a server with limits, or large numbers ---------------------------


@pytest.fixture(scope="module")
def target():
    """Ours with small limits; no test here asks the reference."""
    limits = {"PCASPY_MAX_CHANNELS": "1000", "PCASPY_MAX_SUBSCRIPTIONS": "1000"}
    with Target(OURS, environment=limits) as running:
        yield running


@pytest.fixture
def flat(target, bystander):
    """Checks behind the test that memory has not grown and the others are well."""
    bystander.check()
    before = target.child.resident_bytes()
    yield
    bystander.check()
    grown = target.child.resident_bytes() - before
    assert grown < 16 * MEGABYTE, f"grew by {grown}"


def in_pieces(circuit, message, number=REPEATS, size=1000):
    """Sends `number` messages; yields behind each piece how many it had."""
    while number > 0:
        piece = min(size, number)
        circuit.send(b"".join(message(n) for n in range(piece)))
        yield piece
        number -= piece


def test_names_over_and_over(target, flat):
    with target.circuit() as circuit:
        for command in (CLIENT_NAME, HOST_NAME):
            for _ in in_pieces(
                circuit, lambda n, c=command: pack(c, b"\x1b\r\n\xff\0")
            ):
                pass
            assert circuit.drain() == []
    report(f"CLIENT_NAME and HOST_NAME {REPEATS} times: memory flat")


def test_channels_over_and_over(target, flat):
    name = target.pv("LONG")
    commands = Counter()
    with target.circuit() as circuit:
        for piece in in_pieces(circuit, lambda n: wire.create_request(name, 7)):
            answers = 0
            while answers < piece:
                command = circuit.receive().command
                commands[command] += 1
                answers += command in (CREATE_CHAN, CREATE_CH_FAIL)
        assert commands[CREATE_CHAN] == 1000
        assert commands[CREATE_CH_FAIL] == REPEATS - 1000
    report(f"CREATE_CHAN {REPEATS} times: 1000 channels, the rest refused")


def test_subscriptions_over_and_over(target, flat):
    with target.circuit() as circuit:
        channel = circuit.create(target.pv("LONG"))
        seen = Counter()
        start = 0
        while start < REPEATS:
            requests = range(start, start + 1000)
            circuit.send(
                b"".join(wire.event_request(channel.sid, n, dbr.LONG) for n in requests)
            )
            for subid in requests:
                seen[circuit.expect(EVENT_ADD, p2=subid).p1] += 1
            start += 1000
        assert seen == {ECA_NORMAL: 1000, ECA_ALLOCMEM: REPEATS - 1000}
        for _ in in_pieces(
            circuit, lambda n: wire.event_request(channel.sid, 5, dbr.LONG)
        ):
            circuit.drain()
    report(f"EVENT_ADD {REPEATS} times: 1000 subscriptions, the rest refused")


def test_toggles_over_and_over(target, flat):
    with target.circuit() as circuit, target.circuit() as writer:
        channel = circuit.create(target.pv("TARGET2"))
        subid, _first = circuit.subscribe(channel, dbr.LONG)
        for _ in in_pieces(circuit, lambda n: pack(EVENTS_OFF) + pack(EVENTS_ON)):
            circuit.drain()
        source = writer.create(target.pv("TARGET2"))
        assert writer.put(source, dbr.LONG, struct.pack(">i", -12345)).p1 == ECA_NORMAL
        circuit.expect(EVENT_ADD, p2=subid, payload=struct.pack(">i4x", -12345))
    report(f"EVENTS_OFF and EVENTS_ON {REPEATS} times: the next value arrives")


def test_memory_stays_with_many_announced(target, flat):
    """A thousand circuits each begin a write of 2 GiB and stay."""
    held = []
    for _ in range(scaled(200, 1000)):
        circuit = target.circuit()
        held.append(circuit)
        channel = circuit.create(target.pv("BIG"))
        circuit.send(
            pack(
                wire.WRITE,
                type=dbr.LONG,
                count=100_000,
                p1=channel.sid,
                size=400_000,
                extended=True,
            )
            + bytes(1000)
        )
    report(f"{len(held)} circuits with 400 kB announced and 1 kB sent: memory flat")
    for circuit in held:
        circuit.close()


def test_a_search_from_port_0(target, flat):
    """No answer goes to port 0, which would be nobody's."""
    datagram = wire.version(sequence=1) + wire.search_request(target.pv("LONG"), 1)
    header = struct.pack(">HHHH", 0, target.udp[1], 8 + len(datagram), 0)
    try:
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
    except PermissionError:
        pytest.skip("raw sockets are for root")
    with raw:
        raw.sendto(header + datagram, (LOOPBACK, 0))
    with udp_socket() as sock:
        (frame,) = wire.udp_search(sock, target.udp, datagram)
        assert frame[-1].p2 == 1
