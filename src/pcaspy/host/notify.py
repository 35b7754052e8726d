"""Reports to a service manager such as systemd, in the form of sd_notify(3)."""

from __future__ import annotations

import logging
import os
import socket
import time
from typing import TYPE_CHECKING

from . import summary
from .companions import Companion

if TYPE_CHECKING:
    from .lifetime import Host

_log = logging.getLogger("pcaspy.SimpleServer")
_PATIENCE = 5.0  # seconds in which the manager takes what must not be lost
_PAUSE = 0.01  # seconds between two attempts


def _address(text: str) -> str | None:
    """Where NOTIFY_SOCKET says, as a socket takes it; None for what is not understood.

    A path, or behind an @ a name that no file has.
    """
    if len(text) < 2 or text[0] not in "/@":
        return None
    return "\0" + text[1:] if text[0] == "@" else text


def _watchdog_interval() -> float | None:
    """Seconds between two signs of life: half of what the manager waits; or None."""
    usec, pid = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    if not usec.isdecimal() or int(usec) == 0:
        return None
    if pid and pid != str(os.getpid()):  # it is meant for another process
        return None
    return int(usec) / 2e6


class ServiceManager(Companion):
    """Reports of one server: that it serves, reloads and stops, and signs of life.

    A sign of life is sent by a thread in ``process()`` once the network thread has
    answered as well: if one of the two hangs, there is none.

    Args:
        host: The server's.
        address: That of the manager's socket.
    """

    def __init__(self, host: Host, address: str) -> None:
        self._host, self._address = host, address
        self._socket: socket.socket | None = None
        self._interval = _watchdog_interval()
        self._seen = 0  # beats of the network thread
        self._next = self._ask_again = 0.0
        self.stays = False  # the end of the server is not that of the service

    def start(self) -> None:
        """The service is ready."""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        engine, dispatcher = self._host.engine, self._host.dispatcher
        if self._interval is not None and engine is not None:
            self._seen = engine.beats
            self._next = self._ask_again = 0.0
            if dispatcher is not None:
                dispatcher.watch = self._turn
        self.ready()

    def ready(self, also: str = "") -> None:
        """It serves, perhaps again; `also` is for who asks for the status."""
        host = self._host
        if host.engine is None:
            return
        count = len(getattr(host, "pvf", ()))
        status = (
            f"serving {summary.counted(count)}, {summary.ports(host.engine, host.pva)}"
        )
        self._send(f"READY=1\nSTATUS={status}{also}")

    def reloading(self) -> None:
        """It takes over changes; `ready` comes when that is done."""
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._send(f"RELOADING=1\nMONOTONIC_USEC={now}\nSTATUS=reloading")

    def end(self) -> None:
        """The service ends with its server."""
        if self._host.dispatcher is not None:
            self._host.dispatcher.watch = None
        if not self.stays:
            self._send("STOPPING=1\nSTATUS=stopping")
        self._close()

    def in_child(self) -> None:
        """The service is the parent."""
        if self._host.dispatcher is not None:
            self._host.dispatcher.watch = None
        self._interval = None
        self._close()
        self._address = ""

    def _close(self) -> None:
        made, self._socket = self._socket, None
        if made is not None:
            made.close()

    def _turn(self) -> None:
        """In ``process()``, once in a while."""
        now, engine = time.monotonic(), self._host.engine
        if now < self._next or engine is None or self._interval is None:
            return
        beats = engine.beats
        if beats != self._seen:
            self._seen = beats
            self._next = self._ask_again = now + self._interval
            self._send("WATCHDOG=1", wait=False)
            engine.ask_for_beat()
        elif now >= self._ask_again:
            self._ask_again = now + self._interval / 4
            engine.ask_for_beat()

    def _send(self, text: str, wait: bool = True) -> None:
        made = self._socket
        if made is None or not self._address:
            return
        deadline = time.monotonic() + (_PATIENCE if wait else 0.0)
        while True:
            try:
                made.sendto(text.encode(), self._address)
                return
            except BlockingIOError as error:  # it has not taken what was sent before
                why: OSError = error
            except OSError as error:
                why, deadline = error, 0.0
            if time.monotonic() >= deadline:
                break
            time.sleep(_PAUSE)
        if wait:
            _log.warning("the service manager was not told %r: %s", text, why)


def service_manager(host: Host) -> ServiceManager | None:
    """Who reports to the service manager from the next start on; None without one."""
    text = os.environ.get("NOTIFY_SOCKET", "")
    if not text or not hasattr(socket, "AF_UNIX"):
        return None
    address = _address(text)
    if address is None:
        _log.warning("NOTIFY_SOCKET is %r: a path or @ and a name is supported", text)
        return None
    known = host.companions.of_type(ServiceManager)
    if known is not None:
        return known
    made = ServiceManager(host, address)
    host.companions.add(made)
    return made
