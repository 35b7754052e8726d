"""Which reads and writes of drivers take long, and the line of code that they are at.

What the engine times is noticed here twice: by the control thread, which looks every
0.1 s at what runs and where, and at its end, by the thread that has run it.
"""

from __future__ import annotations

import functools
import itertools
import linecache
import os
import sys
import sysconfig
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from types import CodeType, FrameType
from typing import Any, NamedTuple

from ..host.lifetime import Host
from ..lowlevel.client import client_of_task
from ..native._handle import PvHandle, name_of
from ..native._timing import SLOW, Timing, time_now

PERIOD = 0.1  # seconds between two looks at what runs
_KEPT = 100  # slow calls

_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_LIBRARIES = tuple(
    path + os.sep
    for path in {
        sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib")
    }
)

Client = tuple[str, str, str, str]


class Slow(NamedTuple):
    """A call that took long, or does."""

    pv: str
    call: str
    seconds: float
    where: tuple[str, int] | None
    when: float
    client: Client | None

    def row(self) -> dict[str, Any]:
        """As the protocol has it."""
        file, number = self.where or ("", 0)
        client = None
        if self.client is not None and any(self.client[:3]):
            user, host, address, _ = self.client
            client = f"{user}@{host} ({address})"
        return {
            "pv": self.pv,
            "call": self.call,
            "seconds": round(self.seconds, 6),
            "where": f"{file}:{number}" if self.where else None,
            "line": linecache.getline(file, number).strip() if self.where else "",
            "when": self.when,
            "client": client,
        }


class _Running(NamedTuple):
    number: tuple[str, int]
    thread: int
    pv: str
    call: str
    client: Client | None
    since: float  # of time_now()


class Calls:
    """The slow calls of one server.

    Args:
        timing: What the engine times.
    """

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._slow: deque[Slow] = deque(maxlen=_KEPT)
        # Where calls that still run were when they were noticed.
        self._seen: dict[tuple[str, int], tuple[str, int] | None] = {}
        self._timed: dict[tuple[str, int], _Running] = {}  # by their numbers
        self._numbers = itertools.count()

    def start(self) -> None:
        """Slow calls are noticed from now on."""
        self._timing.slow = self._ended
        self._timing.start()

    def end(self) -> None:
        """No more."""
        self._timing.slow = None
        self._seen.clear()

    def look(self) -> None:
        """Notes where the calls are that run for long by now."""
        running = self._running()
        if not running and not self._seen:
            return
        now = time_now()
        seen = {}
        for call in running:
            if now - call.since >= SLOW / 2:
                known = self._seen.get(call.number)
                seen[call.number] = known or where_of(call.thread)
        # What has ended meanwhile was taken out by `_ended`, or was quick.
        self._seen = seen

    def scan(self, pv: Any, scan: Callable[[], Any]) -> Any:
        """``scan()``, which reads `pv` for its period."""
        return self.timed(pv, "scan", None, scan)

    def steps(self, call: str, pv: Any, coroutine: Coroutine[Any, Any, Any]) -> Steps:
        """To await in place of a coroutine that is a call of a driver."""
        return Steps(self, pv, call, coroutine)

    def timed(
        self, pv: Any, call: str, client: Client | None, work: Callable[[], Any]
    ) -> Any:
        """``work()``, which is of such a call."""
        name = str(name_of(pv)) if isinstance(pv, PvHandle) else repr(pv)
        number = ("timed", next(self._numbers))
        me = threading.get_ident()
        running = _Running(number, me, name, call, client, time_now())
        self._timed[number] = running
        try:
            return work()
        finally:
            del self._timed[number]
            seconds = time_now() - running.since
            self._timing.note(seconds)
            if seconds >= SLOW:
                self._keep(running, seconds)

    def rows(self) -> tuple[list[Slow], list[Slow]]:
        """The longest call of each PV, the slowest first; and what runs just now."""
        longest: dict[str, Slow] = {}
        for slow in list(self._slow):
            known = longest.get(slow.pv)
            if known is None or slow.seconds > known.seconds:
                longest[slow.pv] = slow
        ended = sorted(longest.values(), key=lambda slow: -slow.seconds)
        now = time_now()
        running = [
            self._slow_of(call, now - call.since, where_of(call.thread))
            for call in self._running()
            if now - call.since >= SLOW
        ]
        return ended, sorted(running, key=lambda slow: -slow.seconds)

    def _running(self) -> list[_Running]:
        calls = [
            _Running(("", number), thread, pv, call, client, since)
            for number, thread, pv, call, client, since in self._timing.running()
        ]
        return [*calls, *list(self._timed.values())]

    def _ended(
        self, number: int, thread: int, pv: str, call: str, client: Client, took: float
    ) -> None:
        """A request that took long. In the thread that has handled it."""
        since = time_now() - took
        self._keep(_Running(("", number), thread, pv, call, client, since), took)

    def _keep(self, call: _Running, seconds: float) -> None:
        where = self._seen.pop(call.number, None)
        self._slow.append(self._slow_of(call, seconds, where))

    def _slow_of(
        self, call: _Running, seconds: float, where: tuple[str, int] | None
    ) -> Slow:
        when = time.time() - (time_now() - call.since)
        return Slow(call.pv, call.call, seconds, where, when, call.client)


class Steps:
    """A coroutine, each step of which is timed: what it does between two waits.

    Meanwhile its event loop runs nothing else.
    """

    def __init__(
        self, calls: Calls, pv: Any, call: str, coroutine: Coroutine[Any, Any, Any]
    ) -> None:
        self._calls, self._pv, self._call = calls, pv, call
        self._coroutine = coroutine

    def __await__(self) -> Generator[Any, Any, Any]:
        """In the task of the coroutine."""
        request = client_of_task.get(None)
        client = None if request is None else request.client
        step = functools.partial(self._coroutine.send, None)
        while True:
            try:
                waits_for = self._calls.timed(self._pv, self._call, client, step)
            except StopIteration as end:
                return end.value
            try:
                step = functools.partial(self._coroutine.send, (yield waits_for))
            except BaseException as error:
                step = functools.partial(self._coroutine.throw, error)


# Where the calls of drivers begin: what is further out belongs to the program.
_BEGIN: set[CodeType] = {Host.turn.__code__, Calls.timed.__code__}


def where_of(thread: int) -> tuple[str, int] | None:
    """(file, line) of the driver's code that a thread runs.

    That is the innermost line which is not of this package or a library; if there is
    none, the innermost one that is not of this package. A driver may call ``process()``
    and be in none of its code within that: then it is that line.
    """
    frame: FrameType | None = sys._current_frames().get(thread)  # noqa: SLF001
    own = of_library = None
    outer = False  # there is no such line in the innermost process()
    try:
        while frame is not None:
            if frame.f_code in _BEGIN:
                if own or of_library:
                    return own or of_library
                outer = True
            file = frame.f_code.co_filename
            if not file.startswith(_OURS) and not file.startswith("src/pcaspy/"):
                found = file, frame.f_lineno or frame.f_code.co_firstlineno
                if not file.startswith(_LIBRARIES) and not file.startswith("<frozen"):
                    if not outer:
                        return found
                    own = own or found
                of_library = of_library or found
            frame = frame.f_back
        return None
    finally:
        del frame
