"""PVs of the low-level layer, and who asks for their values."""

from __future__ import annotations

import contextvars
import threading
from collections import deque
from typing import Any

from . import _engine, casdef
from ._engine import Fields, InfoBase, PvHandle, Request
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
_LIMITS = {
    "hilim": "getHighLimit",
    "lolim": "getLowLimit",
    "hihi": "getHighAlarmLimit",
    "high": "getHighWarnLimit",
    "low": "getLowWarnLimit",
    "lolo": "getLowAlarmLimit",
}


class casClientInfo:
    """Who asks: what `context` arguments hold.

    `user` and `host` are what the client says of itself, `address` is that of its
    socket, ``a.b.c.d:port``.
    """

    __slots__ = ("address", "ctx", "host", "user")

    def __init__(
        self, user: str = "", host: str = "", ctx: Any = None, address: str = ""
    ) -> None:
        self.user = user
        self.host = host
        self.ctx = ctx
        self.address = address

    def __repr__(self) -> str:
        return f"casClientInfo({self.user!r}, {self.host!r}, address={self.address!r})"


def client_of(request: Request) -> casClientInfo:
    """Who made a request."""
    user, host, address = request.client
    return casClientInfo(user, host, request, address)


# Set in the tasks of coroutines that carry out a put.
client_of_task: contextvars.ContextVar[Request | None] = contextvars.ContextVar(
    "client_of_task", default=None
)


def current_client() -> casClientInfo | None:
    """Who the present `read` or `write` is for; None outside of both.

    Also None in the reads of a PV with `scan`, which are for nobody.
    """
    client = _engine.current_client()
    if client is None:
        request = client_of_task.get()
        if request is None:
            return None
        client = request.client
    user, host, address = client
    return casClientInfo(user, host, None, address)


class caNetAddr:
    """The address of a client."""

    __slots__ = ("_text",)

    def __init__(self, text: str = "") -> None:
        self._text = text

    def stringConvert(self, size: int = 128) -> str:
        """The address as text, ``a.b.c.d:port``, of at most `size` characters."""
        return self._text[:size]

    __str__ = stringConvert


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
            retry = self._retry
        if done is not None and status is not None:
            good = status == S_casApp_success
            done.complete(_engine.NORMAL if good else _engine.PUTFAIL)
        for request in waiting:
            retry(request)
        return done


class casPV(PvHandle):
    """A PV that does everything itself. Subclasses override what they can do."""

    __slots__ = ("_group", "_writes")
    _group: str
    _writes: AsyncWrites

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
        return self.name if isinstance(self.name, str) else ""

    def setAccessSecurityGroup(self, name: str) -> None:
        """Sets the group of access security whose rules hold for it."""
        self._group = str(name)
        if self.opened:
            self.set_access_group(self._group)

    # ---- values, by way of a gdd; each returns an S_casApp status ----

    def read(self, context: Any, value: gdd) -> int | None:
        """Puts the present value, alarm and time into `value`."""
        return self.getValue(value)

    def getValue(self, value: gdd) -> int | None:
        """Puts the present value, alarm and time into `value`."""
        return S_casApp_noSupport

    def write(self, context: Any, value: gdd) -> int | None:
        """Takes the value of a put without callback.

        With S_casApp_postponeAsyncIO it is called again when the asynchronous write in
        progress has ended.
        """
        return S_casApp_noSupport

    def writeNotify(self, context: Any, value: gdd) -> int | None:
        """Takes the value of a put with callback.

        S_casApp_asyncCompletion: `startAsyncWrite` was called, `endAsyncWrite` will be.
        """
        return self.write(context, value)

    def getPrecision(self, value: gdd) -> int | None:
        """Puts the decimals to show into `value`."""
        return S_casApp_noSupport

    def getUnits(self, value: gdd) -> int | None:
        """Puts the engineering unit into `value`."""
        return S_casApp_noSupport

    def getEnums(self, value: gdd) -> int | None:
        """Puts the labels of the states into `value`."""
        return S_casApp_noSupport

    def getHighLimit(self, value: gdd) -> int | None:
        """Puts the upper display limit into `value`."""
        return S_casApp_noSupport

    def getLowLimit(self, value: gdd) -> int | None:
        """Puts the lower display limit into `value`."""
        return S_casApp_noSupport

    def getHighAlarmLimit(self, value: gdd) -> int | None:
        """Puts the upper alarm limit into `value`."""
        return S_casApp_noSupport

    def getLowAlarmLimit(self, value: gdd) -> int | None:
        """Puts the lower alarm limit into `value`."""
        return S_casApp_noSupport

    def getHighWarnLimit(self, value: gdd) -> int | None:
        """Puts the upper warning limit into `value`."""
        return S_casApp_noSupport

    def getLowWarnLimit(self, value: gdd) -> int | None:
        """Puts the lower warning limit into `value`."""
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
        """Not called: Python frees a PV when nobody refers to it."""

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
            TypeError: `value` is no gdd, or it does not fit this PV.
            ValueError: It does not fit this PV.
        """
        if not isinstance(value, gdd):
            raise TypeError(f"postEvent wants a gdd, not {type(value).__name__}")
        if not self.opened:
            return
        if mask & casdef.DBE_PROPERTY:
            self.describe()
        self.post_value(
            value.get(), value.getStat(), value.getSevr(), value.getTimeStamp(), mask
        )

    def startAsyncWrite(self, context: Any) -> None:
        """Called in `write` or `writeNotify`: the put ends with `endAsyncWrite`.

        Raises:
            RuntimeError: An asynchronous write is in progress.
            TypeError: `context` is not what `write` was given.
        """
        request = getattr(context, "ctx", context)
        if not isinstance(request, Request):
            raise TypeError("startAsyncWrite wants the context of write()")
        self.writes().start(request)

    def endAsyncWrite(self, status: int) -> None:
        """Answers the put that is in progress; without one it does nothing.

        Any thread.
        """
        self.writes().end(status)

    def hasAsyncWrite(self) -> bool:
        """Whether an asynchronous write is in progress."""
        return self.writes().current is not None

    # ---- for the server ----

    def writes(self) -> AsyncWrites:
        """The asynchronous writes of this PV."""
        try:
            return self._writes
        except AttributeError:
            self._writes = AsyncWrites()
            return self._writes

    def prepare(self, fullname: str) -> None:
        """Makes it ready for a channel under that name.

        Raises:
            ValueError: The methods say something that is not possible.
        """
        if not isinstance(self.name, str):
            self.name = self.getName() or fullname
        self.describe()
        if not self.opened or not self.fits:
            self.open()
            self.set_wants_interest(True)
            self.set_access_group(getattr(self, "_group", ""))

    def describe(self) -> None:
        """Asks the methods for type, size and what goes with the value."""
        kind = int(self.bestExternalType())
        if kind not in _NATIVE:
            raise ValueError(f"bestExternalType() of {self.name!r} is {kind}")
        count = int(self.maxBound(0)) if self.maxDimension() else 1
        if not 1 <= count <= 1 << 27:
            raise ValueError(f"maxBound(0) of {self.name!r} is {count}")
        values = {
            "type": _NATIVE[kind],
            "count": count,
            "prec": self._ask("getPrecision", None),
            "unit": self._ask("getUnits", ""),
            "enums": self._ask("getEnums", ()) if kind == aitEnumEnum16 else (),
            **{key: self._ask(name, 0.0) for key, name in _LIMITS.items()},
        }
        given = frozenset() if values["prec"] is None else frozenset(["prec"])
        values["prec"] = min(max(int(values["prec"] or 0), 0), 32767)
        values["unit"] = str(values["unit"])
        values["enums"] = tuple(
            label[: casdef.MAX_ENUM_STRING_SIZE - 1]
            for label in values["enums"][: casdef.MAX_ENUM_STATES]
        )
        values.update(asg="", mdel=0.0, adel=0.0, scan=0, asyn=False, states=())
        if self.info is None:
            self.info = InfoBase()
        elif self.info.fields.values == values:
            return
        self.info.fields = Fields(values, given)

    def _ask(self, method: str, default: Any) -> Any:
        """What a method puts into a gdd, or `default` if it does not support that."""
        value = gdd()
        status = getattr(self, method)(value)
        if status not in (None, S_casApp_success) or not value.primitiveType():
            return default
        return value.get()


PV = casPV


class casChannel:
    """A client's attachment to a PV. Access security decides about its rights."""

    def __init__(
        self, ctx: Any = None, pv: casPV | None = None, user: str = "", host: str = ""
    ) -> None:
        self.pv = pv
        self.setOwner(user, host)

    def setOwner(self, user: str, host: str) -> None:
        """Sets who the client is."""
        self.user = user
        self.host = host

    def readAccess(self) -> bool:
        """True."""
        return True

    def writeAccess(self) -> bool:
        """True."""
        return True

    def confirmationRequested(self) -> bool:
        """False: clients need not ask the operator."""
        return False
