"""Gives saved values back to drivers."""

from __future__ import annotations

import logging
import threading
from types import CoroutineType
from typing import Any

from ..native._handle import info_of, name_of
from ..native._time import epicsTimeStamp
from ..served.pv import refused
from .format import Entry, stamp_of
from .values import MisfitError, fitting, saved_value

_log = logging.getLogger("pcaspy.state")


class _Now(threading.local):
    """What a thread restores."""

    stamp: epicsTimeStamp | None = None


class Restorer:
    """Calls `restore` of drivers. Whatever that does, the other PVs are restored.

    Args:
        path: The file, for messages.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._now = _Now()

    @property
    def stamp(self) -> epicsTimeStamp | None:
        """When the value was set that this thread restores; None: it restores none."""
        return self._now.stamp

    def restore(self, driver: Any, reason: str, pv: Any, entry: Entry) -> None:
        """Gives a parameter the value that a line of the file has."""
        name, fields = name_of(pv), info_of(pv).fields
        try:
            stamp = epicsTimeStamp(*stamp_of(entry.get("time")))
            value = fitting(saved_value(entry), fields)
        except MisfitError as error:
            _log.warning("PV %s: the saved value is not restored: %s", name, error)
            return
        except Exception as error:  # anything may stand in a file
            _log.warning(
                "PV %s: what %s has of it makes no sense: %s", name, self._path, error
            )
            return
        self._now.stamp = stamp
        try:
            self._give(driver, reason, name, value)
        except Exception:
            _log.exception("PV %s: it was not restored", name)
        finally:
            self._now.stamp = None

    def _give(self, driver: Any, reason: str, name: str, value: Any) -> None:
        data = driver.pvDB[reason]
        restore = getattr(driver, "restore", None)
        if restore is None:  # a driver that is no pcaspy.Driver
            data.set(value, self._now.stamp)
            result = None
        else:
            result = restore(reason, value)
        if isinstance(result, CoroutineType):
            result.close()
            raise TypeError("restore() must not be async")
        if refused(result):
            _log.info("PV %s: restore() refused the saved value", name)
        data.post(True)
