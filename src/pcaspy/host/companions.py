"""What starts and ends with a server: saves its values, reports how it is, and so on.

A companion is of one host. The host calls it in the thread that starts or ends it; a
failure of one is logged and stops neither the server nor the others.
"""

from __future__ import annotations

import logging
import threading
from contextlib import AbstractContextManager

TYPE_CHECKING = False  # typing takes long to import
if TYPE_CHECKING:
    from typing import TypeVar

    _Kind = TypeVar("_Kind", bound="Companion")

_log = logging.getLogger("pcaspy.SimpleServer")


class Companion:
    """Something that starts and ends with a server. No method has to be overridden."""

    def prepare(self) -> None:
        """Before the sockets are bound: no client is served yet. At each start."""

    def start(self) -> None:
        """The server serves."""

    def end(self) -> None:
        """Before the server stops serving; also after a `prepare` without `start`."""

    def before_fork(self) -> None:
        """In the thread that forks: takes the locks that a child must find free."""

    def in_parent(self) -> None:
        """After a fork: releases what `before_fork` took."""

    def in_child(self) -> None:
        """After a fork, in the child: its threads and files are the parent's.

        Comes instead of `end`. The child may begin to serve, with `prepare` first.
        """


class Companions:
    """The companions of one host: started in their order, ended in the other.

    A server may be started and closed by several threads at once. So one of them at a
    time calls the companions: a companion's own thread must neither start nor close the
    server, and `end` may wait for that thread, but not for the one in ``process()``.
    """

    def __init__(self) -> None:
        self._members: list[Companion] = []
        self._lock = threading.RLock()  # held while companions are called
        self._prepared = self._started = False

    def add(self, companion: Companion) -> None:
        """Takes one that the next start of the server prepares."""
        self._members.append(companion)

    def of_type(self, kind: type[_Kind]) -> _Kind | None:
        """The first one of that class."""
        found = (member for member in self._members if isinstance(member, kind))
        return next(found, None)

    def still(self) -> AbstractContextManager[object]:
        """While it lasts, no other thread starts or ends any of them."""
        return self._lock

    def join(self, companion: Companion) -> None:
        """Takes one, if it is new; it starts at once if the server serves."""
        with self._lock:
            if companion in self._members:
                return
            self._members.append(companion)
            if self._prepared:
                self._call(companion, "prepare")
            if self._started:
                self._call(companion, "start")

    def prepare(self) -> None:
        """The server will start."""
        with self._lock:
            if not self._prepared:
                self._prepared = True
                self._each("prepare")

    def start(self) -> None:
        """The server has started."""
        with self._lock:
            if self._prepared and not self._started:
                self._started = True
                self._each("start")

    def end(self) -> None:
        """The server will stop."""
        with self._lock:
            if self._prepared:
                self._prepared = self._started = False
                self._each("end", backwards=True)

    def before_fork(self) -> None:
        """The process will fork."""
        self._lock.acquire()
        self._each("before_fork")

    def in_parent(self) -> None:
        """It has forked."""
        self._each("in_parent", backwards=True)
        self._lock.release()

    def in_child(self) -> None:
        """This is the child."""
        self._lock = threading.RLock()
        self._prepared = self._started = False
        self._each("in_child", backwards=True)

    def _each(self, method: str, backwards: bool = False) -> None:
        members = list(self._members)
        for companion in reversed(members) if backwards else members:
            self._call(companion, method)

    @staticmethod
    def _call(companion: Companion, method: str) -> None:
        try:
            getattr(companion, method)()
        except Exception:
            _log.exception("%s.%s failed", type(companion).__name__, method)
