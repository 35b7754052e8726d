"""SimplePV: a PV that a driver serves."""

from __future__ import annotations

import functools
import logging
import weakref
from collections.abc import Callable
from types import CoroutineType

from ..lowlevel.casdef import (
    S_casApp_noSupport,
    S_casApp_success,
    S_casApp_undefined,
)
from ..lowlevel.pv import casPV
from ..native._handle import (
    driver_of,
    has_interest,
    info_of,
    name_of,
    open_pv,
    set_info,
    set_name,
)
from ..native._links import client_how, data_of
from . import put_client
from .coroutines import Later, was_cancelled
from .pvdb import PVInfo

TYPE_CHECKING = False  # typing takes long to import
if TYPE_CHECKING:
    from typing import Any

_write_log = logging.getLogger("pcaspy.SimplePV.writeValue")
_read_log = logging.getLogger("pcaspy.SimplePV.getValue")


class SimplePV(casPV):
    """A PV whose value is a parameter of the driver of its port.

    Args:
        name: The full name that clients use.
        info: The configuration of the PV.
    """

    __slots__ = ()

    def __init__(self, name: str, info: PVInfo) -> None:
        open_pv(self, name, info, given=True)

    def __repr__(self) -> str:
        """Its class and full name, and the port and reason that a driver knows."""
        info = info_of(self)
        if info is None:
            return f"<{type(self).__name__}>"
        what = f"{info.reason!r} of port {info.port!r}"
        return f"<{type(self).__name__} {name_of(self)!r}, {what}>"

    name = property(name_of, set_name, doc="The full name.")
    info = property(info_of, set_info, doc="The configuration of the PV.")

    @property
    def interest(self) -> bool:
        """True while a client is subscribed."""
        return bool(has_interest(self))

    @interest.setter
    def interest(self, _told: bool) -> None:
        """Programs that override `interestRegister` set it; it is known anyway."""

    def scan(self) -> Later | None:
        """Calls the driver's `read` and posts the value. Called by a scan thread.

        Returns:
            What is left to be done where `read` is ``async``.
        """
        driver, data, reason = driver_of(self), data_of(self), info_of(self).reason
        if driver is None or data is None:
            return None
        ended = functools.partial(self._scan_ended, driver, data, reason)
        try:
            value = driver.read(reason)
        except Exception as error:
            ended(None, error)
        else:
            if isinstance(value, CoroutineType):
                return Later(value, ended)
            ended(value, None)
        return None

    def _scan_ended(
        self,
        driver: Any,
        data: Any,
        reason: str,
        value: Any,
        error: BaseException | None,
    ) -> None:
        if was_cancelled(error) or data_of(self) is not data:  # the PV may be gone
            return
        try:
            if error is not None:
                raise error
            if value is None:
                raise ValueError("read() returned None")
            driver.setParam(reason, value)
        except BaseException:
            _read_log.exception("PV %s: scan failed", name_of(self))
            data.fail_read()
        else:
            data.post(True)

    def interestRegister(self) -> int:
        """The first client subscribes. Called by process() if it is overridden."""
        return S_casApp_success

    def interestDelete(self) -> None:
        """The last subscription ends. Called by process() if it is overridden."""

    def writeValue(self, client: Any, gddValue: Any) -> bool:
        """Gives the value of a put to the driver; False if that refused it."""
        return put_value(self, client, gddValue.get()) is not False

    def write(self, context: Any, value: Any) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        """A put without callback: an S_casApp status."""
        accepted = self.writeValue(context, value)
        return S_casApp_success if accepted else S_casApp_noSupport

    def writeNotify(self, context: Any, value: Any) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        """A put with callback: an S_casApp status."""
        return self.write(context, value)

    def updateValue(self, dbValue: Any) -> None:
        """Sends the value and its events to the subscribers."""
        dbValue.send()

    def getValue(self, value: Any) -> int:
        """Puts the present value into `value`, a gdd: an S_casApp status."""
        driver, data, info = driver_of(self), data_of(self), info_of(self)
        if driver is None or data is None:
            return S_casApp_undefined
        new = driver.read(info.reason) if info.scan == 0 else data.value
        if new is None:
            return S_casApp_undefined
        if isinstance(new, CoroutineType):
            new.close()
            raise TypeError(
                f"{type(self).__name__} overrides getValue or read and cannot await an"
                " async read of its driver"
            )
        value.put(new)
        value.setStatSevr(data.alarm, data.severity)
        value.setTimeStamp(data.time)
        return S_casApp_success

    def getName(self) -> str:
        """The full name."""
        return str(name_of(self))

    def bestExternalType(self) -> int:
        """The type of an element as an ait number."""
        return int(info_of(self).type)

    def maxDimension(self) -> int:
        """1 for arrays, else 0."""
        return 1 if info_of(self).count > 1 else 0

    def maxBound(self, dims: int) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Largest number of elements."""
        return int(info_of(self).count)

    def getPrecision(self, prec: Any) -> int:
        """Puts the decimals to show into a gdd."""
        return _put_field(self, prec, "prec")

    def getUnits(self, unit: Any) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Puts the engineering unit into a gdd."""
        return _put_field(self, unit, "unit")

    def getEnums(self, enums: Any) -> int:
        """Puts the labels of the states into a gdd."""
        return _put_field(self, enums, "enums")

    def getHighLimit(self, hilim: Any) -> int:
        """Puts the upper display limit into a gdd."""
        return _put_field(self, hilim, "hilim")

    def getLowLimit(self, lolim: Any) -> int:
        """Puts the lower display limit into a gdd."""
        return _put_field(self, lolim, "lolim")

    def getHighAlarmLimit(self, hilim: Any) -> int:
        """Puts the limit hihi into a gdd."""
        return _put_field(self, hilim, "hihi")

    def getLowAlarmLimit(self, lolim: Any) -> int:
        """Puts the limit lolo into a gdd."""
        return _put_field(self, lolim, "lolo")

    def getHighWarnLimit(self, hilim: Any) -> int:
        """Puts the limit high into a gdd."""
        return _put_field(self, hilim, "high")

    def getLowWarnLimit(self, lolim: Any) -> int:
        """Puts the limit low into a gdd."""
        return _put_field(self, lolim, "low")


def _put_field(pv: SimplePV, value: Any, field: str) -> int:
    value.put(getattr(info_of(pv), field))
    return S_casApp_success


def refused(result: Any) -> bool:
    """Only a plain False refuses: None, and write() without return, accept."""
    return type(result).__name__ in ("bool", "bool_") and not result


# What the log says of the ways that puts come by, but Channel Access.
_OVER = {"pva": " over PVAccess", "control": " by the control socket"}


def put_line(pv: SimplePV, client: Any, value: Any) -> Callable[[], None] | None:
    """Logs a put, once it is accepted; None where the log does not want it.

    Made before the put is carried out, for the old value.
    """
    if not _write_log.isEnabledFor(logging.INFO):
        return None
    return functools.partial(
        _write_log.info,
        "%s: %s %s old=%s new=%s%s",
        name_of(pv),
        client.host,
        client.user,
        driver_of(pv).getParam(info_of(pv).reason),
        value,
        _OVER.get(getattr(client, "protocol", "ca"), ""),
    )


def no_driver(pv: SimplePV) -> str:
    """Why requests of a PV without a driver fail, and what to do."""
    return f"there is no Driver for its port {info_of(pv).port!r}; make one"


def put_value(pv: SimplePV, client: Any, value: Any) -> Any:
    """Gives a value to the driver; what Driver.write returned, or False.

    A coroutine has not begun then; its runner logs the put.
    """
    info, driver = info_of(pv), driver_of(pv)
    if driver is None:
        _write_log.warning("PV %s: %s", name_of(pv), no_driver(pv))
        return False
    line = put_line(pv, client, value)
    result = put_client.write(driver, info.reason, value, client, client_how(pv))
    if (
        line is not None
        and not refused(result)
        and not isinstance(result, CoroutineType)
    ):
        line()
    return result


class Overrides:
    """Which methods a class of PVs overrides; these disable the short ways."""

    __slots__ = ("interest", "read", "update", "write")

    def __init__(self, kind: type) -> None:
        def any_of(*names: str) -> bool:
            return any(
                getattr(kind, name, None) is not getattr(SimplePV, name)
                for name in names
            )

        self.read = any_of("read", "getValue")
        self.write = any_of("write", "writeNotify", "writeValue")
        self.update = any_of("updateValue")
        self.interest = any_of("interestRegister", "interestDelete")


_known: weakref.WeakKeyDictionary[type, Overrides] = weakref.WeakKeyDictionary()


def overrides(kind: type) -> Overrides:
    """The overrides of a class of PVs."""
    known = _known.get(kind)
    if known is None:
        known = _known[kind] = Overrides(kind)
    return known
