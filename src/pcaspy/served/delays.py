"""Alarms that come by time: limits that are exceeded for as long as `alarm_delay`."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time

TYPE_CHECKING = False  # typing takes long to import
if TYPE_CHECKING:
    from typing import Any

_log = logging.getLogger("pcaspy.SimpleServer")


class Delays:
    """Calls ``data.look_again()`` when it is due, from `start()` to `stop()`.

    The thread for that begins with the first alarm that waits.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()  # guards all below
        self._numbers = itertools.count()
        self._due: list[tuple[float, int, Any]] = []  # a heap; of equal ones the first
        self._started = False
        self._thread: threading.Thread | None = None

    def add(self, data: Any, due: float) -> None:
        """Looks at `data` again then, in seconds of time.monotonic(). Any thread."""
        with self._changed:
            heapq.heappush(self._due, (due, next(self._numbers), data))
            self._run_if_needed()
            self._changed.notify_all()

    def start(self) -> None:
        """Begins; what is due already is looked at now."""
        with self._changed:
            self._started = True
            self._run_if_needed()

    def stop(self) -> None:
        """Ends the thread. What waits continues to wait."""
        with self._changed:
            self._started = False
            self._thread = None
            self._changed.notify_all()

    def forget_threads(self) -> None:
        """After fork() in the child, where the thread does not exist."""
        self._changed = threading.Condition()
        self._started = False
        self._thread = None

    def _run_if_needed(self) -> None:
        if self._started and self._due and self._thread is None:
            self._thread = threading.Thread(
                target=self._run, name="pcaspy alarm delay", daemon=True
            )
            self._thread.start()

    def _run(self) -> None:
        me = threading.current_thread()
        while (data := self._next(me)) is not None:
            try:
                data.look_again()
            except Exception:
                _log.exception("an alarm that was delayed cannot be raised")

    def _next(self, me: threading.Thread) -> Any:
        """The next one, when it is due; None at the end."""
        with self._changed:
            while self._thread is me:
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._due)[2]
                self._changed.wait(wait)
        return None
