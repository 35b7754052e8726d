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
