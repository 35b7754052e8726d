"""A server for tests, on loopback and free ports."""

from __future__ import annotations

import gc
import time
from collections.abc import Mapping
from typing import Any

from .native._tables import instance_counts
from .server import SimpleServer
from .tools import ServerThread

__all__ = ["IsolatedServer", "LeakError", "check_leaks"]


class LeakError(AssertionError):
    """Objects of the engine still exist after their server has closed."""


class IsolatedServer(SimpleServer):
    """A SimpleServer on 127.0.0.1 and free ports, without beacons.

    In a ``with`` block a thread calls `process`. The end of the block checks that the
    engine has released all objects of clients.

    Args:
        threaded: Whether a thread calls `process` in the ``with`` block.
        options: As for `SimpleServer`.
    """

    def __init__(self, *, threaded: bool = True, **options: Any) -> None:
        chosen: Any = {
            "port": 0,
            "interfaces": ["127.0.0.1"],
            "beacon_addresses": [],
            "auto_beacon_addresses": False,
            **options,
        }
        super().__init__(**chosen)
        self._threaded = threaded
        self._thread: ServerThread | None = None
        self._before: Mapping[str, int] = {}

    def environment(self) -> dict[str, str]:
        """Returns the variables for a client that finds only this server."""
        return {
            "EPICS_CA_ADDR_LIST": "127.0.0.1",
            "EPICS_CA_AUTO_ADDR_LIST": "NO",
            "EPICS_CA_SERVER_PORT": str(self.udp_port),
            "EPICS_CA_NAME_SERVERS": "",
        }

    def __enter__(self) -> IsolatedServer:
        self._before = instance_counts()
        self.start()
        if self._threaded:
            self._thread = ServerThread(self)
            self._thread.daemon = True
            self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        if self._thread is not None:
            self._thread.stop()
            self._thread.join()
            self._thread = None
        self.close()
        if exc[0] is None:
            check_leaks(self._before)


_OF_A_CLIENT = ("Circuit", "Channel", "Subscription", "Request")


def check_leaks(before: Mapping[str, int], timeout: float = 5.0) -> None:
    """Waits until there are no more engine objects of clients than `before`.

    Raises:
        LeakError: There are still more after `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    while True:
        gc.collect()
        now = instance_counts()
        more = {
            name: now[name] - before[name]
            for name in _OF_A_CLIENT
            if now[name] > before[name]
        }
        if not more:
            return
        if time.monotonic() > deadline:
            raise LeakError(f"still alive: {more}")
        time.sleep(0.01)
