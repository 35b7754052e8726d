"""PVs of the low-level layer."""

from __future__ import annotations

import threading
from collections import deque

from ..native._fields import MAX_COUNT, Fields, InfoBase
from ..native._handle import (
    PvHandle,
    access_group_of,
    info_of,
    is_given,
    is_open,
    name_of,
    open_pv,
    remember_access_group,
    reopen_pv,
    set_access_group,
    set_info,
    set_name,
    wants_interest,
    writes_of,
)
from ..native._links import post_value
from ..native._request import NORMAL, PUTFAIL, Request
from . import casdef
from .casdef import (
    S_casApp_noSupport,
    S_casApp_success,
    aitEnumEnum16,
    aitEnumFloat32,
    aitEnumFloat64,
    aitEnumInt16,
    aitEnumInt32,
    aitEnumString,
    aitEnumUint8,
)
from .lazy import gdds

TYPE_CHECKING = False  # typing takes long to import
if TYPE_CHECKING:
    from typing import Any

    from .gdd import gdd

# Which type of the wire stands for each type of a gdd.
_NATIVE = {
    0: aitEnumString,
    1: aitEnumUint8,
    2: aitEnumUint8,
    3: aitEnumInt16,
    4: aitEnumInt32,
    5: aitEnumEnum16,
    6: aitEnumInt32,
    7: aitEnumFloat64,
    8: aitEnumFloat32,
    9: aitEnumFloat64,
    10: aitEnumString,
    11: aitEnumString,
}
_EVENTS = casdef.DBE_VALUE | casdef.DBE_LOG | casdef.DBE_ALARM | casdef.DBE_PROPERTY
# What the methods are given to fill: its type, and how many elements it has.
_ASKED = {
    "getPrecision": (aitEnumInt16, None),
    "getUnits": (aitEnumString, None),
    "getEnums": (0, 0),
}
_LIMITS = {
    "hilim": "getHighLimit",
    "lolim": "getLowLimit",
    "hihi": "getHighAlarmLimit",
    "high": "getHighWarnLimit",
    "low": "getLowWarnLimit",
    "lolo": "getLowAlarmLimit",
}


class AsyncWrites:
    """The asynchronous write that a PV is busy with, and the puts behind it.

    Any thread may use it.
    """

    __slots__ = ("_lock", "_postponed", "_retry", "current")

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards all below
        self.current: Request | None = None
        self._postponed: deque[Request] = deque()
        self._retry: Any = None

    def start(self, request: Request) -> None:
        """Makes `request` the one that `end` will answer."""
        with self._lock:
            if self.current is not None:
                raise RuntimeError("an asynchronous write is in progress already")
            self.current = request

    def postpone(self, request: Request, retry: Any) -> bool:
        """Keeps `request` until the write in progress ends; False if there is none.

        ``retry(request)`` is called then, by the thread that ends it.
        """
        with self._lock:
            if self.current is None:
                return False
            self._postponed.append(request)
            self._retry = retry
            return True

    def end(self, status: int | None) -> Request | None:
        """The write has ended; answers it unless `status` is None."""
        with self._lock:
            done, self.current = self.current, None
            waiting, self._postponed = self._postponed, deque()
            retry, self._retry = self._retry, None
        if done is not None and status is not None:
            good = status == S_casApp_success
            done.complete(NORMAL if good else PUTFAIL)
        for request in waiting:
            retry(request)
        return done


class casPV(PvHandle):
    """A PV that does everything itself. Subclasses override what they can do.

    It has no attributes: all names except those of these methods are free.
    """

    __slots__ = ()  # PvHandle has room for those of programs

    def __init__(self) -> None:
        """Nothing to do yet: it is made ready when a client asks for it."""

    # ---- what it is ----

    def bestExternalType(self) -> int:
        """The type of an element, aitEnum..."""
        return aitEnumString

    def maxDimension(self) -> int:
        """0 for a scalar, 1 for an array."""
        return 0

    def maxBound(self, dimension: int) -> int:
        """Largest number of elements of an array."""
        return 1

    def getName(self) -> str:
        """The full name."""
        return name_of(self) or ""

    def setAccessSecurityGroup(self, name: str) -> None:
        """Sets the group of access security whose rules hold for it."""
        remember_access_group(self, str(name))
        if is_open(self):
            set_access_group(self, str(name))

    # ---- values, by way of a gdd; each returns an S_casApp status ----

    def read(self, ctx: Any, protoIn: gdd) -> int | None:
        """Puts the present value, alarm and time into `protoIn`."""
        return self.getValue(protoIn)

    def getValue(self, value: gdd) -> int | None:
        """Puts the present value, alarm and time into `value`."""
        return S_casApp_noSupport

    def write(self, client: Any, value: gdd) -> int | None:
        """Takes the value of a put without callback.

        With S_casApp_postponeAsyncIO it is called again when the asynchronous write in
        progress has ended.
        """
        return S_casApp_noSupport

    def writeNotify(self, client: Any, value: gdd) -> int | None:
        """Takes the value of a put with callback.

        S_casApp_asyncCompletion: `startAsyncWrite` was called, `endAsyncWrite` will be.
        """
        return self.write(client, value)

    def getPrecision(self, prec: gdd) -> int | None:
        """Puts the decimals to show into `prec`."""
        return S_casApp_noSupport

    def getUnits(self, units: gdd) -> int | None:
        """Puts the engineering unit into `units`."""
        return S_casApp_noSupport

    def getEnums(self, enums: gdd) -> int | None:
        """Puts the labels of the states into `enums`."""
        return S_casApp_noSupport

    def getHighLimit(self, hilim: gdd) -> int | None:
        """Puts the upper display limit into `hilim`."""
        return S_casApp_noSupport

    def getLowLimit(self, lolim: gdd) -> int | None:
        """Puts the lower display limit into `lolim`."""
        return S_casApp_noSupport

    def getHighAlarmLimit(self, hilim: gdd) -> int | None:
        """Puts the upper alarm limit into `hilim`."""
        return S_casApp_noSupport

    def getLowAlarmLimit(self, lolim: gdd) -> int | None:
        """Puts the lower alarm limit into `lolim`."""
        return S_casApp_noSupport

    def getHighWarnLimit(self, hilim: gdd) -> int | None:
        """Puts the upper warning limit into `hilim`."""
        return S_casApp_noSupport

    def getLowWarnLimit(self, lolim: gdd) -> int | None:
        """Puts the lower warning limit into `lolim`."""
        return S_casApp_noSupport

    # ---- what happens to it ----

    def interestRegister(self) -> int | None:
        """The first client subscribes."""
        return S_casApp_success

    def interestDelete(self) -> None:
        """The last subscription has ended."""

    def beginTransaction(self) -> int:
        """Not called; kept for programs that define or call it."""
        return S_casApp_success

    def endTransaction(self) -> None:
        """Not called; kept for programs that define or call it."""

    def destroy(self) -> None:
        """Not called: Python frees a PV when nothing refers to it."""

    def show(self, level: int = 0) -> None:
        """Prints what it is."""
        print(f"{type(self).__name__} {self.getName()!r}")

    def getCAS(self) -> None:
        """None: a PV does not know the servers that serve it."""

    # ---- what it can do ----

    def postEvent(self, mask: int, value: gdd) -> None:
        """Sends a value to the subscribers of `mask`, DBE_... bits. Any thread.

        Before the first client comes it does nothing.

        Raises:
            TypeError: `mask` is not a number, `value` not a gdd, or it does not fit.
            ValueError: It does not fit this PV.
        """
        if not isinstance(mask, int) or not isinstance(value, gdds().gdd):
            given = f"{type(mask).__name__} and {type(value).__name__}"
            raise TypeError(f"postEvent wants a mask and a gdd, not {given}")
        if not is_open(self):
            return
        if mask & casdef.DBE_PROPERTY:
            describe(self)
        post_value(self, *contents(self, value), mask & _EVENTS)

    def startAsyncWrite(self, ctx: Any) -> None:
        """Called in `write` or `writeNotify`: the put ends with `endAsyncWrite`.

        Raises:
            RuntimeError: An asynchronous write is in progress.
            TypeError: `ctx` is not what `write` was given.
            ValueError: Its put is answered already.
        """
        request = getattr(ctx, "ctx", ctx)
        if not isinstance(request, Request) or request.kind != "write":
            raise TypeError("startAsyncWrite wants the context of write()")
        async_writes(self).start(request)

    def endAsyncWrite(self, status: int) -> None:
        """Answers the put that is in progress; without one it does nothing.

        Any thread.
        """
        async_writes(self).end(status)

    def hasAsyncWrite(self) -> bool:
        """Whether an asynchronous write is in progress."""
        return async_writes(self).current is not None


PV = casPV


# ---- for the server ------------------------------------------------------------------


def async_writes(pv: PvHandle) -> AsyncWrites:
    """The asynchronous writes of a PV."""
    made: AsyncWrites = writes_of(pv, AsyncWrites)
    return made


def contents(pv: PvHandle, value: gdd) -> tuple[Any, int, int, Any]:
    """What a gdd says to the clients of a PV: value, alarm, severity and time."""
    as_text = info_of(pv).fields.values["type"] == aitEnumString
    values = gdds()
    when = values.stamp_of(value)
    return values.held_by(value, as_text), value.getStat(), value.getSevr(), when


def prepare(pv: casPV, fullname: str) -> None:
    """Makes a PV ready for a channel under that name.

    Raises:
        ValueError: Its methods say something that is not possible.
    """
    if is_given(pv):
        return
    if name_of(pv) is None:
        set_name(pv, fullname)
    describe(pv)
    if not is_open(pv):
        open_pv(pv, name_of(pv), info_of(pv))
    elif not reopen_pv(pv):
        return
    wants_interest(pv)
    set_access_group(pv, access_group_of(pv) or "")


def describe(pv: casPV) -> None:
    """Asks the methods of a PV for type, size and what goes with its value."""
    if is_given(pv):
        return
    kind = int(pv.bestExternalType())
    if kind not in _NATIVE:
        raise ValueError(f"bestExternalType() of {name_of(pv)!r} is {kind}")
    count = int(pv.maxBound(0)) if pv.maxDimension() else 1
    if not 1 <= count <= MAX_COUNT:
        raise ValueError(f"maxBound(0) of {name_of(pv)!r} is {count}")
    values = {
        "type": _NATIVE[kind],
        "count": count,
        "prec": _ask(pv, "getPrecision", None),
        "unit": _ask(pv, "getUnits", ""),
        "enums": _ask(pv, "getEnums", ()) if kind == aitEnumEnum16 else (),
        **{key: _ask(pv, name, 0.0) for key, name in _LIMITS.items()},
    }
    # A limit that no method gives is 0 for clients, as it always was.
    given = frozenset(_LIMITS if values["prec"] is None else [*_LIMITS, "prec"])
    values["prec"] = min(max(int(values["prec"] or 0), 0), 32767)
    values["unit"] = str(values["unit"])
    values["enums"] = tuple(
        label[: casdef.MAX_ENUM_STRING_SIZE - 1]
        for label in values["enums"][: casdef.MAX_ENUM_STATES]
    )
    values.update(
        asg="", mdel=0.0, adel=0.0, scan=0, asyn=False, states=(), readonly=False
    )
    values.update(desc="", form="Default", columns={}, labels=(), autosave=False)
    values.update(hhsv=2, hsv=1, lsv=1, llsv=2, hyst=0.0, alarm_delay=0.0)
    info = info_of(pv)
    if info is None:
        info = InfoBase()
    elif info.fields.values == values:
        return
    info.fields = Fields(values, given)
    set_info(pv, info)


def _ask(pv: casPV, method: str, default: Any) -> Any:
    """What a method puts into a gdd, or `default` if it does not support that."""
    prim, count = _ASKED.get(method, (aitEnumFloat64, None))
    value = gdds().empty(prim, count)
    status = getattr(pv, method)(value)
    if status not in (None, S_casApp_success) or not value.primitiveType():
        return default
    return value.get()
