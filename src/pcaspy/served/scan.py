"""Periodic reads of PVs with `scan`: few threads for any number of PVs.

One thread knows when which period is due. Due PVs go to a queue that one worker thread
empties; more workers join only while a read() hangs, so that it delays its own PV and
no other. A PV that is still being read when it is due again misses that turn. Turns
are counted from the start, so a period does not drift by the time that reading takes.

What an ``async def read`` does is left to the coroutines of the server; where the
server serves in the program's event loop, all reads are made there.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable

from .coroutines import About, Coroutines, Later

TYPE_CHECKING = False  # typing takes long to import
if TYPE_CHECKING:
    from typing import Any

_log = logging.getLogger("pcaspy.scan")

MAX_WORKERS = 8
_PATIENCE = 0.02  # seconds without progress after which another worker joins


class _Period:
    """All PVs with the same period."""

    __slots__ = ("due", "members", "seconds")

    def __init__(self, seconds: float, start: float) -> None:
        self.seconds = seconds
        self.due = start
        self.members: dict[Any, None] = {}

    def advance(self, now: float) -> None:
        """The next turn after `now` on the grid of this period."""
        missed = max(int((now - self.due) // self.seconds), 0)
        self.due += (missed + 1) * self.seconds


class Scanner:
    """Calls ``pv.scan()`` of each PV at its period, from `start()` to `stop()`.

    Args:
        clock: Seconds, never stepping back.
        coroutines: What ``pv.scan()`` may return is run by them.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        coroutines: Coroutines | None = None,
    ) -> None:
        self._clock = clock
        self._coroutines = Coroutines() if coroutines is None else coroutines
        # What calls ``pv.scan`` for us, with the PV; None: nobody.
        self.through: Callable[[Any, Callable[[], Any]], Any] | None = None
        self._changed = threading.Condition()  # guards all below
        self._periods: dict[float, _Period] = {}
        self._period_of: dict[Any, float] = {}
        self._queue: deque[Any] = deque()
        self._taken: set[Any] = set()  # queued or being read
        self._workers = 0
        self._idle = 0
        self._done = 0  # reads finished, to see progress
        self._started = False
        self._thread: threading.Thread | None = None  # while there is what to scan

    def set(self, pv: Any, seconds: float) -> None:
        """Scans `pv` every `seconds` from now on; 0 for not any more. Any thread."""
        if seconds <= 0 and pv not in self._period_of:
            return
        with self._changed:
            old = self._period_of.pop(pv, None)
            if old is not None:
                self._periods[old].members.pop(pv, None)
                if not self._periods[old].members:
                    del self._periods[old]
            if seconds > 0:
                period = self._periods.get(seconds)
                if period is None:
                    period = _Period(seconds, self._clock())
                    self._periods[seconds] = period
                period.members[pv] = None
                self._period_of[pv] = seconds
            self._run_if_needed()
            self._changed.notify_all()

    def start(self) -> None:
        """Begins to scan; each PV is read at once for a first time."""
        with self._changed:
            if self._started:
                return
            self._started = True
            now = self._clock()
            for period in self._periods.values():
                period.due = now
            self._run_if_needed()

    def _run_if_needed(self) -> None:
        if self._started and self._periods and self._thread is None:
            self._thread = threading.Thread(
                target=self._run, name="pcaspy scan", daemon=True
            )
            self._thread.start()

    def stop(self) -> None:
        """Ends the threads; does not wait for a read() that is running."""
        if not self._started:
            return
        with self._changed:
            self._started = False
            self._thread = None
            self._queue.clear()
            self._taken.clear()
            self._changed.notify_all()

    @property
    def threads(self) -> int:
        """How many threads scan at present."""
        with self._changed:
            return self._workers + (self._thread is not None)

    def forget_threads(self) -> None:
        """After fork() in the child, where they do not exist."""
        self._changed = threading.Condition()
        self._started = False
        self._thread = None
        self._workers = self._idle = 0
        self._queue.clear()
        self._taken.clear()

    def enqueue_due(self) -> float | None:
        """Queues all PVs that are due; when the next ones are, None for never.

        `_changed` is held.
        """
        now = self._clock()
        for period in self._periods.values():
            if period.due <= now:
                period.advance(now)
                for pv in period.members:
                    if pv not in self._taken:
                        self._taken.add(pv)
                        self._queue.append(pv)
        return min((period.due for period in self._periods.values()), default=None)

    def _run(self) -> None:
        me = threading.current_thread()
        seen = -1
        with self._changed:
            while self._thread is me:
                due = self.enqueue_due()
                wait = None if due is None else max(due - self._clock(), 0.0)
                if self._queue:
                    if self._done == seen or not self._workers:
                        self._more_workers()
                    seen = self._done
                    wait = _PATIENCE if wait is None else min(wait, _PATIENCE)
                self._changed.wait(wait)

    def _more_workers(self) -> None:
        if self._idle:
            self._changed.notify_all()
        elif self._workers < MAX_WORKERS:
            self._workers += 1
            threading.Thread(
                target=self._work, name="pcaspy scan read", daemon=True
            ).start()

    def _work(self) -> None:
        with self._changed:
            owner = self._thread
            while self._thread is owner and owner is not None:
                if not self._queue:
                    self._idle += 1
                    self._changed.wait()
                    self._idle -= 1
                    continue
                pv = self._queue.popleft()
                self._changed.release()
                goes_on = False
                try:
                    goes_on = self._scan(pv, owner)
                except Exception:
                    _log.exception("PV %s: scan failed", getattr(pv, "name", pv))
                finally:
                    self._changed.acquire()
                    self._done += 1
                    if self._thread is owner and not goes_on:
                        self._taken.discard(pv)
            self._workers -= 1

    def _scan(self, pv: Any, owner: threading.Thread) -> bool:
        """Reads `pv`. True: a coroutine does it, and `_taken` has the PV until then."""
        if self._coroutines.serves:
            later = Later(_scan_in_loop(pv), _nothing)
        else:
            through = self.through
            later = pv.scan() if through is None else through(pv, pv.scan)
            if not isinstance(later, Later):
                return False

        def ended(result: Any, error: BaseException | None) -> None:
            try:
                later.ended(result, error)
            finally:
                with self._changed:
                    if self._thread is owner:
                        self._taken.discard(pv)

        try:
            about = About("scan", pv)
            self._coroutines.run(None, later.coroutine, ended, about)
        except RuntimeError as error:  # the program's event loop is closed
            later.ended(None, error)
            return False
        return True


async def _scan_in_loop(pv: Any) -> None:
    try:
        later = pv.scan()
    except Exception:
        _log.exception("PV %s: scan failed", getattr(pv, "name", pv))
    else:
        if isinstance(later, Later):
            await later.run()


def _nothing(_result: Any, _error: BaseException | None) -> None:
    pass
