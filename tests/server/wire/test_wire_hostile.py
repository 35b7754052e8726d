"""Bad input on TCP, whole and byte by byte; a normal client must not notice (1.6, 9).

Each row tells what ours must do and what the reference is known to do instead.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple

import pytest

from support import dbr, wire
from support.outcome import ANYTHING, outcome
from support.targets import OURS
from support.wire import (
    CLEAR_CHANNEL,
    CLIENT_NAME,
    CREATE_CHAN,
    ECHO,
    EVENT_ADD,
    EVENT_CANCEL,
    HOST_NAME,
    READ,
    READ_NOTIFY,
    VERSION,
    WRITE,
    WRITE_NOTIFY,
    Channel,
    Circuit,
    pack,
)

NO_SID = 0x7ABCDEF0
CLOSE_WITH_ERROR = ["ERROR INTERNAL", "close"]


class Scene(NamedTuple):
    """What a hostile client holds when it begins."""

    circuit: Circuit
    scalar: Channel  # TARGET, a double
    wave: Channel  # W:LONG
    foreign: int  # a SID of another circuit only


class Row(NamedTuple):
    """Bytes to send, and the outcomes that are right.

    `reference` is None where the reference crashes, or waits for the announced rest.
    """

    name: str
    make: Callable[[Scene], bytes]
    ours: list[str] | tuple[list[str], ...]
    reference: list[str] | tuple[list[str], ...] | None


def data_request(
    command, sid, *, type=dbr.DOUBLE, count=1, payload=None, p2=55, **more
):
    """A read, write or EVENT_ADD with one field wrong."""
    if payload is None:
        payload = {
            WRITE: struct.pack(">d", 1.0),
            WRITE_NOTIFY: struct.pack(">d", 1.0),
            EVENT_ADD: bytes(12) + b"\0\1\0\0",
        }.get(command, b"")
    return pack(command, payload, type=type, count=count, p1=sid, p2=p2, **more)


def size_rows():
    """Sizes that are not a multiple of eight, on every command."""
    for command in (0, 1, 2, 3, 4, 6, 8, 9, 10, 12, 15, 18, 19, 20, 21, 23):
        yield Row(
            f"size 4 of command {command}",
            lambda _s, c=command: pack(c, b"1234", size=4, count=13),
            CLOSE_WITH_ERROR,
            CLOSE_WITH_ERROR,
        )
    yield Row(
        "size 65533",
        lambda _s: pack(ECHO, size=65533),
        CLOSE_WITH_ERROR,
        CLOSE_WITH_ERROR,
    )


def command_rows():
    """Commands that are no requests."""
    for command in (5, 7, 11, 13, 14, 16, 17, 22, 24, 25, 26, 27):
        yield Row(
            f"command {command}",
            lambda _s, c=command: pack(c, b"12345678"),
            CLOSE_WITH_ERROR,
            CLOSE_WITH_ERROR,
        )
    for command in (28, 99, 255, 0x4745, 0xFFFF):
        yield Row(
            f"command {command}",
            lambda _s, c=command: pack(c, b"12345678"),
            ["close"],
            CLOSE_WITH_ERROR,
        )


def unknown_sid_rows():
    """SIDs that this circuit does not have."""
    goes_on = {
        READ_NOTIFY: ["READ_NOTIFY BADCHID"],
        WRITE_NOTIFY: ["WRITE_NOTIFY BADCHID"],
        WRITE: ["ERROR BADCHID"],
        READ: ["ERROR BADCHID"],
        EVENT_ADD: ["ERROR BADCHID"],
        CLEAR_CHANNEL: ["CLEAR_CHANNEL"],
        EVENT_CANCEL: ["CANCELLED"],
    }
    for command, ours in goes_on.items():
        for sid in (NO_SID, 0xFFFFFFFF):
            yield Row(
                f"unknown SID {sid:#x} of command {command}",
                lambda _s, c=command, sid=sid: data_request(c, sid),
                ours,
                CLOSE_WITH_ERROR,
            )
    # The reference finds it: it answers the other client, or acts on its channel.
    for command in (READ_NOTIFY, WRITE_NOTIFY, WRITE, READ, EVENT_ADD):
        yield Row(
            f"SID of another circuit, command {command}",
            lambda s, c=command: data_request(c, s.foreign),
            goes_on[command],
            ANYTHING,
        )
    yield Row(
        "SID after CLEAR_CHANNEL",
        lambda s: (
            pack(CLEAR_CHANNEL, p1=s.scalar.sid, p2=s.scalar.cid)
            + data_request(READ_NOTIFY, s.scalar.sid)
            + data_request(WRITE_NOTIFY, s.scalar.sid)
            + pack(CLEAR_CHANNEL, p1=s.scalar.sid, p2=s.scalar.cid)
        ),
        [
            "CLEAR_CHANNEL",
            "READ_NOTIFY BADCHID",
            "WRITE_NOTIFY BADCHID",
            "CLEAR_CHANNEL",
        ],
        ["CLEAR_CHANNEL", *CLOSE_WITH_ERROR],
    )


def bad_type_rows():
    """Types that do not exist, in each data command."""
    for number in (39, 255, 0x8000, 0xFFFF):
        for command, ours, reference in (
            (READ_NOTIFY, ["READ_NOTIFY BADTYPE"], ["close"]),
            (EVENT_ADD, (["ERROR BADTYPE"], ["UPDATE BADTYPE"]), ["close"]),
            (READ, ["ERROR BADTYPE"], ["ERROR BADTYPE", "close"]),
            (WRITE, ["ERROR BADTYPE"], ["ERROR BADTYPE", "close"]),
            (
                WRITE_NOTIFY,
                ["WRITE_NOTIFY BADTYPE"],
                ["WRITE_NOTIFY BADTYPE", "close"],
            ),
        ):
            yield Row(
                f"type {number} in command {command}",
                lambda s, c=command, t=number: data_request(c, s.scalar.sid, type=t),
                ours,
                reference,
            )
    for number in (*range(7, 35), 37, 38):
        yield Row(
            f"plain write of type {number}",
            lambda s, t=number: data_request(
                WRITE, s.scalar.sid, type=t, payload=bytes(424)
            ),
            ["ERROR BADTYPE"],
            ANYTHING,
        )


def bad_count_rows():
    """Counts that the payload or the PV does not bear out."""
    for name, arguments, reference in (
        ("count above the payload", {"count": 2, "payload": bytes(8)}, ANYTHING),
        ("payload 0", {"payload": b""}, ANYTHING),
        ("count 0", {"count": 0, "payload": b""}, ANYTHING),
        ("count 0 with data", {"count": 0, "payload": bytes(8)}, ANYTHING),
        ("count above the PV's", {"count": 2, "payload": bytes(16)}, ANYTHING),
        (
            "extended count 0xffffffff, 8 bytes",
            {"count": 0xFFFFFFFF, "payload": bytes(8), "extended": True},
            None,
        ),
        (
            "extended count 0xffffffff, no bytes",
            {"count": 0xFFFFFFFF, "payload": b"", "extended": True},
            None,
        ),
        (
            "extended count 0x20000001, 8 bytes",
            {"count": 0x20000001, "payload": bytes(8), "extended": True},
            None,
        ),
    ):
        for command, ours in (
            (WRITE, ["ERROR BADCOUNT"]),
            (WRITE_NOTIFY, ["WRITE_NOTIFY BADCOUNT"]),
        ):
            yield Row(
                f"{name}, command {command}",
                lambda s, c=command, a=arguments: data_request(c, s.scalar.sid, **a),
                ours,
                reference,
            )
    for command, ours in (
        (WRITE, ["ERROR BADCOUNT"]),
        (WRITE_NOTIFY, ["WRITE_NOTIFY BADCOUNT"]),
    ):
        yield Row(
            f"array count above the payload, command {command}",
            lambda s, c=command: data_request(
                c, s.wave.sid, type=dbr.LONG, count=10, payload=bytes(8)
            ),
            ours,
            None,
        )
        yield Row(
            f"two strings with the bytes of one, command {command}",
            lambda s, c=command: data_request(
                c, s.wave.sid, type=dbr.STRING, count=2, payload=b"1".ljust(40, b"\0")
            ),
            ours,
            None,
        )


def event_rows():
    """Subscriptions that are not right."""
    for size in (0, 8):
        yield Row(
            f"EVENT_ADD with {size} bytes",
            lambda s, n=size: data_request(EVENT_ADD, s.scalar.sid, payload=bytes(n)),
            ["ERROR BADMASK"],
            ANYTHING,
        )
    for mask, ours in ((0, ["ERROR BADMASK"]), (0xFFF0, ["ERROR BADMASK"])):
        yield Row(
            f"EVENT_ADD with mask {mask:#x}",
            lambda s, m=mask: wire.event_request(s.scalar.sid, 55, dbr.DOUBLE, 1, m),
            ours,
            ["ERROR ALLOCMEM", "close"],
        )
    yield Row(
        "EVENT_ADD with mask 0xffff",
        lambda s: wire.event_request(s.scalar.sid, 55, dbr.DOUBLE, 1, 0xFFFF),
        ["UPDATE NORMAL"],
        ["ERROR ALLOCMEM", "close"],
    )
    yield Row(
        "EVENT_ADD with NaN limits",
        lambda s: data_request(
            EVENT_ADD, s.scalar.sid, payload=b"\xff" * 12 + b"\0\1\xff\xff"
        ),
        ["UPDATE NORMAL"],
        ANYTHING,  # its updates come from another thread, before or after the echo
    )
    yield Row(
        "the same SUBID twice",
        lambda s: data_request(EVENT_ADD, s.scalar.sid) * 2,
        (["UPDATE NORMAL"] * 2, ["UPDATE NORMAL", "ERROR BADMONID"]),
        ANYTHING,
    )
    yield Row(
        "cancel of an unknown SUBID",
        lambda s: data_request(EVENT_CANCEL, s.scalar.sid),
        ["CANCELLED"],
        ["ERROR BADMONID", "close"],
    )
    yield Row(
        "cancel twice",
        lambda s: (
            data_request(EVENT_ADD, s.scalar.sid)
            + data_request(EVENT_CANCEL, s.scalar.sid) * 2
        ),
        ["UPDATE NORMAL", "CANCELLED", "CANCELLED"],
        ANYTHING,
    )
    yield Row(
        "cancel of another channel's SUBID",
        lambda s: (
            data_request(EVENT_ADD, s.scalar.sid)
            + data_request(EVENT_CANCEL, s.wave.sid)
        ),
        ["UPDATE NORMAL", "CANCELLED"],
        ANYTHING,
    )


def create_rows():
    """CREATE_CHAN with names and minors that cannot be."""
    for name, payload, reference in (
        ("size 0", b"", []),
        ("an empty name", bytes(8), ["CREATE_CH_FAIL"]),
        ("a name without NUL", b"12345678", ["CREATE_CH_FAIL"]),
        ("a name of 600", wire.text("x" * 600), ["CREATE_CH_FAIL"]),
        ("a name of 65000", wire.text("x" * 65000), ["CREATE_CH_FAIL"]),
        ("a name of control bytes", b"\1\2\x1b\n\r\xff\xfe\0", ["CREATE_CH_FAIL"]),
        ("a name in bad UTF-8", b"\xc3\x28\xa0\xa1\0\0\0\0", ["CREATE_CH_FAIL"]),
    ):
        yield Row(
            "CREATE_CHAN with " + name,
            lambda _s, p=payload: pack(CREATE_CHAN, p, p1=9, p2=13),
            ["CREATE_CH_FAIL"],
            reference,
        )
    yield Row(
        "CREATE_CHAN without the NUL of a real name",
        lambda s: pack(CREATE_CHAN, s.circuit.long_name, p1=9, p2=13),
        ["CREATE_CH_FAIL"],
        ["CREATE_CH_FAIL"],
    )
    for minor in (0, 3):
        yield Row(
            f"CREATE_CHAN with minor {minor}",
            lambda _s, m=minor: wire.create_request("any", 9, m),
            ["close"],
            ["close"],
        )
    yield Row(
        "the same CID twice",
        lambda s: wire.create_request(s.circuit.name, 9) * 2,
        (
            ["ACCESS_RIGHTS", "CREATE_CHAN"] * 2,
            ["ACCESS_RIGHTS", "CREATE_CHAN", "CREATE_CH_FAIL"],
        ),
        ["ACCESS_RIGHTS", "CREATE_CHAN"] * 2,
    )
    for suffix, made in (
        ("$", False),
        (".VAL$", False),
        ('.{"dbnd":{"abs":1}}', True),
        (".{", False),
    ):
        yield Row(
            f"CREATE_CHAN with {suffix}",
            lambda s, x=suffix: wire.create_request(s.circuit.name + x, 9),
            ["ACCESS_RIGHTS", "CREATE_CHAN"] if made else ["CREATE_CH_FAIL"],
            ANYTHING,
        )


def name_rows():
    """CLIENT_NAME and HOST_NAME, wrong or late."""
    for command in (CLIENT_NAME, HOST_NAME):
        for name, payload in (
            ("size 0", b""),
            ("no NUL", b"12345678"),
            ("600 characters", wire.text("n" * 600)),
            ("65000 characters", wire.text("n" * 65000)),
        ):
            yield Row(
                f"name command {command} with {name}",
                lambda _s, c=command, p=payload: pack(c, p),
                CLOSE_WITH_ERROR,
                ANYTHING,
            )
        yield Row(
            f"name command {command} after a channel",
            lambda _s, c=command: pack(c, wire.text("late")),
            [],
            ["ERROR INTERNAL"],
        )
        yield Row(
            f"name command {command} with control bytes, often",
            lambda _s, c=command: pack(c, b"\x1b[2J\r\n\0") * 100,
            [],
            ["ERROR INTERNAL"] * 100,
        )


def version_rows():
    """VERSION again."""
    yield Row("VERSION repeated", lambda _s: wire.version() * 3, [], [])
    yield Row(
        "VERSION with another priority", lambda _s: wire.version(priority=20), [], []
    )
    yield Row(
        "VERSION as a datagram sequence", lambda _s: wire.version(sequence=7), [], []
    )


def garbage_rows():
    """Bytes of other protocols."""
    hello = bytes.fromhex("16030100c8010000c40303") + bytes(range(200))
    for name, data in (
        ("HTTP", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("a TLS hello", hello),
        ("SSH", b"SSH-2.0-OpenSSH_9.6\r\n"),
        ("ones", b"\xff\xfe" * 40),
        ("text", b"hello there, is this the right port?"),
    ):
        yield Row(f"garbage: {name}", lambda _s, d=data: d, ["close"], None)
    yield Row("garbage: zeros", lambda _s: bytes(32), ["close"], ANYTHING)


ROWS = [
    row
    for rows in (
        size_rows,
        command_rows,
        unknown_sid_rows,
        bad_type_rows,
        bad_count_rows,
        event_rows,
        create_rows,
        name_rows,
        version_rows,
        garbage_rows,
    )
    for row in rows()
]


@pytest.fixture
def scene(target):
    """A hostile client with two channels, and a foreign SID."""
    with target.circuit() as circuit, target.circuit() as other:
        circuit.name = target.pv("PLAIN")
        # A full-length real name behind which the payload ends without a NUL.
        circuit.long_name = _without_nul(target.pv("PLAIN"))
        mine = [circuit.create(target.pv(n)) for n in ("TARGET", "W:LONG")]
        own = {channel.sid for channel in mine}
        theirs = next(
            channel.sid
            for channel in (other.create(target.pv("LONG")) for _ in range(3))
            if channel.sid not in own
        )
        yield Scene(circuit, mine[0], mine[1], theirs)


def _without_nul(name):
    raw = name.encode()
    return raw if len(raw) % 8 == 0 else raw[: len(raw) // 8 * 8]


BYTEWISE = pytest.mark.parametrize("bytewise", [False, True], ids=["whole", "bytewise"])
OURS_ONLY = [row for row in ROWS if row.reference is None]


@BYTEWISE
@pytest.mark.parametrize(
    "row", [row for row in ROWS if row not in OURS_ONLY], ids=lambda row: row.name
)
def test_hostile_row(target, bystander, scene, row, bytewise):
    check_row(target, bystander, scene, row, bytewise)


@BYTEWISE
@pytest.mark.parametrize("row", OURS_ONLY, ids=lambda row: row.name)
@pytest.mark.parametrize("target", [OURS], indirect=True)
def test_hostile_row_on_ours_alone(target, bystander, scene, row, bytewise):
    check_row(target, bystander, scene, row, bytewise)


def check_row(target, bystander, scene, row, bytewise):
    """The outcome is one of the right ones, and the normal client goes on."""
    expected = target.choose(row.ours, row.reference)
    seen = outcome(scene.circuit, row.make(scene), bytewise=bytewise)
    if expected is not ANYTHING:
        allowed = expected if isinstance(expected, tuple) else (expected,)
        assert seen in allowed
    bystander.check()


@BYTEWISE
@pytest.mark.parametrize(
    ("name", "data", "ours", "reference"),
    [
        ("minor 3", wire.version(minor=3), ["close"], ["close"]),
        ("minor 0", wire.version(minor=0), ["close"], ["close"]),
        ("minor 65535", wire.version(minor=65535), [], []),
        ("priority 99", wire.version(priority=99), [], []),
        ("priority 65535", wire.version(priority=65535), ([], ["close"]), ["close"]),
        ("no VERSION, an echo", b"", [], ["ERROR DEFUNCT"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_first_version(target, bystander, name, data, ours, reference, bytewise):
    with target.circuit(greet=False) as circuit:
        circuit.expect(VERSION)
        expected = target.choose(ours, reference)
        allowed = expected if isinstance(expected, tuple) else (expected,)
        if target.name == "reference" and name.startswith("no VERSION"):
            circuit.send(pack(ECHO))
            circuit.expect(wire.ERROR, p2=wire.ECA_DEFUNCT)
        else:
            assert outcome(circuit, data, bytewise=bytewise) in allowed
    bystander.check()


def test_a_channel_without_version_takes_the_minor_from_create_chan(ours):
    with ours.circuit(greet=False) as circuit:
        circuit.expect(VERSION)
        channel = circuit.create(ours.pv("LONG"))
        assert circuit.get(channel, dbr.LONG, 0).count == 1


@BYTEWISE
@pytest.mark.parametrize("size", [0xFFFFFFFF, 0xFFFFFFF8, 0x80000000, 0x7FFFFFF8])
@pytest.mark.parametrize("command", [WRITE, WRITE_NOTIFY, ECHO, CREATE_CHAN])
def test_no_memory_for_an_announced_size(ours, command, size, bytewise):
    """An ERROR or the end, and no allocation; the reference takes 2 GiB here."""
    with ours.circuit() as circuit:
        channel = circuit.create(ours.pv("TARGET"))
        before = ours.child.resident_bytes()
        circuit.send_hostile(
            pack(command, type=6, count=1, p1=channel.sid, size=size, extended=True),
            bytewise=bytewise,
        )
        try:
            circuit.expect(wire.ERROR)
        except wire.Closed:
            pass
        circuit.send_hostile(bytes(1 << 16))
        assert ours.child.resident_bytes() - before < 64 << 20
    with ours.circuit() as other:
        assert other.get(other.create(ours.pv("LONG")), dbr.LONG).p1 == 1
