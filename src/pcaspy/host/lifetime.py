"""The life of whatever has an engine, to the end of the process and over its forks.

One exit hook and one fork hook serve all hosts. While a fork is in progress no other
begins, and the thread that forks holds every lock that a child could find taken. None
of these locks is ever waited for with the GIL: the thread that holds them needs it.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable

from ..native import _access
from ..native._server import Server
from . import access
from .companions import Companions

TYPE_CHECKING = False  # typing takes long to import
if TYPE_CHECKING:
    from typing import Protocol

    from ..native._pva import Pva
    from .in_loop import Turns

    class Dispatcher(Protocol):
        """What handles the requests that an engine has for Python."""

        watch: Callable[[], None] | None  # called once in a while by who handles them

        @property
        def last_turn(self) -> float:
            """When it last had handled some, on the clock of time.monotonic()."""
            ...

        def end(self, engine: Server) -> None:
            """Before the engine closes: its last messages."""

        def forget_threads(self) -> None:
            """In the child of a fork: its threads are the parent's."""


_log = logging.getLogger("pcaspy.SimpleServer")


class Host:
    """Serves with an engine: from `start` or the first `turn` to `close`, and again.

    Programs call the members of their servers what they like, so this is the only thing
    of ours that such an object holds.
    """

    engine: Server | None = None
    pva: Pva | None = None  # the same names over PVAccess
    dispatcher: Dispatcher | None = None
    closed = False  # serve no more until start()
    turns: Turns | None = None  # requests are handled in an event loop
    processing: set[int]  # threads in process(); of a host with an engine
    companions: Companions  # of a host with an engine, too
    debug_level = 0  # what setDebugLevel was given

    def serve_with(self, engine: Server, dispatcher: Dispatcher) -> None:
        """Takes this engine, and cares for it as long as it lives."""
        self.processing = set()
        self.companions = Companions()
        self.engine, self.dispatcher = engine, dispatcher
        self.closed = False
        for warning in engine.warnings:
            _log.warning("%s", warning)
        _hosts.add(self)

    @property
    def is_open(self) -> bool:
        """There is an engine, and it is not closed."""
        return self.engine is not None and not self.closed

    def start(self) -> None:
        """Binds the sockets and begins to serve; after `close` again.

        Raises:
            OSError: An address or port cannot be used.
            RuntimeError: The server was deleted.
        """
        self.closed = False
        self.begin()

    def begin(self) -> None:
        """Binds the sockets, as `start`; a host that is closed stays so."""
        if self.engine is None:
            raise RuntimeError("the server is gone")
        self.companions.prepare()
        try:
            self._bind(self.engine)
        except BaseException:
            self.companions.end()
            raise
        access.server_started(self.engine)
        self.companions.start()

    def _bind(self, engine: Server) -> None:
        engine.start()
        if self.pva is not None and not self.pva.usable:
            _log.warning(
                "PVAccess is not served: this is the child of a process that served it."
                " Channel Access is; start the program anew for both"
            )
            self.pva = None
        if self.pva is not None:
            try:
                self.pva.start()
            except RuntimeError as error:
                engine.close()
                raise OSError(f"PVAccess cannot be served: {error}") from error

    def turn(self, delay: float) -> None:
        """Handles what clients want from Python, for `delay` seconds."""
        engine, dispatcher = self.engine, self.dispatcher  # `let_go` may come meanwhile
        if engine is None or self.closed:
            return
        if not engine.running:
            self.begin()
            if self.closed:  # by another thread, which has found nothing to end
                self.shut()
                return
        engine.process(delay, dispatcher)

    @property
    def serves_in_loop(self) -> bool:
        """An event loop handles the requests."""
        return self.turns is not None and self.turns.goes_on

    def process(self, delay: float) -> None:
        """A turn of `delay` seconds; where there is no engine it waits so long.

        Raises:
            RuntimeError: An event loop handles the requests.
        """
        end = time.monotonic() + delay
        if self.engine is not None:
            if self.serves_in_loop:
                raise RuntimeError(
                    "process() cannot be called while serve() handles the requests in"
                    " an event loop"
                )
            me = threading.get_ident()
            outer = me not in self.processing  # write() may call it, too
            self.processing.add(me)
            try:
                self.turn(delay)
            finally:
                if outer:
                    self.processing.discard(me)
        # Even a sleep of no length takes 70 us, and some post and call this in turn.
        if (rest := end - time.monotonic()) > 0:
            time.sleep(rest)

    def shut(self) -> None:
        """Ends serving until the next `turn`, and disconnects all clients."""
        if self.engine is None or self.dispatcher is None:
            return
        self.companions.end()
        access.server_stopped(self.engine)
        self.dispatcher.end(self.engine)
        if self.pva is not None:
            self.pva.close()
        self.engine.close()

    def close(self) -> None:
        """Ends serving until the next `start`, and disconnects all clients."""
        self.closed = True
        self.shut()
        turns, self.turns = self.turns, None
        if turns is not None:
            turns.end()

    def let_go(self) -> None:
        """The server was deleted."""
        # At the interpreter's end the exit hook has done this, and a thread that is not
        # run any more may hold a lock of the engine or of logging for ever.
        if not sys.is_finalizing():
            self.shut()
            self.engine = self.dispatcher = self.pva = None
            self.companions = Companions()

    def stats(self) -> dict[str, int]:
        """The counters of all protocols by name."""
        if self.engine is None:
            return {}
        counters = self.engine.stats()
        if self.pva is not None:
            counters.update(self.pva.stats())
        return counters

    def forget_threads(self) -> None:
        """In the child of a fork: its threads are the parent's; so are the circuits."""
        self.turns = None
        self.processing &= {threading.get_ident()}
        if self.dispatcher is not None:
            self.dispatcher.forget_threads()


_hosts: weakref.WeakSet[Host] = weakref.WeakSet()


def open_hosts() -> list[Host]:
    """All that serve, or will with their next turn."""
    return [host for host in list(_hosts) if host.is_open]


def _end_all() -> None:
    """The interpreter ends: no thread may be left."""
    try:
        for host in list(_hosts):
            host.close()
    finally:
        access.end_at_exit()


class _Fork:
    """The fork in hand."""

    def __init__(self) -> None:
        self.gate = threading.Lock()
        self.parts: list[Server | Pva] = []
        self.companions: list[Companions] = []

    def before(self) -> None:
        self.gate.acquire()
        # Before the engines, whose locks they may wait for.
        self.companions = [host.companions for host in list(_hosts)]
        for companions in self.companions:
            companions.before_fork()
        for host in list(_hosts):
            # PVAccess first: its threads use the engine's names.
            for part in (host.pva, host.engine):
                if part is not None:
                    part.prepare_fork()
                    self.parts.append(part)
        # After the engines: requests of circuits wait for its lock.
        _access.access_prepare_fork()

    def in_parent(self) -> None:
        _access.access_after_fork(False)
        while self.parts:
            self.parts.pop().after_fork_in_parent()
        while self.companions:
            self.companions.pop().in_parent()
        self.gate.release()

    def in_child(self) -> None:
        _access.access_after_fork(True)
        access.after_fork_in_child()
        while self.parts:
            self.parts.pop().after_fork_in_child()
        for host in list(_hosts):
            host.forget_threads()
        while self.companions:
            self.companions.pop().in_child()
        self.gate = threading.Lock()


_fork = _Fork()
atexit.register(_end_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_fork.before,
        after_in_parent=_fork.in_parent,
        after_in_child=_fork.in_child,
    )
