"""SimplePV: a PV that a driver serves."""

from __future__ import annotations

import logging
import weakref
from typing import Any

from . import cas
from .pvdb import PVInfo

_write_log = logging.getLogger("pcaspy.SimplePV.writeValue")
_read_log = logging.getLogger("pcaspy.SimplePV.getValue")


class SimplePV(cas.PV):
    """A PV whose value is a parameter of the driver of its port.

    Args:
        name: The full name that clients use.
        info: What is configured of it.
    """

    __slots__ = ()

    def __init__(self, name: str, info: PVInfo) -> None:
        self.name = name
        self.info = info
        self.open()

    def prepare(self, fullname: str) -> None:
        """Nothing to do: it was made ready with its `info`."""

    def describe(self) -> None:
        """Nothing to do: all there is to know is in its `info`."""

    def scan(self) -> None:
        """Reads the driver once and posts what it gave. Called by a scan thread."""
        driver, data, reason = self.driver, self.data, self.info.reason
        if driver is None or data is None:
            return
        try:
            value = driver.read(reason)
            if value is None:
                raise ValueError("read() returned None")
            driver.setParam(reason, value)
        except Exception:
            _read_log.exception("PV %s: scan failed", self.name)
            data.fail_read()
        else:
            data.post(True)

    def interestRegister(self) -> int:
        """The first client subscribes. Called by process() if it is overridden."""
        return cas.S_casApp_success

    def interestDelete(self) -> None:
        """The last subscription ends. Called by process() if it is overridden."""

    def writeValue(self, client: Any, gddValue: Any) -> bool:
        """Gives the value of a put to the driver; False if that refused it."""
        return self.put(client, gddValue.get()) is not False

    def put(self, client: Any, value: Any) -> Any:
        """Gives a value to the driver; what Driver.write returned, or False."""
        reason = self.info.reason
        if self.driver is None:
            _write_log.warning(
                "%s: no driver is registered for port %s", self.name, self.info.port
            )
            return False
        if _write_log.isEnabledFor(logging.INFO):
            _write_log.info(
                "%s: %s %s old=%s new=%s",
                self.name,
                client.host,
                client.user,
                self.driver.getParam(reason),
                value,
            )
        return self.driver.write(reason, value)

    def write(self, context: Any, value: Any) -> int:
        """A put without callback: an S_casApp status."""
        accepted = self.writeValue(context, value)
        return cas.S_casApp_success if accepted else cas.S_casApp_noSupport

    def writeNotify(self, context: Any, value: Any) -> int:
        """A put with callback: an S_casApp status."""
        return self.write(context, value)

    def updateValue(self, dbValue: Any) -> None:
        """Sends the value and its events to the subscribers."""
        dbValue.send()

    def getValue(self, value: Any) -> int:
        """Puts the present value into `value`, a gdd: an S_casApp status."""
        driver, data = self.driver, self.data
        if driver is None or data is None:
            return cas.S_casApp_undefined
        new = driver.read(self.info.reason) if self.info.scan == 0 else data.value
        if new is None:
            return cas.S_casApp_undefined
        value.put(new)
        value.setStatSevr(data.alarm, data.severity)
        value.setTimeStamp(data.time)
        return cas.S_casApp_success

    def getName(self) -> str:
        """The full name."""
        return self.name

    def bestExternalType(self) -> int:
        """The type of an element as an ait number."""
        return int(self.info.type)

    def maxDimension(self) -> int:
        """1 for arrays, else 0."""
        return 1 if self.info.count > 1 else 0

    def maxBound(self, dims: int) -> int:
        """Largest number of elements."""
        return int(self.info.count)

    def _put_field(self, gddValue: Any, field: str) -> int:
        gddValue.put(getattr(self.info, field))
        return cas.S_casApp_success

    def getPrecision(self, prec: Any) -> int:
        """Puts the decimals to show into a gdd."""
        return self._put_field(prec, "prec")

    def getUnits(self, units: Any) -> int:
        """Puts the engineering unit into a gdd."""
        return self._put_field(units, "unit")

    def getEnums(self, enums: Any) -> int:
        """Puts the labels of the states into a gdd."""
        return self._put_field(enums, "enums")

    def getHighLimit(self, hilim: Any) -> int:
        """Puts the upper display limit into a gdd."""
        return self._put_field(hilim, "hilim")

    def getLowLimit(self, lolim: Any) -> int:
        """Puts the lower display limit into a gdd."""
        return self._put_field(lolim, "lolim")

    def getHighAlarmLimit(self, hilim: Any) -> int:
        """Puts the limit hihi into a gdd."""
        return self._put_field(hilim, "hihi")

    def getLowAlarmLimit(self, lolim: Any) -> int:
        """Puts the limit lolo into a gdd."""
        return self._put_field(lolim, "lolo")

    def getHighWarnLimit(self, hilim: Any) -> int:
        """Puts the limit high into a gdd."""
        return self._put_field(hilim, "high")

    def getLowWarnLimit(self, lolim: Any) -> int:
        """Puts the limit low into a gdd."""
        return self._put_field(lolim, "low")


class Overrides:
    """Which methods a class of PVs has of its own; these close the short ways."""

    __slots__ = ("interest", "read", "update", "write")

    def __init__(self, kind: type) -> None:
        def any_of(*names: str) -> bool:
            return any(
                getattr(kind, name, None) is not getattr(SimplePV, name)
                for name in names
            )

        self.read = any_of("read", "getValue")
        self.write = any_of("write", "writeNotify", "writeValue", "put")
        self.update = any_of("updateValue")
        self.interest = any_of("interestRegister", "interestDelete")


_known: weakref.WeakKeyDictionary[type, Overrides] = weakref.WeakKeyDictionary()


def overrides(kind: type) -> Overrides:
    """The overrides of a class of PVs."""
    known = _known.get(kind)
    if known is None:
        known = _known[kind] = Overrides(kind)
    return known
