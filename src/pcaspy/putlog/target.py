"""Where puts go: a logger, and what files and log servers have in common with it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from ..native._put_log import Put
from .line import text_line

LOG = logging.getLogger("pcaspy.putlog")


class Tally(Protocol):
    """Who counts what became of the puts."""

    def count_written(self, puts: int) -> None:
        """So many are where they belong."""

    def count_dropped(self, puts: int) -> None:
        """So many never get there."""


def puts_in(put: Put) -> int:
    """How many puts a record stands for."""
    return put.more + 1


class Target(Protocol):
    """One that takes puts. All of it is called by one thread, but `forget`."""

    def write(self, put: Put, lost: int) -> bool:
        """Takes a put, before which `lost` are missing.

        Returns:
            False if that is not written either: the next one repeats it.
        """
        ...

    def pump(self) -> float:
        """Continues with what waits; returns the seconds until the next call."""
        ...

    def close(self, seconds: float) -> None:
        """Ends, and may take so long for what waits."""

    def forget(self) -> None:
        """In the child of a fork: closes its copies of what is the parent's."""


class Trouble:
    """Logs once that something fails, and once that it works again."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._said = False

    def begins(self, error: object) -> None:
        """It has failed."""
        if not self._said:
            self._said = True
            LOG.error("%s: %s; puts are not logged meanwhile", self._what, error)

    def ends(self) -> None:
        """It works."""
        if self._said:
            self._said = False
            LOG.warning("%s: puts are logged again", self._what)


class ToLogging:
    """Gives each put to a logger or a handler, as a record of level INFO."""

    def __init__(self, to: logging.Logger | logging.Handler, tally: Tally) -> None:
        self._tally = tally
        self._trouble = Trouble("put log")
        self._name = to.name if isinstance(to, logging.Logger) else LOG.name
        self._wants: Callable[[], bool] = (
            (lambda: to.isEnabledFor(logging.INFO))
            if isinstance(to, logging.Logger)
            else (lambda: to.level <= logging.INFO)
        )
        self._to = to

    def write(self, put: Put, lost: int) -> bool:
        """Waits as long as the handlers do."""
        if not self._wants():
            return True
        record = logging.LogRecord(
            self._name, logging.INFO, "put log", 0, text_line(put, lost), None, None
        )
        record.created = put.time
        record.msecs = put.time % 1 * 1000
        record.put = put._asdict()
        try:
            self._to.handle(record)
        except Exception as error:
            self._trouble.begins(error)
            self._tally.count_dropped(puts_in(put))
            return False
        self._trouble.ends()
        self._tally.count_written(puts_in(put))
        return True

    def pump(self) -> float:
        """Nothing waits."""
        return 1.0

    def close(self, seconds: float) -> None:
        """The handlers are the program's."""

    def forget(self) -> None:
        """They are so in a child as well."""
