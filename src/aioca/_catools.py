"""The functions of this package, under the name that other packages look for.

Programs replace functions here: a safety guard puts its own ``caput`` in this module's
globals and relies on the list form calling it once for each PV. So `caput_array` looks
its own module's ``caput`` up on each call, and takes the short way only if that is
ours.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import (
    Awaitable,
    Callable,
    Coroutine,
)
from typing import Any, Literal, TypeVar, overload

from aioca import operations
from aioca._camonitor import camonitor
from aioca._contexts import ValueEvent, _Context
from aioca._epics import cadef, dbr
from aioca._errors import CANothing
from aioca.channel import CAInfo, Channel, ChannelCache, ChannelInfo, get_channel
from aioca.subscription import Subscription
from aioca.types import (
    AugmentedBytes,
    AugmentedFloat,
    AugmentedInt,
    AugmentedStr,
    AugmentedValue,
    Count,
    Datatype,
    Format,
    Timeout,
)

__all__ = [
    "DEFAULT_TIMEOUT",
    "CAInfo",
    "CANothing",
    "Channel",
    "ChannelCache",
    "ChannelInfo",
    "Subscription",
    "Timeout",
    "ValueEvent",
    "cadef",
    "caget",
    "caget_array",
    "cainfo",
    "cainfo_array",
    "camonitor",
    "caput",
    "caput_array",
    "connect",
    "connect_array",
    "dbr",
    "get_channel",
    "get_channel_infos",
    "purge_channel_caches",
    "run",
]

#: Seconds that a call may take unless it is told otherwise
DEFAULT_TIMEOUT = 5.0

# Of each function: for lists, for tuples, and for everything else.
_OUR_FORMS = 3

T = TypeVar("T")
Form = TypeVar("Form", bound=Callable[..., Any])
PVs = list[str] | tuple[str, ...]


def _by_first_argument(scalar: Callable[..., Any]) -> Any:
    """Makes a function that chooses its form by the type of the first argument.

    Lists and tuples (see ``register`` of the result) take the list form, everything
    else the scalar form. A form is a function that returns an awaitable; the result is
    a coroutine function.
    """
    chosen = functools.singledispatch(scalar)
    dispatch, forms = chosen.dispatch, chosen.registry

    @functools.wraps(scalar)
    async def call(*args: Any, **kwargs: Any) -> Any:
        if not args and "pv" in kwargs:
            args = (kwargs.pop("pv"),)
        kind = args[0].__class__ if args else object
        # `dispatch` takes a microsecond for what is mostly in the table.
        form = forms.get(kind)
        if form is None:
            ours = kind is str and len(forms) == _OUR_FORMS
            form = scalar if ours else dispatch(kind)
        return await form(*args, **kwargs)

    call.register = chosen.register  # type: ignore[attr-defined]
    call.__signature__ = inspect.signature(scalar).replace(  # type: ignore[attr-defined]
        return_annotation=inspect.Signature.empty
    )
    return call


def _list_form_of(function: Any) -> Callable[[Form], Form]:
    """Makes the decorated function the list form of another."""

    def register(form: Form) -> Form:
        function.register(list)(form)
        function.register(tuple)(form)
        return form

    return register


# ---- caget -------------------------------------------------------------------------


@overload
async def caget(
    pv: str,
    datatype: type[int],
    format: Format = ...,
    count: Count = ...,
    *,
    timeout: Timeout = ...,
    throw: Literal[True] = ...,
) -> AugmentedInt: ...


@overload
async def caget(
    pv: str,
    datatype: type[float],
    format: Format = ...,
    count: Count = ...,
    *,
    timeout: Timeout = ...,
    throw: Literal[True] = ...,
) -> AugmentedFloat: ...


@overload
async def caget(
    pv: str,
    datatype: type[str],
    format: Format = ...,
    count: Count = ...,
    *,
    timeout: Timeout = ...,
    throw: Literal[True] = ...,
) -> AugmentedStr: ...


@overload
async def caget(
    pv: str,
    datatype: type[bytes],
    format: Format = ...,
    count: Count = ...,
    *,
    timeout: Timeout = ...,
    throw: Literal[True] = ...,
) -> AugmentedBytes: ...


@overload
async def caget(
    pv: PVs,
    datatype: type[int],
    format: Format = ...,
    count: Count = ...,
    *,
    timeout: Timeout = ...,
    throw: Literal[True] = ...,
) -> list[AugmentedInt]: ...


@overload
async def caget(
    pv: PVs,
    datatype: type[float],
    format: Format = ...,
    count: Count = ...,
    *,
    timeout: Timeout = ...,
    throw: Literal[True] = ...,
) -> list[AugmentedFloat]: ...


@overload
async def caget(
    pv: PVs,
    datatype: type[str],
    format: Format = ...,
    count: Count = ...,
    *,
    timeout: Timeout = ...,
    throw: Literal[True] = ...,
) -> list[AugmentedStr]: ...


@overload
async def caget(
    pv: PVs,
    datatype: type[bytes],
    format: Format = ...,
    count: Count = ...,
    *,
    timeout: Timeout = ...,
    throw: Literal[True] = ...,
) -> list[AugmentedBytes]: ...


@overload
async def caget(
    pv: str,
    datatype: Datatype = ...,
    format: Format = ...,
    count: Count = ...,
    *,
    timeout: Timeout = ...,
    throw: bool = ...,
) -> AugmentedValue: ...


@overload
async def caget(
    pv: PVs,
    datatype: Datatype = ...,
    format: Format = ...,
    count: Count = ...,
    *,
    timeout: Timeout = ...,
    throw: bool = ...,
) -> list[AugmentedValue]: ...


@_by_first_argument
def caget(
    pv: str,
    datatype: Datatype = None,
    format: Format = 0,
    count: Count = 0,
    *,
    timeout: Timeout = DEFAULT_TIMEOUT,
    throw: bool = True,
) -> Any:
    """Reads one PV, or a list of them at the same time.

    Args:
        pv: A name, or a list or tuple of names.
        datatype: The type to request instead of the PV's own.
        format: Attributes of the value: ``FORMAT_RAW``, ``FORMAT_TIME`` or
            ``FORMAT_CTRL``.
        count: Number of array elements: 0 for the current length, -1 for all.
        timeout: Seconds for the whole call, ``(time,)`` for a deadline, None for no
            limit.
        throw: Raise a failure, or return it as a `CANothing` in place of a value.

    Returns:
        An `AugmentedValue`, or a list of them in the order of the names.

    Raises:
        CANothing: The call timed out, the server reported a failure, or libca
            refused the request, for example because the server does not let us read.
            What libca refuses is also a ``CAException`` of epicscorelibs.
        epicscorelibs.ca.dbr.InvalidDatatype: The type does not exist.

    Example::

        temperature = await caget("X:TEMP", format=FORMAT_CTRL)
        print(temperature, temperature.units)
        high, low = await caget(["X:HIGH", "X:LOW"], timeout=2)
    """
    return operations.get_one(pv, datatype, format, count, timeout, throw)


@_list_form_of(caget)
async def caget_array(
    pvs: PVs,
    datatype: Datatype = None,
    format: Format = 0,
    count: Count = 0,
    *,
    timeout: Timeout = DEFAULT_TIMEOUT,
    throw: bool = True,
) -> list[Any]:
    """The list form of `caget`."""
    return await operations.get_many(pvs, datatype, format, count, timeout, throw)


# ---- caput -------------------------------------------------------------------------


@overload
async def caput(
    pv: str,
    value: Any,
    datatype: Datatype = ...,
    wait: bool = ...,
    *,
    timeout: Timeout = ...,
    throw: bool = ...,
) -> CANothing: ...


@overload
async def caput(
    pv: PVs,
    values: Any,
    repeat_value: bool = ...,
    *,
    datatype: Datatype = ...,
    wait: bool = ...,
    timeout: Timeout = ...,
    throw: bool = ...,
) -> list[CANothing]: ...


@_by_first_argument
def caput(
    pv: str,
    value: Any,
    datatype: Datatype = None,
    wait: bool = False,
    *,
    timeout: Timeout = DEFAULT_TIMEOUT,
    throw: bool = True,
) -> Awaitable[CANothing]:
    """Writes to one PV, or to a list of them at the same time.

    Puts to connected PVs are sent in the order of the calls. If a put without ``wait``
    fails, the logger ``aioca`` logs it, and the loop's exception handler is called if
    the program has set one.

    Args:
        pv: A name, or a list or tuple of names.
        value: A value. For a list of names, one value for each; a string, a value that
            is not a sequence, or any value with ``repeat_value=True`` goes to all PVs.
        datatype: The type to send instead of the PV's own. A string is sent as
            ``DBR_STRING``, or as characters if the name ends in ``$``.
        wait: Return when the server has completed the put, not at once.
        repeat_value: For a list of names: send one value to all. In this form it is
            the third argument, and later arguments are keyword-only.
        timeout: Seconds for the whole call, ``(time,)`` for a deadline, None for no
            limit.
        throw: Raise a failure, or return it as a `CANothing`.

    Returns:
        A `CANothing` whose ``ok`` is True, or a list of them.

    Raises:
        CANothing: The call timed out, the server reported a failure, or libca
            refused the request, for example because the server does not let us write.
            What libca refuses is also a ``CAException`` of epicscorelibs.
        OverflowError: An integer does not fit the PV's type.
        ValueError: The value is None, or a string that is not a number.

    Example::

        await caput("X:TEMP", 21.5, wait=True)
        done = await caput("X:TEMP", 22, timeout=2, throw=False)
        if not done.ok:
            print(done)
    """
    return operations.put_one(pv, value, datatype, wait, timeout, throw)


_own_caput = caput


@_list_form_of(caput)
async def caput_array(
    pvs: PVs,
    values: Any,
    repeat_value: bool = False,
    *,
    datatype: Datatype = None,
    wait: bool = False,
    timeout: Timeout = DEFAULT_TIMEOUT,
    throw: bool = True,
) -> list[CANothing]:
    """The list form of `caput`."""
    each = operations.values_for(pvs, values, repeat_value)
    if caput is _own_caput:
        return await operations.put_many(pvs, each, datatype, wait, timeout, throw)
    # Somebody checks every put: one call for each PV, with what the caller gave.
    options: dict[str, Any] = {}
    if datatype is not None:
        options["datatype"] = datatype
    if wait:
        options["wait"] = wait
    if not throw:
        options.update(timeout=timeout, throw=False)
        timeout = None
    else:
        options.update(timeout=None)
    pairs = zip(pvs, each, strict=True)
    calls = [caput(pv, value, **options) for pv, value in pairs]
    return await operations.in_parallel(pvs, calls, timeout)


# ---- connect and cainfo ------------------------------------------------------------


@overload
async def connect(
    pv: str, wait: bool = ..., *, timeout: Timeout = ..., throw: bool = ...
) -> CANothing: ...


@overload
async def connect(
    pv: PVs, wait: bool = ..., *, timeout: Timeout = ..., throw: bool = ...
) -> list[CANothing]: ...


@_by_first_argument
async def connect(
    pv: str,
    wait: bool = True,
    *,
    timeout: Timeout = DEFAULT_TIMEOUT,
    throw: bool = True,
) -> CANothing:
    """Connects to one PV, or to a list of them at the same time.

    Other calls connect automatically. After this call a ``caput`` without ``wait``
    returns without waiting.

    Args:
        pv: A name, or a list or tuple of names.
        wait: Return when connected. Otherwise only start the search.
        timeout: Seconds for the whole call, ``(time,)`` for a deadline, None for no
            limit.
        throw: Raise a failure, or return it as a `CANothing`.

    Returns:
        A `CANothing` whose ``ok`` is True, or a list of them.

    Raises:
        CANothing: The PV did not connect in time.

    Example::

        await connect(["X:HIGH", "X:LOW"], timeout=2)
    """
    return (await operations.connect_many([pv], wait, timeout, throw, True))[0]


@_list_form_of(connect)
async def connect_array(
    pvs: PVs,
    wait: bool = True,
    *,
    timeout: Timeout = DEFAULT_TIMEOUT,
    throw: bool = True,
) -> list[CANothing]:
    """The list form of `connect`."""
    return await operations.connect_many(pvs, wait, timeout, throw, False)


@overload
async def cainfo(
    pv: str, wait: bool = ..., *, timeout: Timeout = ..., throw: bool = ...
) -> CAInfo: ...


@overload
async def cainfo(
    pv: PVs, wait: bool = ..., *, timeout: Timeout = ..., throw: bool = ...
) -> list[CAInfo]: ...


@_by_first_argument
async def cainfo(
    pv: str,
    wait: bool = True,
    *,
    timeout: Timeout = DEFAULT_TIMEOUT,
    throw: bool = True,
) -> Any:
    """Describes one PV, or a list of them: server, type, size, access.

    The arguments are those of `connect`.

    Returns:
        A `CAInfo`, or a list of them; with ``throw=False`` a `CANothing` in place of
        each failure.

    Raises:
        CANothing: The PV did not connect in time.

    Example::

        info = await cainfo("X:TEMP")
        print(info.host, info.datatype, info.count, info.write)
    """
    return (await operations.info_many([pv], wait, timeout, throw, True))[0]


@_list_form_of(cainfo)
async def cainfo_array(
    pvs: PVs,
    wait: bool = True,
    *,
    timeout: Timeout = DEFAULT_TIMEOUT,
    throw: bool = True,
) -> list[Any]:
    """The list form of `cainfo`."""
    return await operations.info_many(pvs, wait, timeout, throw, False)


# ---- the rest ----------------------------------------------------------------------


def get_channel_infos() -> list[ChannelInfo]:
    """Returns a `ChannelInfo` for each channel of the running event loop.

    Example::

        await caget("X:TEMP")
        for channel in get_channel_infos():
            print(channel.name, channel.connected)
    """
    return operations.channel_infos()


def run(coro: Coroutine[Any, Any, T], forever: bool = False) -> T | None:
    """Runs a coroutine in the current event loop, then stops and closes the loop.

    Deprecated: use `asyncio.run`.

    Args:
        coro: The coroutine to run.
        forever: Run until the loop is stopped; otherwise until the coroutine ends.

    Returns:
        The result of the coroutine, None with ``forever``.

    Example::

        print(run(caget("X:TEMP")))
    """
    result: T | None = operations.run_in_new_program(coro, forever)
    return result


# Other packages know them by this module.
for _known in (ValueEvent, _Context):
    _known.__module__ = __name__
purge_channel_caches = _Context.purge_channel_caches
