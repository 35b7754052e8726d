"""A connection of the control protocol, as the server sees it: lines in and out."""

from __future__ import annotations

import json
import math
import os
import socket
import struct
import time
from dataclasses import dataclass
from typing import Any

LONGEST = 1 << 20  # bytes of a request
PATIENCE = 5.0  # seconds for a driver to accept a put
_MOST_READ = 1 << 16
_LONGEST_NUMBER = 400  # digits; that of a double has fewer


class GarbledError(Exception):
    """Bytes that are no request; the text says why."""


def _int(text: str) -> int:
    if len(text) > _LONGEST_NUMBER:  # would take long
        raise ValueError("a number has too many digits")
    return int(text)


def _constant(name: str) -> None:
    raise ValueError(f"{name} is the text {name.lower()!r} here")


_decoder = json.JSONDecoder(parse_int=_int, parse_constant=_constant)


def request_in(line: bytes) -> dict[str, Any]:
    """The request of a line.

    Raises:
        GarbledError: It is none.
    """
    try:
        request = _decoder.decode(line.decode())
    except RecursionError:
        raise GarbledError("a request is nested too deeply") from None
    except ValueError as error:
        raise GarbledError(
            f"a request is an object in JSON on a line: {error}"
        ) from None
    if not isinstance(request, dict):
        raise GarbledError("a request is an object in JSON on a line")
    return request


def id_of(request: dict[str, Any]) -> Any:
    """What the answer repeats."""
    number = request.get("id")
    if isinstance(number, float) and not math.isfinite(number):
        return None
    return number if isinstance(number, int | float | str) else None


@dataclass
class PendingPut:
    """A put that the driver has not completed."""

    number: int
    id: Any  # of the request
    until: float
    accepted: bool = False


class Connection:
    """One client. It has one request at a time carried out, in their order."""

    def __init__(self, accepted: socket.socket) -> None:
        self.socket = accepted
        self.put: PendingPut | None = None
        self.watched = 0  # events that the selector looks for
        self.asks_for_pvs = False
        self.used = time.monotonic()  # when something came, or went
        self.ended = False  # it sends no more
        self._read = bytearray()
        self._searched = 0  # of that, without the end of a line
        self._unsent = memoryview(b"")
        self._user = ""
        accepted.setblocking(False)

    @property
    def user(self) -> str:
        """The name of the user at the other end."""
        if not self._user:
            self._user = _user_of(self.socket)
        return self._user

    @property
    def sends(self) -> bool:
        """It has not read all of an answer."""
        return len(self._unsent) > 0

    @property
    def is_ready(self) -> bool:
        """Its next request may be carried out."""
        return self.put is None and not self.sends

    @property
    def reads(self) -> bool:
        """More of its bytes are wanted."""
        return self.is_ready and not self.ended

    def receive(self) -> None:
        """What has come.

        Raises:
            OSError: The connection is broken.
        """
        try:
            received = self.socket.recv(_MOST_READ)
        except (BlockingIOError, InterruptedError):
            return
        self.used = time.monotonic()
        self.ended = not received
        self._read += received

    @property
    def has_line(self) -> bool:
        """There is a request that may be carried out."""
        return self.is_ready and (
            self._read.find(b"\n", self._searched) >= 0 or len(self._read) > LONGEST
        )

    @property
    def is_over(self) -> bool:
        """Nothing is to come, and nothing to go."""
        return self.ended and self.is_ready and not self.has_line

    def next_line(self) -> bytes | None:
        """A request that is there, without its end; None if there is none.

        Raises:
            GarbledError: What is there is too long for one.
        """
        end = self._read.find(b"\n", self._searched)
        if max(end, len(self._read) if end < 0 else 0) > LONGEST:
            raise GarbledError("a request has at most 1 MiB")
        if end < 0:
            self._searched = len(self._read)
            return None
        line = bytes(self._read[:end])
        del self._read[: end + 1]
        self._searched = 0
        return line

    def read_no_more(self) -> None:
        """What has come is of no use, nor is what comes."""
        self._read.clear()
        self._searched = 0
        self.ended = True

    def send(self, answer: dict[str, Any]) -> None:
        """An answer; what the client does not take now is kept.

        Raises:
            OSError: The connection is broken.
        """
        text = json.dumps(answer, allow_nan=False, separators=(",", ":"))
        self._unsent = memoryview(text.encode() + b"\n")
        self.go_on()

    def finish_put(self, accepted: bool) -> None:
        """Answers its put.

        Raises:
            OSError: The connection is broken.
        """
        put, self.put = self.put, None
        if put is None:
            return
        if accepted:
            self.send({"id": put.id, "result": {}})
        elif time.monotonic() > put.until:
            why = (
                f"the driver has not accepted the put within {PATIENCE:g} s; it may yet"
            )
            self.send({"id": put.id, "error": why})
        else:
            why = "the driver has refused the put, or failed; the log says why"
            self.send({"id": put.id, "error": why})

    def go_on(self) -> None:
        """Sends what the client takes now.

        Raises:
            OSError: The connection is broken.
        """
        try:
            sent = self.socket.send(self._unsent)
        except (BlockingIOError, InterruptedError):
            return
        self._unsent = self._unsent[sent:]
        self.used = time.monotonic()

    def close(self) -> None:
        """Ends it."""
        self._unsent = memoryview(b"")
        self._read.clear()
        self.socket.close()


def _user_of(connected: socket.socket) -> str:
    """Who is at the other end, or else, of necessity, the user of this process."""
    import pwd  # which Windows does not have

    uid = os.getuid()
    if hasattr(socket, "SO_PEERCRED"):
        size = struct.calcsize("3i")
        found = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
        uid = struct.unpack("3i", found)[1]
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
