"""Helpers around a server."""

from __future__ import annotations

import sys
import threading

from .server import SimpleServer, pause

__all__ = ["ServerThread", "threading"]


class ServerThread(threading.Thread):
    """Processes a server in the background, from `start()` to `stop()`.

    Afterwards clients are not answered any more, until somebody processes the server
    again. The thread is no daemon: a program whose main thread ends goes on serving.
    """

    def __init__(self, server: SimpleServer) -> None:
        super().__init__()
        self.server = server
        self.running = True

    def run(self) -> None:
        """Processes until `stop()`, or until Ctrl-C has ended the main thread."""
        self.running = True
        while self.running and not _interrupted():
            self.server.process(0.1)
        self.running = False
        if isinstance(self.server, SimpleServer):
            pause(self.server)

    def stop(self) -> None:
        """Lets the thread end; `join()` waits for that."""
        self.running = False


def _interrupted() -> bool:
    """True once the main thread has died of a KeyboardInterrupt."""
    if threading.main_thread().is_alive():
        return False
    died_of = getattr(sys, "last_type", None)
    return died_of is not None and issubclass(died_of, KeyboardInterrupt)
