"""The result of a put, and the failure of any operation."""

from __future__ import annotations

import asyncio
import operator
from collections.abc import Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any

from aioca._epics import cadef, dbr
from aioca._search import few, where_searched

if TYPE_CHECKING:
    from typing import TypeGuard

# Without types for the type checkers.
_CAException: Any = cadef.CAException
_Disconnected: Any = cadef.Disconnected

ECA_NORMAL: int = cadef.ECA_NORMAL
ECA_TIMEOUT: int = cadef.ECA_TIMEOUT
ECA_BADCOUNT = 176
ECA_BADSTR = 186

# By the number of the message: the upper bits of a code. The lower three tell severity.
_NAMES = """
NORMAL MAXIOC UKNHOST UKNSERV SOCK CONN ALLOCMEM UKNCHAN UKNFIELD TOLARGE TIMEOUT
NOSUPPORT STRTOBIG DISCONNCHID BADTYPE CHIDNOTFND CHIDRETRY INTERNAL DBLCLFAIL GETFAIL
PUTFAIL ADDFAIL BADCOUNT BADSTR DISCONN DBLCHNL EVDISALLOW BUILDGET NEEDSFP OVEVFAIL
BADMONID NEWADDR NEWCONN NOCACTX DEFUNCT EMPTYSTR NOREPEATER NOCHANMSG DLCKREST
SERVBEHIND NOCAST BADMASK IODONE IOINPROGRESS BADSYNCGRP PUTCBINPROG NORDACCESS
NOWTACCESS ANACHRONISM NOSEARCHADDR NOCONVERT BADCHID BADFUNCPTR ISATTACHED
UNAVAILINSERV CHANDESTROY BADPRIORITY NOTTHREADED 16KARRAYCLIENT CONNSEQTMO UNRESPTMO
""".split()


def code_name(code: int) -> str:
    """The name of an ECA status code, for example ``ECA_TIMEOUT``."""
    number = code >> 3
    return f"ECA_{_NAMES[number]}" if 0 <= number < len(_NAMES) else f"ECA code {code}"


class _FirstArgument:
    """The name of one that was made without its attributes, as most results are."""

    def __get__(self, nothing: CANothing | None, owner: type) -> Any:
        return self if nothing is None else nothing.args[0]


class CANothing(Exception):
    """The result of an operation that returns no value.

    `caput` and `connect` return it on success. A failed call raises it, or with
    ``throw=False`` returns it in place of a value. It is true if the call succeeded.

    Attributes:
        name: Name of the PV, or ``"Multiple PVs"`` if a list of them timed out.
        ok: True for success.
        errorcode: ECA status code.
        pvs: The PVs that did not answer in time, if the call was for a list of them.
        reason: What is known besides the code: where a PV was searched and for how
            long, or that its server is connected and does not answer.
    """

    name: str = _FirstArgument()  # type: ignore[assignment]
    ok: bool = True
    errorcode: int = ECA_NORMAL
    pvs: tuple[str, ...] = ()
    reason: str = ""

    def __init__(self, name: str, errorcode: int = ECA_NORMAL) -> None:
        self.name = name
        self.ok = errorcode == ECA_NORMAL
        self.errorcode = errorcode

    def __repr__(self) -> str:
        text = "ok" if self.ok else self.reason or cadef.ca_message(self.errorcode)
        code = code_name(self.errorcode)
        return f"{type(self).__name__}({self.name!r}, {code}: {text})"

    def __str__(self) -> str:
        text = f"{self.name}: {cadef.ca_message(self.errorcode)}"
        return f"{text}: {self.reason}" if self.reason else text

    def __bool__(self) -> bool:
        return self.ok


class CARefused(CANothing, _CAException):  # type: ignore[misc]
    """libca did not take the request, for example because access is denied.

    Attributes:
        status: The same as ``errorcode``.
        function: The function of libca that did not take it.
    """

    _function: str

    def __init__(self, name: str, errorcode: int, function: str) -> None:
        super().__init__(name, errorcode)
        self.status = errorcode
        self._function = function

    def __bool__(self) -> bool:
        # As a CAException always was: some programs look whether there is an exception
        # by its truth. This one is raised and never stands for a value.
        return True

    @property
    def function(self) -> Any:
        return getattr(cadef, self._function)


class CADisconnected(CANothing, _Disconnected):  # type: ignore[misc]
    """The connection was lost while a request was being made."""

    def __bool__(self) -> bool:
        return True  # see CARefused


# ---- out of time -------------------------------------------------------------------


def _seconds(seconds: float) -> str:
    return f"{max(seconds, 0):.3g} s"


def _host(channel: Any) -> str | None:
    host: str | None = channel.host
    return None if host == "<disconnected>" else host


def timed_out(name: str, channel: Any, seconds: float) -> CANothing:
    """The failure of a PV that did not connect or answer in time.

    Args:
        name: Name of the PV.
        channel: Its channel, as it is now.
        seconds: For how long the caller has waited.
    """
    host, time = _host(channel), _seconds(seconds)
    error = CANothing(name, ECA_TIMEOUT)
    if host is not None:
        error.reason = f"connected to {host}, which did not answer within {time}"
    elif channel.native_type >= 0:
        error.reason = (
            f"was connected; the connection was lost and did not come back within "
            f"{time}; searched {where_searched()}"
        )
    else:
        error.reason = f"no server answered within {time}; searched {where_searched()}"
    if name != name.strip():
        error.reason += f"; the name begins or ends with a space: {name!r}"
    error.__cause__ = asyncio.TimeoutError()
    return error


def several_timed_out(channels: Sequence[Any], seconds: float) -> CANothing:
    """The exception of a list call in which these PVs did not answer in time."""
    missing: list[str] = []
    lost: list[str] = []
    silent: list[str] = []
    for channel in channels:
        if _host(channel) is not None:
            silent.append(channel.name)
        else:
            (missing if channel.native_type < 0 else lost).append(channel.name)
    time, parts = _seconds(seconds), []
    if missing:
        parts.append(f"no server answered for {few(missing)} within {time}")
    if lost:
        parts.append(
            f"the connection to {few(lost)} was lost and did not come back within "
            f"{time}"
        )
    if missing or lost:
        parts.append(f"searched {where_searched()}")
    if silent:
        parts.append(f"connected, but no answer within {time}: {few(silent)}")
    error = CANothing("Multiple PVs", ECA_TIMEOUT)
    error.pvs = tuple(channel.name for channel in channels)
    error.reason = "; ".join(parts)
    error.__cause__ = asyncio.TimeoutError()
    return error


# ---- refused -----------------------------------------------------------------------


def refusal(name: str, status: int, function: str, count: int, most: int) -> CANothing:
    """The exception for a request that libca did not take.

    Args:
        name: Name of the PV.
        status: What libca returned.
        function: Name of the function that did.
        count: How many elements were to be read or written.
        most: How many the PV can hold.
    """
    if status == cadef.ECA_DISCONN:
        return CADisconnected(name, status)
    error = CARefused(name, status, function)
    if status == ECA_BADCOUNT:
        error.reason = f"{count} elements asked for, the PV has {most}"
    elif status == ECA_BADSTR and function != "ca_create_channel":
        error.reason = "a text of DBR_STRING has at most 39 bytes"
    return error


def wrong_timeout(
    names: Sequence[str], timeout: object, argument: str = "timeout"
) -> TypeError:
    """The exception for a timeout that is none."""
    return TypeError(
        f"{few(list(names))}: {argument} must be seconds, (deadline,) or None, "
        f"not {timeout!r}"
    )


def whole(names: Sequence[str], argument: str, value: object) -> int:
    """`value`, an argument of a call for these PVs, as an integer.

    Raises:
        TypeError: It is none.
    """
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(
            f"{few(list(names))}: {argument} must be an integer, not {value!r}"
        ) from None


def check_subscription(
    name: object,
    callback: object,
    events: object,
    format: object,
    count: object,
    connect_timeout: object,
) -> None:
    """Arguments of a subscription that are used only when there is a connection.

    Raises:
        TypeError: One has a wrong type.
        epicscorelibs.ca.dbr.InvalidDatatype: There is no such format.
    """
    if not isinstance(name, str):
        raise TypeError(f"a PV's name must be a str, not {name!r}")
    if callback is not None and not callable(callback):
        raise TypeError(f"{name}: callback must be callable or None, not {callback!r}")
    if events is not None:
        whole([name], "events", events)
    whole([name], "count", count)
    if format not in (0, 1, 2, 3):
        raise dbr.InvalidDatatype(
            f"{name}: Format not recognised: {format!r} is not FORMAT_RAW, "
            "FORMAT_TIME, FORMAT_CTRL or FORMAT_FULL"
        )
    seconds = connect_timeout[0] if is_deadline(connect_timeout) else connect_timeout
    if seconds is not None and not isinstance(seconds, Real):
        raise wrong_timeout([name], connect_timeout, "connect_timeout")


def is_deadline(timeout: object) -> TypeGuard[tuple[object]]:
    """It is the form ``(time,)`` of a timeout."""
    return isinstance(timeout, tuple) and len(timeout) == 1


# What encoding a value and planning a request raise.
_ABOUT_INPUT = (
    AssertionError,
    OverflowError,
    TypeError,
    ValueError,
    dbr.InvalidDatatype,
)


def with_name(error: Exception, name: str) -> Exception:
    """The same exception; if its text is ours, that now begins with the PV's name."""
    if type(error) in _ABOUT_INPUT and len(error.args) == 1:
        error.args = (f"{name}: {error.args[0]}",)
    return error
