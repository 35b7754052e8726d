"""Helpers around a server."""

from __future__ import annotations

import logging
import sys
import threading
from typing import TYPE_CHECKING

from .server import SimpleServer, is_replaced, pause, reports

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["ServerThread", "report_to_systemd", "threading"]

_log = logging.getLogger("pcaspy.SimpleServer")
_ALONE = (
    "the main thread has ended, and a ServerThread goes on serving: call its stop(), or"
    " use it as `with ServerThread(server):`, to end the program as well"
)


class ServerThread(threading.Thread):
    """Calls `process` of a server in a thread, from `start()` to `stop()`.

    A ``with`` block starts the thread and at its end stops and joins it. After `stop()`
    the server does not answer clients until `process` is called again. The thread is
    not a daemon thread: if the main thread ends, the server continues. In a notebook it
    also ends when a later run of the cell creates a server with the same PVs.
    """

    def __init__(self, server: SimpleServer) -> None:
        if not callable(getattr(server, "process", None)):
            raise TypeError(
                f"ServerThread(server) takes a server, not a {type(server).__name__}"
            )
        super().__init__()
        self.server = server
        self.running = True

    def run(self) -> None:
        """Processes until `stop()`, or until Ctrl-C has ended the main thread."""
        self.running = True
        alone = False
        while self.running and not _interrupted():
            self.server.process(0.1)
            if self._replaced():
                break
            if not alone and not threading.main_thread().is_alive():
                alone = True
                _log.warning(_ALONE)
        self.running = False
        if isinstance(self.server, SimpleServer):
            pause(self.server)

    def _replaced(self) -> bool:
        return isinstance(self.server, SimpleServer) and is_replaced(self.server)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()
        self.join()

    def stop(self) -> None:
        """Ends the thread. Call `join()` to wait for the end."""
        self.running = False


def report_to_systemd(server: SimpleServer) -> bool:
    """Has `server` report to systemd, as its `run` always does.

    Call it before the server starts, in a program that calls `process` or has a
    `ServerThread`. The reports are those of a unit with ``Type=notify``: that it serves
    and that it stops. With ``WatchdogSec`` it gives signs of life while a thread in
    `process` and the network thread both make progress.

    Returns:
        Whether there is a service manager: NOTIFY_SOCKET is set.
    """
    return reports(server)


def _interrupted() -> bool:
    """True once the main thread has died of a KeyboardInterrupt."""
    if threading.main_thread().is_alive():
        return False
    died_of = getattr(sys, "last_type", None)
    return died_of is not None and issubclass(died_of, KeyboardInterrupt)
