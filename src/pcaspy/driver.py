"""Drivers: the parameters of a program and its reactions to gets and puts."""

from __future__ import annotations

import functools
import logging
import operator
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from logging import NullHandler

from . import cas
from .alarm import Alarm, Severity
from .cas import current_client
from .native._data import Data, post_changed, set_and_post
from .native._handle import end_put, info_of
from .native._time import epicsTimeStamp
from .served.manager import Manager, manager
from .served.pv import SimplePV
from .served.pvdb import PVInfo
from .served.pvdb_fields import AIT_OF_TYPE
from .served.registry import incomplete, last
from .served.tables import ParamTable
from .server import SimpleServer

TYPE_CHECKING = False  # typing takes long to import
if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "Alarm",
    "Data",
    "Driver",
    "DriverBase",
    "DriverType",
    "Iterable",
    "Manager",
    "NullHandler",
    "PVInfo",
    "Severity",
    "SimplePV",
    "SimpleServer",
    "cas",
    "current_client",
    "logging",
    "manager",
    "operator",
    "registerDriver",
    "sys",
    "threading",
    "time",
]

_set_log = logging.getLogger("pcaspy.Driver.setParam")

_ait_d = AIT_OF_TYPE
# The DBR_CTRL types of ait types
_dbr_d = {
    cas.aitEnumUint8: 32,
    cas.aitEnumInt16: 29,
    cas.aitEnumInt32: 33,
    cas.aitEnumFloat64: 34,
}
_INFO_KEYS = (
    "states",
    "prec",
    "unit",
    "lolim",
    "hilim",
    "hihi",
    "lolo",
    "high",
    "low",
    "scan",
    "asyn",
    "adel",
    "mdel",
    "asg",
    "port",
    "enums",
    "count",
    "type",
    "value",
)


def _register(driver: Any, port: str) -> None:
    """Lets `driver` answer for the PVs of `port`, or notes that it may when it can."""
    table = driver.__dict__.get("pvDB")
    if table is None:
        driver.__dict__[_WAITS] = port
        last().incomplete.add(driver)
    else:  # a dict of the program's own belongs to the server made last
        held = table.registry if isinstance(table, ParamTable) else last()
        held.driver[port] = driver


# Of a driver that was made without Driver.__init__: the port to register it for.
_WAITS = "_port_to_register"


def registerDriver(driver_init_func: Callable[..., None]) -> Callable[..., None]:
    """Makes an ``__init__`` register its driver when it is done."""

    @functools.wraps(driver_init_func)
    def wrapped(self: Any, *args: Any, **kargs: Any) -> None:
        port = self.port
        driver_init_func(self, *args, **kargs)
        _register(self, port)

    return wrapped


class DriverType(type):
    """Registers each driver for its port when the ``__init__`` of its class is done.

    Of several classes that derive from each other, the first one's counts: the others
    may use what is registered. A driver that calls ``Driver.__init__`` only later is
    registered then.
    """

    def __init__(cls, name: str, bases: tuple[type, ...], dct: dict[str, Any]) -> None:
        super().__init__(name, bases, dct)
        drivers = [kind for kind in cls.__mro__ if isinstance(kind, DriverType)]
        if len(drivers) > 2:  # neither DriverBase nor Driver
            cls.__init__ = registerDriver(cls.__init__)  # type: ignore[misc]

    def __call__(cls, *args: Any, **kargs: Any) -> Any:
        driver = super().__call__(*args, **kargs)
        if cls is Driver:
            _register(driver, driver.port)
        table = getattr(driver, "pvDB", None)
        if isinstance(table, ParamTable) and table.registry.keeper is not None:
            table.registry.keeper.came(driver, list(table))
        return driver


class _Missing:
    """Says why there is no pvDB; what an instance has goes before it."""

    def __get__(self, driver: Any, kind: type) -> Any:
        if driver is None:
            return self
        raise AttributeError(incomplete(driver))


class DriverBase(metaclass=DriverType):
    """What is common to all drivers."""

    def __init__(self, *args: Any, **kargs: Any) -> None:
        """Takes everything, for classes that have more than one base."""


class Driver(DriverBase):
    """Stores the values of the PVs of one port and handles gets and puts.

    Subclasses override `read` and `write`. `SimpleServer.process` calls both in its
    thread, except `read` of a PV with `scan`, which runs in a scan thread. Those that
    are ``async`` run in an event loop. You can call all other methods from any thread.
    In `read` and `write`, `current_client` returns
    the client.

    Args:
        server: The server whose PVs it handles, by default the one created last.
    """

    port = "default"
    if TYPE_CHECKING:
        pvDB: ParamTable
    else:
        pvDB = _Missing()

    def __init__(self, server: SimpleServer | None = None) -> None:
        held = last() if server is None else server._pcaspy  # noqa: SLF001
        self.pvDB = ParamTable(held, self.port)
        port = vars(self).pop(_WAITS, None)
        if port is not None:
            _register(self, port)

    def __repr__(self) -> str:
        """Its class, its port, and how many parameters it has."""
        count = len(vars(self).get("pvDB", ()))
        what = "1 parameter" if count == 1 else f"{count} parameters"
        return f"<{type(self).__name__} of port {self.port!r}, {what}>"

    # ---- for subclasses to override ----

    def read(self, reason: str) -> Any:
        """Returns the value of a parameter for a get.

        The default returns the value from `setParam`. None makes the get fail. If a
        driver does not override `read`, the server answers gets without Python. Can be
        ``async``, also for PVs with `scan`: a slow one delays its own PV only.

        Example::

            class Clock(Driver):
                def read(self, reason):
                    if reason == "TIME":
                        return time.time()
                    return self.getParam(reason)
        """
        return self.getParam(reason)

    def write(self, reason: str, value: Any) -> Any:
        """Handles a put.

        The default calls `setParam`. Can be ``async``: a put with callback then
        completes when the coroutine ends. If it has a parameter `client`, or a third
        one without a default, it gets what `current_client` returns.

        Returns:
            False to refuse the put: the client gets an error, and the PV goes into a
            WRITE, INVALID alarm.

        Example::

            class Positive(Driver):
                def write(self, reason, value):
                    if value <= 0:
                        return False
                    self.setParam(reason, value)
                    return True
        """
        self.setParam(reason, value)
        return True

    def restore(self, reason: str, value: Any) -> Any:
        """Takes the value that a PV with `autosave` had before a restart.

        The server calls it before it serves the PV, in the thread that starts the
        server or makes the PV or the driver. The default calls `setParam`, with the
        time at which the value was set, and does not call `write`. A number of an enum
        is that which its label has now. An exception is logged, and the PV keeps the
        value that it was made with.

        Returns:
            False to refuse the value. The PV then keeps its own.

        Example::

            class Heater(Driver):
                def restore(self, reason, value):
                    if reason == "SETPOINT":
                        value = min(value, 80.0)
                    return super().restore(reason, value)
        """
        keeper = self.pvDB.registry.keeper
        stamp = None if keeper is None else keeper.stamp
        if stamp is None or type(self).setParam is not Driver.setParam:
            self.setParam(reason, value)
        else:
            self.setParam(reason, value, stamp)
        return True

    # ---- parameters ----

    def setParam(
        self, reason: str, value: Any, timestamp: epicsTimeStamp | None = None
    ) -> None:
        """Sets value, alarm and time stamp.

        Call `updatePV` or `updatePVs` to send them to clients. Lists and arrays are
        copied.

        Raises:
            KeyError: The parameter does not exist.
            TypeError, ValueError: The value does not fit; nothing is changed.

        Example::

            driver.setParam("TEMP", 21.5)
            driver.updatePVs()
        """
        self.pvDB[reason].set(value, timestamp)

    def setParams(
        self, values: Mapping[str, Any], timestamp: epicsTimeStamp | None = None
    ) -> None:
        """Sets many parameters with the same time stamp and sends them to clients.

        Raises:
            KeyError, TypeError, ValueError: As `setParam`; earlier parameters are set.

        Example::

            driver.setParams({"HIGH": 24.0, "LOW": 18.5})
        """
        when = epicsTimeStamp() if timestamp is None else timestamp
        set_and_post(self.pvDB, values, when)

    def setParamStatus(
        self,
        reason: str,
        alarm: int | None = None,
        severity: int | None = None,
        message: str = "",
    ) -> None:
        """Sets alarm and severity. None keeps the old one. The time does not change.

        Clients of PVAccess get `message` in place of the alarm's name, until the alarm
        is another one or this is called again. Channel Access has no messages.

        Raises:
            TypeError: They are not integers, or the message is no str.

        Example::

            driver.setParamStatus(
                "TEMP", Alarm.COMM_ALARM, Severity.INVALID_ALARM, "no answer for 10 s"
            )
            driver.updatePVs()
        """
        data = self.pvDB[reason]
        if not isinstance(message, str):
            raise TypeError(f"PV {reason!r}: message is {message!r}, allowed is a str")
        try:
            data.set_status(alarm, severity, message)
        except TypeError:
            raise TypeError(
                f"PV {reason!r}: alarm is {alarm!r} and severity {severity!r}, allowed"
                " are Alarm.HIGH_ALARM, Severity.MINOR_ALARM and so on, or None"
            ) from None

    def setParamEnums(
        self, reason: str, enums: Sequence[str], states: Sequence[int] | None = None
    ) -> None:
        """Sets the labels of an enum and their severities.

        The alarm does not change until the next value.

        Raises:
            ValueError: The numbers of states and enums differ.

        Example::

            states = [Severity.NO_ALARM, Severity.NO_ALARM, Severity.MAJOR_ALARM]
            driver.setParamEnums("MODE", ["off", "on", "fault"], states)
        """
        if states is None:
            states = [Severity.NO_ALARM] * len(enums)
        if len(states) != len(enums):
            raise ValueError(
                f"PV {reason!r}: there are {len(enums)} enums and {len(states)} states,"
                " allowed is one state for each of the enums"
            )
        info = info_of(self.pvDB[reason].handle)
        if list(info.enums) != list(enums) or list(info.states) != list(states):
            self._change(reason, {"enums": enums, "states": states}, alarm=False)

    def setParamInfo(self, reason: str, info: Mapping[str, Any]) -> None:
        """Sets fields of the PV. Unknown fields are logged and have no effect.

        Raises:
            ValueError: A field has an invalid value; nothing is changed.

        Example::

            driver.setParamInfo("TEMP", {"hilim": 80, "high": 60, "unit": "C"})
        """
        self._change(reason, info)

    def _change(
        self, reason: str, changes: Mapping[str, Any], alarm: bool = True
    ) -> None:
        data = self.pvDB[reason]
        pv = data.handle
        info_of(pv).change(changes)
        self.pvDB.registry.changed_fields(pv)
        data.refresh(alarm)

    def getParam(self, reason: str) -> Any:
        """Returns the value as it was set.

        Example::

            driver.setParam("TEMP", 21.5)
            print(driver.getParam("TEMP"))
        """
        return self.pvDB[reason].value

    def getParamDB(self, reason: str) -> Data:
        """Returns value, alarm, time and pending changes.

        Example::

            data = driver.getParamDB("TEMP")
            print(data.value, data.severity, data.time)
        """
        data: Data = self.pvDB[reason]
        return data

    def getParamInfo(
        self, reason: str, info_keys: Iterable[str] | None = None
    ) -> dict[str, Any]:
        """Returns fields of the PV by name: all, or those of `info_keys` that exist.

        Example::

            print(driver.getParamInfo("TEMP", ["unit", "prec"]))
        """
        # Of the PV, which may have lost its parameter.
        pv = self.pvDB.registry.find(self.pvDB.port, reason)
        info = info_of(self.pvDB[reason].handle if pv is None else pv)
        if info_keys is None:
            info_keys = _INFO_KEYS
        return {key: getattr(info, key) for key in info_keys if hasattr(info, key)}

    # ---- telling clients ----

    def callbackPV(self, reason: str) -> None:
        """Completes the current put of an `asyn` PV.

        Raises:
            KeyError: The driver's port does not have this PV.

        Example::

            class Motor(Driver):
                def write(self, reason, value):
                    def move():
                        time.sleep(0.1)
                        self.setParam(reason, value)
                        self.updatePVs()
                        self.callbackPV(reason)

                    threading.Thread(target=move).start()
                    return True
        """
        registry, port = self.pvDB.registry, self.pvDB.port
        if reason not in registry.pvs.get(port, ()):
            self.pvDB.__missing__(reason)  # raises
        for pv in registry.named(port, reason):
            end_put(pv)

    def updatePVs(self) -> None:
        """Sends all changed parameters to clients, except those with `scan`.

        Example::

            driver.setParam("HIGH", 24.0)
            driver.setParam("LOW", 18.5)
            driver.updatePVs()
        """
        post_changed(self.pvDB.changed)

    def updatePV(self, reason: str) -> None:
        """Sends one parameter to clients if it has changed and has no `scan`.

        Example::

            driver.setParam("TEMP", 21.5)
            driver.updatePV("TEMP")
        """
        self.pvDB[reason].post()

    # ---- for the server: which ways of a request are the short ones ----

    def overrides_read(self) -> bool:
        """Whether gets have to ask `read`."""
        return getattr(self.read, "__func__", None) is not Driver.read

    def overrides_update(self) -> bool:
        """Whether a put has to call `updatePV`."""
        return getattr(self.updatePV, "__func__", None) is not Driver.updatePV

    def overrides_restore(self) -> bool:
        """Whether values are restored when its ``__init__`` is done, not before."""
        return getattr(self.restore, "__func__", None) is not Driver.restore
