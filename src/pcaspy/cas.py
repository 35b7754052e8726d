"""The low-level names of pcaspy: constants, time stamps and base classes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ._engine import PvHandle, epicsTimeStamp

__all__ = [
    "DBE_ALARM",
    "DBE_ARCHIVE",
    "DBE_LOG",
    "DBE_PROPERTY",
    "DBE_VALUE",
    "PV",
    "caNetAddr",
    "caServer",
    "casClientInfo",
    "casPV",
    "epicsTimeStamp",
    "gdd",
    "is_sequence",
    "process",
    "str2char",
]

# Event masks
DBE_VALUE = 1
DBE_ARCHIVE = 2
DBE_LOG = DBE_ARCHIVE
DBE_ALARM = 4
DBE_PROPERTY = 8

# What pvExistTest returns
pverExistsHere = 0
pverDoesNotExistHere = 1
pverAsyncCompletion = 2

# Statuses of an application
M_cas = 34275328
M_casApp = 34340864
S_casApp_success = 0
S_casApp_noMemory = M_casApp | 1
S_casApp_pvNotFound = M_casApp | 2
S_casApp_badPVId = M_casApp | 3
S_casApp_noSupport = M_casApp | 4
S_casApp_asyncCompletion = M_casApp | 5
S_casApp_badDimension = M_casApp | 6
S_casApp_canceledAsyncIO = M_casApp | 7
S_casApp_outOfBounds = M_casApp | 8
S_casApp_undefined = M_casApp | 9
S_casApp_postponeAsyncIO = M_casApp | 10

# Types of a value
aitEnumInvalid = 0
aitEnumInt8 = 1
aitEnumUint8 = 2
aitEnumInt16 = 3
aitEnumUint16 = 4
aitEnumEnum16 = 5
aitEnumInt32 = 6
aitEnumUint32 = 7
aitEnumFloat32 = 8
aitEnumFloat64 = 9
aitEnumFixedString = 10
aitEnumString = 11
aitEnumContainer = 12

# Statuses of the server library
S_cas_success = 0
S_cas_internal = M_cas | 1
S_cas_noMemory = M_cas | 2
S_cas_bindFail = M_cas | 3
S_cas_hugeRequest = M_cas | 4
S_cas_sendBlocked = M_cas | 5
S_cas_badElementCount = M_cas | 6
S_cas_noConvert = M_cas | 7
S_cas_badWriteType = M_cas | 8
S_cas_noContext = M_cas | 11
S_cas_disconnect = M_cas | 12
S_cas_recvBlocked = M_cas | 13
S_cas_badType = M_cas | 14
S_cas_timerDoesNotExist = M_cas | 15
S_cas_badEventType = M_cas | 16
S_cas_badResourceId = M_cas | 17
S_cas_chanCreateFailed = M_cas | 18
S_cas_noRead = M_cas | 19
S_cas_noWrite = M_cas | 20
S_cas_noEventsSelected = M_cas | 21
S_cas_noFD = M_cas | 22
S_cas_badProtocol = M_cas | 23
S_cas_redundantPost = M_cas | 24
S_cas_badPVName = M_cas | 25
S_cas_badParameter = M_cas | 26
S_cas_validRequest = M_cas | 27
S_cas_tooManyEvents = M_cas | 28
S_cas_noInterface = M_cas | 29
S_cas_badBounds = M_cas | 30
S_cas_pvAlreadyAttached = M_cas | 31
S_cas_badRequest = M_cas | 32
S_cas_invalidAsynchIO = M_cas | 33
S_cas_posponeWhenNonePending = M_cas | 34

MAX_ENUM_STATES = 16
MAX_ENUM_STRING_SIZE = 26
POSIX_TIME_AT_EPICS_EPOCH = 631152000
EPICS_HAS_WRITENOTIFY = 1

numerics = (bool, int, float)


class casClientInfo:
    """Who asks: what `context` arguments hold."""

    __slots__ = ("ctx", "host", "user")

    def __init__(self, user: str = "", host: str = "", ctx: Any = None) -> None:
        self.user = user
        self.host = host
        self.ctx = ctx


class caNetAddr:
    """The address of a client."""

    __slots__ = ("_text",)

    def __init__(self, text: str = "") -> None:
        self._text = text

    def stringConvert(self, size: int = 128) -> str:
        """The address as text, ``a.b.c.d:port``, of at most `size` characters."""
        return self._text[:size]

    __str__ = stringConvert


class gdd:
    """A value with its alarm and time, as methods of low-level PVs pass it around."""

    def __init__(self) -> None:
        self._value: Any = 0
        self._status = 0
        self._severity = 0
        self._time = epicsTimeStamp(0, 0)

    def get(self) -> Any:
        """The value."""
        return self._value

    def put(self, value: Any) -> None:
        """Sets the value."""
        self._value = value

    def setStatSevr(self, status: int, severity: int) -> None:
        """Sets alarm and severity."""
        self._status, self._severity = status, severity

    def getStat(self) -> int:
        """The alarm."""
        return self._status

    def getSevr(self) -> int:
        """The severity."""
        return self._severity

    def setTimeStamp(self, timestamp: epicsTimeStamp | None = None) -> None:
        """Sets the time, by default to now."""
        self._time = epicsTimeStamp() if timestamp is None else timestamp

    def getTimeStamp(self) -> epicsTimeStamp:
        """The time."""
        return self._time


class casPV(PvHandle):
    """Base of all PVs."""

    __slots__ = ()


PV = casPV


class caServer:
    """Base of all servers."""


def is_sequence(value: Any) -> bool:
    """True for everything that can be iterated over, text included."""
    return isinstance(value, Iterable)


def str2char(text: str) -> bytes:
    """The bytes of `text`, as a PV of type char holds them."""
    return text.encode("utf-8", "surrogateescape")


def process(delay: float) -> None:
    """Handles the requests of the server made last for `delay` seconds."""
    from .server import SimpleServer

    SimpleServer.process(delay)
