"""Channel Access messages as bytes and one circuit as a socket.

Written from the protocol alone: it shares nothing with the engine it judges. `send`
takes the bytes whole or one by one; everything that waits has a deadline.
"""

from __future__ import annotations

import contextlib
import itertools
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass

MINOR = 13
DEADLINE = 5.0
LONG_DEADLINE = 60.0
EXTENDED = 0xFFFF

VERSION, EVENT_ADD, EVENT_CANCEL, READ, WRITE = 0, 1, 2, 3, 4
SEARCH, EVENTS_OFF, EVENTS_ON, READ_SYNC, ERROR = 6, 8, 9, 10, 11
CLEAR_CHANNEL, RSRV_IS_UP, NOT_FOUND, READ_NOTIFY = 12, 13, 14, 15
CREATE_CHAN, WRITE_NOTIFY, CLIENT_NAME, HOST_NAME = 18, 19, 20, 21
ACCESS_RIGHTS, ECHO, CREATE_CH_FAIL, SERVER_DISCONN = 22, 23, 26, 27
DONT_REPLY, DO_REPLY = 5, 10

ECA_NORMAL, ECA_ALLOCMEM, ECA_TOLARGE, ECA_TIMEOUT = 1, 48, 72, 80
ECA_BADTYPE, ECA_INTERNAL, ECA_GETFAIL, ECA_PUTFAIL = 114, 142, 152, 160
ECA_BADCOUNT, ECA_BADMONID, ECA_DEFUNCT, ECA_BADMASK = 176, 242, 278, 330
ECA_PUTCBINPROG, ECA_NORDACCESS, ECA_NOWTACCESS = 362, 368, 376
ECA_NOCONVERT, ECA_BADCHID, ECA_UNAVAILINSERV = 400, 410, 432
ECA_16KARRAYCLIENT = 464

DBE_VALUE, DBE_LOG, DBE_ALARM, DBE_PROPERTY = 1, 2, 4, 8


class Closed(AssertionError):
    """The server closed the circuit where a message was expected."""


class Silence(AssertionError):
    """Nothing came before the deadline."""


@dataclass(frozen=True)
class Message:
    """One message: header fields by their names, and the payload as sent."""

    command: int
    type: int = 0
    count: int = 0
    p1: int = 0
    p2: int = 0
    payload: bytes = b""
    extended: bool = False

    def header(self) -> tuple[int, int, int, int, int]:
        """The five fields that tests compare: size, type, count, p1, p2."""
        return len(self.payload), self.type, self.count, self.p1, self.p2


def pad(payload: bytes) -> bytes:
    """The payload with zeros up to a multiple of eight."""
    return payload + bytes(-len(payload) % 8)


def pack(
    command: int,
    payload: bytes = b"",
    *,
    type: int = 0,
    count: int = 0,
    p1: int = 0,
    p2: int = 0,
    size: int | None = None,
    extended: bool | None = None,
) -> bytes:
    """One message as bytes.

    Args:
        command: Command number.
        payload: Padded here unless `size` is given.
        type: Header field.
        count: Header field; in an extended header, the 32-bit one.
        p1: Header field.
        p2: Header field.
        size: Announce this size, whatever the payload is.
        extended: Force the header's form; by default, the sender rule decides.
    """
    if size is None:
        payload = pad(payload)
        size = len(payload)
    if extended is None:
        extended = size >= 0xFFFF or count >= 0xFFFF
    if extended:
        head = struct.pack(">HHHHIIII", command, EXTENDED, type, 0, p1, p2, size, count)
    else:
        head = struct.pack(">HHHHII", command, size, type, count, p1, p2)
    return head + payload


def unpack(data: bytes) -> tuple[Message, int] | None:
    """The first message in `data` and its length, or None if it is not complete."""
    if len(data) < 16:
        return None
    command, size, type_, count, p1, p2 = struct.unpack_from(">HHHHII", data)
    start = 16
    extended = size == EXTENDED
    if extended:
        if len(data) < 24:
            return None
        size, count = struct.unpack_from(">II", data, 16)
        start = 24
    if len(data) < start + size:
        return None
    payload = bytes(data[start : start + size])
    return Message(command, type_, count, p1, p2, payload, extended), start + size


def unpack_all(data: bytes) -> list[Message]:
    """Every message of a datagram; fails on bytes that do not make a message."""
    found = []
    while data:
        one = unpack(data)
        assert one is not None, f"incomplete message {data!r}"
        found.append(one[0])
        data = data[one[1] :]
    return found


def text(name: str | bytes) -> bytes:
    """A NUL-terminated, padded string payload."""
    raw = name.encode() if isinstance(name, str) else name
    return pad(raw + b"\0")


def search_request(
    name: str | bytes, cid: int, reply: int = DONT_REPLY, minor: int = MINOR
) -> bytes:
    """One SEARCH as a client sends it."""
    return pack(SEARCH, text(name), type=reply, count=minor, p1=cid, p2=cid)


def version(
    sequence: int | None = None, priority: int = 0, minor: int = MINOR
) -> bytes:
    """VERSION, with a datagram sequence number if one is given."""
    if sequence is None:
        return pack(VERSION, type=priority, count=minor, extended=False)
    return pack(VERSION, type=1, count=minor, p1=sequence, extended=False)


def create_request(name: str | bytes, cid: int, minor: int = MINOR) -> bytes:
    """CREATE_CHAN as a client sends it."""
    return pack(CREATE_CHAN, text(name), p1=cid, p2=minor)


def event_request(
    sid: int, subid: int, type: int, count: int = 1, mask: int = DBE_VALUE | DBE_ALARM
) -> bytes:
    """EVENT_ADD as a client sends it."""
    return pack(
        EVENT_ADD,
        struct.pack(">fffHH", 0, 0, 0, mask, 0),
        type=type,
        count=count,
        p1=sid,
        p2=subid,
    )


@dataclass(frozen=True)
class Channel:
    """What the server told about one channel."""

    cid: int
    sid: int
    type: int
    count: int
    rights: int


class Circuit:
    """One TCP virtual circuit, driven step by step.

    Args:
        address: The server's TCP address.
        minor: Minor version to announce.
        priority: Priority in VERSION.
        user: Name in CLIENT_NAME.
        host: Name in HOST_NAME.
        greet: Send VERSION, CLIENT_NAME and HOST_NAME, and take the server's VERSION.
    """

    def __init__(
        self,
        address: tuple[str, int],
        *,
        minor: int = MINOR,
        priority: int = 0,
        user: str = "tester",
        host: str = "testhost",
        greet: bool = True,
        receive_buffer: int | None = None,
    ) -> None:
        self.minor = minor
        self._buffer = bytearray()
        self._ids = itertools.count(1)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.settimeout(DEADLINE)
        try:
            self._socket.connect(address)
            if greet:
                self.send(
                    version(priority=priority, minor=minor)
                    + pack(CLIENT_NAME, text(user))
                    + pack(HOST_NAME, text(host))
                )
                self.expect(VERSION)
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> Circuit:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    @property
    def socket(self) -> socket.socket:
        """The socket, for tests of half-close, reset and buffers."""
        return self._socket

    def close(self) -> None:
        """Close the circuit; may be called again."""
        self._socket.close()

    def new_id(self) -> int:
        """An id this circuit has not used: CID, IOID or SUBID."""
        return next(self._ids)

    # Bytes

    def send(self, data: bytes, *, bytewise: bool = False) -> None:
        """Send in one piece, or with one system call and segment per byte."""
        self._socket.settimeout(DEADLINE)
        if not bytewise:
            self._socket.sendall(data)
            return
        for byte in data:
            self._socket.sendall(bytes([byte]))

    def send_hostile(self, data: bytes, *, bytewise: bool = False) -> None:
        """Send what the server may answer by closing before all of it is taken."""
        with contextlib.suppress(ConnectionError):
            self.send(data, bytewise=bytewise)

    def receive(self, timeout: float = DEADLINE) -> Message:
        """The next message.

        Raises:
            Closed: The server closed the circuit.
            Silence: No complete message came in time.
        """
        deadline = time.monotonic() + timeout
        while True:
            found = unpack(self._buffer)
            if found is not None:
                del self._buffer[: found[1]]
                return found[0]
            self._socket.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                data = self._socket.recv(1 << 18)
            except TimeoutError:
                raise Silence(f"no message, {len(self._buffer)} bytes") from None
            except ConnectionError as error:
                raise Closed(f"{error}, {len(self._buffer)} bytes left") from None
            if not data:
                raise Closed(f"end of stream, {len(self._buffer)} bytes left")
            self._buffer += data

    # Expectations

    def expect(self, command: int, timeout: float = DEADLINE, **fields: int) -> Message:
        """The next message, which must have this command and these fields."""
        message = self.receive(timeout)
        seen = {name: getattr(message, name) for name in fields}
        assert message.command == command, f"expected {command}, got {message}"
        assert seen == fields, f"expected {fields}, got {message}"
        return message

    def expect_close(self, timeout: float = DEADLINE) -> list[Message]:
        """Wait for the server to close; the messages that came before."""
        deadline = time.monotonic() + timeout
        messages = []
        while True:
            try:
                messages.append(self.receive(max(0.001, deadline - time.monotonic())))
            except Closed:
                assert not self._buffer, f"cut message {bytes(self._buffer)!r}"
                return messages

    def drain(self) -> list[Message]:
        """Messages that come before the answer to an ECHO sent now.

        Replies keep their order, so what was asked before is answered by then or
        never. Updates from another thread of a server may come later.
        """
        mark = pad(b"mark" + struct.pack(">I", self.new_id()))
        self.send(pack(ECHO, mark))
        messages = []
        while True:
            message = self.receive()
            if message.command == ECHO and message.payload == mark:
                return messages
            messages.append(message)

    def updates(self, subid: int, timeout: float = DEADLINE) -> Iterator[Message]:
        """Updates of one subscription as they come; other messages are passed over."""
        deadline = time.monotonic() + timeout
        while True:
            message = self.receive(max(0.001, deadline - time.monotonic()))
            if message.command == EVENT_ADD and message.p2 == subid:
                yield message

    # Requests that wait for their answer

    def create(self, name: str) -> Channel:
        """Create a channel; fails if the server refuses."""
        cid = self.new_id()
        self.send(create_request(name, cid, self.minor))
        return self.created(cid)

    def created(self, cid: int) -> Channel:
        """Take the two messages that answer a CREATE_CHAN."""
        rights = self.expect(ACCESS_RIGHTS, p1=cid)
        reply = self.expect(CREATE_CHAN, p1=cid)
        return Channel(cid, reply.p2, reply.type, reply.count, rights.p2)

    def get(self, channel: Channel, type: int, count: int = 1) -> Message:
        """READ_NOTIFY and its reply."""
        ioid = self.new_id()
        self.send(pack(READ_NOTIFY, type=type, count=count, p1=channel.sid, p2=ioid))
        return self.expect(READ_NOTIFY, p2=ioid)

    def put(self, channel: Channel, type: int, data: bytes, count: int = 1) -> Message:
        """WRITE_NOTIFY and its reply."""
        ioid = self.new_id()
        self.send(
            pack(WRITE_NOTIFY, data, type=type, count=count, p1=channel.sid, p2=ioid)
        )
        return self.expect(WRITE_NOTIFY, p2=ioid)

    def write(
        self, channel: Channel, type: int, data: bytes, count: int = 1, p2: int = 0
    ) -> None:
        """WRITE, which has no reply."""
        self.send(pack(WRITE, data, type=type, count=count, p1=channel.sid, p2=p2))

    def subscribe(
        self,
        channel: Channel,
        type: int,
        count: int = 1,
        mask: int = DBE_VALUE | DBE_ALARM,
    ) -> tuple[int, Message]:
        """EVENT_ADD; the subscription's id and its first update."""
        subid = self.new_id()
        self.send(event_request(channel.sid, subid, type, count, mask))
        return subid, self.expect(EVENT_ADD, p2=subid)

    def cancel(self, channel: Channel, subid: int, type: int, count: int = 1) -> None:
        """EVENT_CANCEL and its confirmation; updates on their way are passed over."""
        self.send(pack(EVENT_CANCEL, type=type, count=count, p1=channel.sid, p2=subid))
        for update in self.updates(subid):
            if not update.payload:
                return


def udp_search(
    sock: socket.socket, address: tuple[str, int], datagram: bytes, replies: int = 1
) -> list[list[Message]]:
    """Send one datagram and take `replies` frames, each as its messages."""
    sock.sendto(datagram, address)
    frames = []
    for _ in range(replies):
        data, _source = sock.recvfrom(65536)
        frames.append(unpack_all(data))
    return frames
