"""Puts for a log server over TCP: lines of JSON, without answers.

This is what the log client of an IOC does, with two differences: it never waits for
the server, and lines that the other side's kernel has not got are sent again over the
next connection.
"""

from __future__ import annotations

import contextlib
import errno
import select
import socket
import sys
import time
from collections import deque
from typing import Any

from ..native._put_log import Put
from .line import json_line
from .target import Tally, Trouble, puts_in

_MOST = 1 << 20  # bytes of lines that wait, with those on the way
_BUFFER = 256 << 10  # bytes that the kernel may have of them
_LEAST_PAUSE, _MOST_PAUSE = 1.0, 15.0  # seconds between two attempts to connect
_CONNECT = 10.0  # seconds that an attempt may take
_SILENCE = 30  # seconds without acknowledgement after which a connection is given up
_SOON = 0.05  # seconds until what waits is looked at again
_TIOCOUTQ = 0x5411  # how much of what was sent is not acknowledged; Linux


class ToLogServer:
    """Sends lines as fast as the server takes them, and keeps some while it does not.

    Args:
        address: Host and port.
        prefix: Goes before each line.
        tally: Told of lines that were acknowledged, or that find no room.
    """

    def __init__(self, address: tuple[str, int], prefix: str, tally: Tally) -> None:
        self._address, self._tally = address, tally
        self._prefix = prefix.encode()
        self._trouble = Trouble(f"put log tcp://{address[0]}:{address[1]}")
        self._socket: socket.socket | None = None
        self._connected = False
        self._deadline = 0.0  # of the attempt to connect
        self._untried: list[Any] = []  # further addresses of the host, in this attempt
        self._next_try, self._pause = 0.0, _LEAST_PAUSE
        # With how many puts a line stands for: those to be sent, and those that were
        # and are not acknowledged. `_offset` is how much of the first one has gone.
        self._waiting: deque[tuple[bytes, int]] = deque()
        self._sent: deque[tuple[bytes, int]] = deque()
        self._offset = self._held = 0

    def write(self, put: Put, lost: int) -> bool:
        """False if too much waits already."""
        line = self._prefix + json_line(put, lost).encode() + b"\n"
        if self._held + len(line) > _MOST:
            self._tally.count_dropped(puts_in(put))
            return False
        self._held += len(line)
        self._waiting.append((line, puts_in(put)))
        return True

    def pump(self) -> float:
        """Connects, sends what goes, notices an end. Waits for a name server only."""
        try:
            if self._socket is None and time.monotonic() >= self._next_try:
                self._begin()
            if self._socket is not None and not self._connected:
                self._look_at_attempt()
            if self._connected:
                self._listen()
                self._send()
                self._forget_acknowledged()
        except (OSError, UnicodeError) as error:  # the latter of what is no host name
            self._break_off(error)
        busy = self._socket is not None and (self._waiting or self._sent)
        return _SOON if busy or not self._connected else 1.0

    def _begin(self) -> None:
        host, port = self._address
        self._untried = self._untried or socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        )
        family, kind, protocol, _, address = self._untried.pop(0)
        self._socket = made = socket.socket(family, kind, protocol)
        made.setblocking(False)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            made.setsockopt(
                socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _SILENCE * 1000
            )
        if hasattr(socket, "TCP_KEEPIDLE"):
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _SILENCE)
        self._deadline = time.monotonic() + _CONNECT
        status = made.connect_ex(address)
        if status not in (0, errno.EINPROGRESS, errno.EWOULDBLOCK):
            raise OSError(status, errno.errorcode.get(status, "no connection"))

    def _look_at_attempt(self) -> None:
        assert self._socket is not None
        _, ready, failed = select.select([], [self._socket], [self._socket], 0)
        if ready or failed:
            status = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if status:
                raise OSError(status, errno.errorcode.get(status, "no connection"))
            self._connected = True
            self._untried = []
            self._pause = _LEAST_PAUSE
            self._trouble.ends()
        elif time.monotonic() > self._deadline:
            raise TimeoutError("it does not answer")

    def _listen(self) -> None:
        """What it says is of no interest, but that it says nothing any more is."""
        assert self._socket is not None
        with contextlib.suppress(BlockingIOError, InterruptedError):
            if not self._socket.recv(4096):
                raise ConnectionResetError("it has closed the connection")

    def _send(self) -> None:
        assert self._socket is not None
        with contextlib.suppress(BlockingIOError, InterruptedError):
            while self._waiting:
                line = self._waiting[0][0]
                self._offset += self._socket.send(line[self._offset :])
                if self._offset == len(line):
                    self._offset = 0
                    self._sent.append(self._waiting.popleft())

    def _forget_acknowledged(self) -> None:
        """Lines that the other side has got, as far as the system says."""
        left = self._unacknowledged()
        on_the_way = sum(len(line) for line, _ in self._sent) + self._offset
        while self._sent and on_the_way - len(self._sent[0][0]) >= left:
            line, puts = self._sent.popleft()
            on_the_way -= len(line)
            self._held -= len(line)
            self._tally.count_written(puts)

    def _unacknowledged(self) -> int:
        if sys.platform != "linux" or self._socket is None:
            return 0
        import fcntl

        answer = fcntl.ioctl(self._socket, _TIOCOUTQ, bytes(4))
        return int.from_bytes(answer, sys.byteorder)

    def _break_off(self, error: object) -> None:
        """The next attempt comes after a pause, which grows while they fail.

        A host that has several addresses is given up after the last one.
        """
        with contextlib.suppress(OSError):
            self._forget_acknowledged()
        self._waiting.extendleft(reversed(self._sent))
        self._sent.clear()
        self._end()
        if self._untried:
            return
        self._next_try = time.monotonic() + self._pause
        self._pause = min(2 * self._pause, _MOST_PAUSE)
        self._trouble.begins(error)

    def _end(self) -> None:
        broken, self._socket, self._connected = self._socket, None, False
        self._offset = 0
        if broken is not None:
            broken.close()

    def close(self, seconds: float) -> None:
        """What has not arrived by then is lost."""
        end = time.monotonic() + seconds
        while self._waiting or self._sent:
            self.pump()
            left = end - time.monotonic()
            if left <= 0 or (self._socket is None and not self._untried):
                break
            time.sleep(min(0.01, left))
        for _, puts in (*self._waiting, *self._sent):
            self._tally.count_dropped(puts)
        self._waiting.clear()
        self._sent.clear()
        self._held = 0
        self._end()

    def forget(self) -> None:
        """The connection stays the parent's: only this copy of it is closed."""
        self._end()
