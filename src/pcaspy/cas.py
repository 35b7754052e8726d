"""The low-level layer of pcaspy: PVs and servers that do everything themselves.

A subclass of `caServer` says in `pvExistTest` which names exist and gives a PV for each
in `pvAttach`; a subclass of `casPV` answers gets in `getValue`, takes puts in `write`
and sends updates with `postEvent`. Values travel as `gdd`. All methods are called by
`process()`, in its thread.
"""

from __future__ import annotations

import atexit
import os
import sys
import time
import weakref
from collections.abc import Iterable
from typing import Any

from . import _engine, access, casdef
from ._engine import Server, epicsTimeStamp
from .casdef import *  # noqa: F403
from .casdef import (
    DBE_ALARM,
    DBE_LOG,
    DBE_VALUE,
    S_casApp_pvNotFound,
    S_casApp_success,
    pverDoesNotExistHere,
)
from .caspv import (
    PV,
    caNetAddr,
    casChannel,
    casClientInfo,
    casPV,
    client_of,
    client_of_task,
    current_client,
)
from .gdd import gdd
from .options import resolve

__all__ = [
    "PV",
    "asCaStart",
    "asCaStop",
    "asInitFile",
    "caNetAddr",
    "caServer",
    "casChannel",
    "casClientInfo",
    "casPV",
    "client_of",
    "client_of_task",
    "current_client",
    "epicsTimeStamp",
    "gdd",
    "is_sequence",
    "process",
    "str2char",
    *(
        name
        for name in vars(casdef)
        if not name.startswith("_") and name != "annotations"
    ),
]

# As the variable of that name in an IOC: rules know clients by the address of their
# socket instead of the host name that they claim. Counts when a file is loaded.
asCheckClientIP = False


class caServer:
    """A server whose PVs are found and made by `pvExistTest` and `pvAttach`.

    It begins to serve with the first `process()`.

    Args:
        pvCountEstimate: Not used.
        options: As for `SimpleServer`.
    """

    def __init__(self, pvCountEstimate: int = 0, **options: Any) -> None:
        from .dispatch import Dispatcher  # it is made of this module's classes

        self._debug_level = 0
        self.closed = False
        self._engine = Server(resolve(options))
        self._engine.set_search_by_request(True)
        self._engine.set_attach_by_request(True)
        self._dispatcher = Dispatcher(_Wake(self._engine), weakref.ref(self))
        _servers.add(self)

    def pvExistTest(self, context: Any, addr: caNetAddr, fullname: str) -> Any:
        """Whether there is such a PV: pverExistsHere, pverDoesNotExistHere, or it."""
        return pverDoesNotExistHere

    def pvAttach(self, context: Any, fullname: str) -> Any:
        """The PV of that name, or an S_casApp status."""
        return S_casApp_pvNotFound

    def start(self) -> None:
        """Binds the sockets and begins to serve; after `close()` again.

        Raises:
            OSError: An address or port cannot be used.
        """
        self.closed = False
        self._engine.start()
        access.server_started(self._engine)

    def close(self) -> None:
        """Ends serving and disconnects all clients."""
        self.closed = True
        access.server_stopped(self._engine)
        self._dispatcher.end(self._engine)
        self._engine.close()

    def __enter__(self) -> Any:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __del__(self) -> None:
        # At the interpreter's end _close_all has done this; threads that are not run
        # any more may hold locks of logging.
        if "_engine" in self.__dict__ and not sys.is_finalizing():
            caServer.close(self)

    @property
    def engine(self) -> Server:
        """What serves."""
        return self._engine

    @property
    def tcp_port(self) -> int:
        """Where clients connect to; 0 while not serving."""
        return self._engine.tcp_port

    @property
    def udp_port(self) -> int:
        """Where searches are answered; 0 while not serving."""
        return self._engine.udp_port

    def turn(self, delay: float) -> None:
        """Handles what clients want from this server, for `delay` seconds."""
        if self.closed:
            return
        if not self._engine.running:
            self.start()
        self._engine.process(delay, self._dispatcher)

    # ---- of little use here, but called by programs ----

    def setDebugLevel(self, level: int) -> None:
        """Sets the number that `getDebugLevel` returns."""
        self._debug_level = int(level)

    def getDebugLevel(self) -> int:
        """What `setDebugLevel` was given."""
        return getattr(self, "_debug_level", 0)

    def show(self, level: int = 0) -> None:
        """Prints the counters of the engine."""
        for name, count in self._engine.stats().items():
            print(f"{name}: {count}")

    def registerEvent(self, name: str) -> int:
        """The mask of an event: "value", "log" or "alarm".

        Raises:
            ValueError: There is no such event.
        """
        events = {"value": DBE_VALUE, "log": DBE_LOG, "alarm": DBE_ALARM}
        if name not in events:
            raise ValueError(f"there is no event {name!r}")
        return events[name]

    def valueEventMask(self) -> int:
        """DBE_VALUE."""
        return DBE_VALUE

    def logEventMask(self) -> int:
        """DBE_LOG."""
        return DBE_LOG

    def alarmEventMask(self) -> int:
        """DBE_ALARM."""
        return DBE_ALARM

    def subscriptionEventsPosted(self) -> int:
        """How many updates were sent or merged into later ones."""
        stats = self._engine.stats()
        return stats["updates"] + stats["updates_merged"]

    def subscriptionEventsProcessed(self) -> int:
        """How many updates were sent."""
        return self._engine.stats()["updates"]

    def createTimer(self) -> None:
        """Raises NotImplementedError: use Python's own timers."""
        raise NotImplementedError("there are no timers of the server library")

    def generateBeaconAnomaly(self) -> None:
        """Does nothing: beacons begin anew when a server starts."""


class _Wake:
    """What a dispatcher needs of a registry."""

    def __init__(self, engine: Server) -> None:
        self.wake = engine.interrupt
        self.stats = engine.stats


def is_sequence(value: Any) -> bool:
    """True for everything that can be iterated over, text included."""
    return isinstance(value, Iterable)


def str2char(text: str) -> bytes:
    """The bytes of `text`, as a PV of type char holds them."""
    return text.encode("utf-8", "surrogateescape")


def process(delay: float) -> None:
    """Handles requests for `delay` seconds.

    Those of all low-level servers and of the `SimpleServer` made last.
    """
    from .server import SimpleServer, default_server

    turns = [server.turn for server in list(_servers) if not server.closed]
    if default_server() is not None:
        turns.append(SimpleServer.process)
    if len(turns) == 1:
        turns[0](delay)
        return
    end = time.monotonic() + delay
    while True:
        left = end - time.monotonic()
        for turn in turns:
            turn(min(max(left, 0.0), 0.01) / len(turns))
        if left <= 0:
            return
        if not turns:
            time.sleep(left)


# ---- access security -----------------------------------------------------------------


def asInitFile(filename: str, subst: str = "") -> int:
    """Replaces the rules of access security by those of a file.

    Args:
        filename: An access security file.
        subst: Macros, as ``NAME=VALUE,NAME=VALUE``.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is not valid: file, line and reason. The old rules stay.
    """
    access.load(filename, subst, asCheckClientIP)
    return S_casApp_success


def asCaStart() -> None:
    """Connects the inputs of the rules.

    Raises:
        RuntimeError: EPICS' libdbCore cannot be loaded, or this process was forked.
    """
    access.start_inputs()


def asCaStop() -> None:
    """Disconnects the inputs of the rules; what depends on them is refused."""
    access.stop_inputs()


# ---- exit and fork -------------------------------------------------------------------

_servers: weakref.WeakSet[caServer] = weakref.WeakSet()
_forking: list[Server] = []


def _close_all() -> None:
    for server in list(_servers):
        server.close()


# The hook made first is the last one before fork() and the first one after it, as
# access security needs: requests of circuits wait for its lock.
def _before_fork() -> None:
    for server in list(_servers):
        engine = server.engine
        engine.prepare_fork()
        _forking.append(engine)
    _engine.access_prepare_fork()


def _after_fork(in_child: bool) -> None:
    _engine.access_after_fork(in_child)
    if in_child:
        access.after_fork_in_child()
    while _forking:
        engine = _forking.pop()
        if in_child:
            engine.after_fork_in_child()
        else:
            engine.after_fork_in_parent()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=lambda: _after_fork(False),
        after_in_child=lambda: _after_fork(True),
    )
