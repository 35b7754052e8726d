"""Logs failures of user code: the first ones in full, then their number.

A client decides how often a driver fails. So only the first failures of one kind and
PV are logged in each period; the number of the others is logged at its end.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

FIRST = 10  # told in full
WHILE = 10.0  # seconds


def of_program(error: BaseException | None) -> BaseException | None:
    """`error` with a traceback that begins where the program's own code does.

    So a kept log record does not keep a request alive.
    """
    if error is None:
        return None
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        module = traceback.tb_frame.f_globals.get("__name__", "")
        if module.partition(".")[0] != __name__.partition(".")[0]:
            break
        traceback = traceback.tb_next
    return error.with_traceback(traceback)


class _Kind:
    """One kind of failure of one PV, since `begin`."""

    def __init__(self, begin: float) -> None:
        self.begin = begin
        self.told = 0
        self.more = 0
        self.last: tuple[logging.Logger, int, str] | None = None


class Failures:
    """Called by the thread that processes the server, and by that of the coroutines.

    Without a lock, which a fork could hold: if both log the same kind at the same time,
    a number may be off by one.

    Args:
        clock: Seconds, from any time on.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kinds: dict[tuple[str, str], _Kind] = {}
        self._next = 0.0

    def tell(
        self,
        log: logging.Logger,
        level: int,
        who: str,
        what: str,
        error: BaseException | None = None,
        about: object = "",
    ) -> None:
        """Logs "who: what about", with the traceback of `error`, or counts it.

        Args:
            log: Where to.
            level: As logging has them.
            who: The PV, or what else fails; with `what` it is the kind of failure.
            what: A fixed text: nothing in it that a client chooses.
            error: The exception that was raised.
            about: Added to those that are logged in full; converted to text then.
        """
        error = of_program(error)
        now = self._clock()
        kind = self._kinds.get((who, what))
        if kind is None or now - kind.begin >= WHILE:
            if kind is not None:
                self._tell_more(kind)
            kind = self._kinds[who, what] = _Kind(now)
        if kind.told < FIRST:
            kind.told += 1
            log.log(level, "%s: %s%s", who, what, str(about), exc_info=error)
        else:
            kind.more += 1
            kind.last = log, level, f"{who}: {what}"

    def turn(self) -> None:
        """Now and then: logs the numbers that are due."""
        now = self._clock()
        if now < self._next:
            return
        self._next = now + 1
        for key, kind in list(self._kinds.items()):
            if now - kind.begin >= WHILE:
                self._kinds.pop(key, None)
                self._tell_more(kind)

    def end(self) -> None:
        """Logs all numbers that are left."""
        for key, kind in list(self._kinds.items()):
            self._kinds.pop(key, None)
            self._tell_more(kind)

    def _tell_more(self, kind: _Kind) -> None:
        if kind.last is not None:
            log, level, text = kind.last
            log.log(level, "%s: ... and %d more like it", text, kind.more)
