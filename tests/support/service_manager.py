"""A service manager as far as its socket: what services tell systemd."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from pathlib import Path

SECONDS = 30.0


class Manager:
    """A socket like the one that systemd binds for a service.

    Args:
        place: A path, or a name behind @ that no file has.
    """

    def __init__(self, place: str) -> None:
        self.place = place
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + place[1:] if place.startswith("@") else place)

    @classmethod
    def at(cls, folder: Path) -> Manager:
        """One whose socket is a file."""
        return cls(str(folder / "notify"))

    def environment(self, **more: str) -> dict[str, str]:
        """What systemd sets for the service."""
        return {"NOTIFY_SOCKET": self.place, **more}

    def next(self, seconds: float = SECONDS) -> dict[str, str] | None:
        """The assignments of the next message; None if there is none in time."""
        self._socket.settimeout(seconds)
        try:
            text = self._socket.recv(65536).decode()
        except TimeoutError:
            return None
        return dict(line.split("=", 1) for line in text.splitlines())

    def wait_for(self, key: str, value: str = "1") -> dict[str, str]:
        """The next message with that assignment; others before it are dropped."""
        deadline = time.monotonic() + SECONDS
        passed = []
        while (left := deadline - time.monotonic()) > 0:
            message = self.next(left)
            if message is not None and message.get(key) == value:
                return message
            passed.append(message)
        raise AssertionError(f"{key}={value} is not in {passed}")

    def fill(self) -> None:
        """Leaves no room for another message until one is taken."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    place = self.place
                    sender.sendto(
                        b"FULL=1",
                        "\0" + place[1:] if place.startswith("@") else place,
                    )

    def silence(self, key: str, seconds: float) -> int:
        """How often a message has that key in so many seconds."""
        deadline = time.monotonic() + seconds
        seen = 0
        while (left := deadline - time.monotonic()) > 0:
            message = self.next(left)
            seen += message is not None and key in message
        return seen

    def close(self) -> None:
        """The manager is gone."""
        self._socket.close()
        if not self.place.startswith("@"):
            os.unlink(self.place)
