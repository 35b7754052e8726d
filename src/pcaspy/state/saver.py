"""The thread that saves."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable
from typing import Protocol

_log = logging.getLogger("pcaspy.state")
_PATIENCE = 30.0  # seconds that the end waits for a disk


class Saves(Protocol):
    """What it calls, in its thread."""

    def periods(self) -> list[float]:
        """How often there is something to be looked at, in seconds."""
        ...

    def save(self, periods: Iterable[float]) -> None:
        """Looks at what is due."""

    def release(self) -> None:
        """Nothing is saved any more."""


class Saver:
    """Calls ``save`` with each period, and with all of them at the end."""

    def __init__(self, keeper: Saves) -> None:
        self._keeper = keeper
        self._wake = threading.Event()
        self._ending = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begins; one that a disk has kept from ending continues."""
        self._ending = False
        self._wake.clear()
        if self._thread is not None and self._thread.is_alive():
            return
        # The end of the interpreter must not wait for a disk; end() does, for a while.
        self._thread = threading.Thread(
            target=self._run, name="pcaspy state", daemon=True
        )
        self._thread.start()

    def look_again(self) -> None:
        """The periods have changed."""
        self._wake.set()

    def end(self) -> None:
        """Saves and ends, or waits no longer. Without a start it only saves."""
        thread = self._thread
        if thread is None:
            self._end()
            return
        self._ending = True
        self._wake.set()
        if thread is threading.current_thread():  # a server that is found to be garbage
            return
        thread.join(_PATIENCE)
        if thread.is_alive():
            _log.error("values are still being saved after %g seconds", _PATIENCE)
        else:
            self._thread = None

    def _run(self) -> None:
        next_look: dict[float, float] = {}
        while not self._ending:
            now = time.monotonic()
            periods = self._keeper.periods()
            next_look = {p: next_look.get(p, now + p) for p in periods}
            due = [period for period, at in next_look.items() if at <= now]
            if due:
                self._save(due)
                now = time.monotonic()
                next_look.update((period, now + period) for period in due)
            first = min(next_look.values(), default=None)
            # Nothing may be looked at while it changes: it is cleared before periods().
            if self._wake.wait(None if first is None else max(first - now, 0)):
                self._wake.clear()
        self._end()

    def _end(self) -> None:
        self._save(self._keeper.periods())
        self._keeper.release()

    def _save(self, periods: Iterable[float]) -> None:
        try:
            self._keeper.save(periods)
        except Exception:
            _log.exception("values are not saved")
