"""`camonitor`: subscriptions to one PV or to any number of them."""

# A str is an iterable of str as well.
# mypy: disable-error-code="overload-overlap"
# pyright: reportOverlappingOverload=false

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Literal, overload

from aioca.subscription import Subscription
from aioca.types import (
    AugmentedBytes,
    AugmentedFloat,
    AugmentedInt,
    AugmentedStr,
    Count,
    Datatype,
    Dbe,
    Format,
    Timeout,
)


@overload
def camonitor(
    pv: str,
    callback: None = ...,
    events: Dbe = ...,
    *,
    datatype: type[int],
    format: Format = ...,
    count: Count = ...,
    all_updates: bool = ...,
    notify_disconnect: Literal[False] = ...,
    connect_timeout: Timeout = ...,
) -> Subscription[AugmentedInt]: ...


@overload
def camonitor(
    pv: str,
    callback: None = ...,
    events: Dbe = ...,
    *,
    datatype: type[float],
    format: Format = ...,
    count: Count = ...,
    all_updates: bool = ...,
    notify_disconnect: Literal[False] = ...,
    connect_timeout: Timeout = ...,
) -> Subscription[AugmentedFloat]: ...


@overload
def camonitor(
    pv: str,
    callback: None = ...,
    events: Dbe = ...,
    *,
    datatype: type[str],
    format: Format = ...,
    count: Count = ...,
    all_updates: bool = ...,
    notify_disconnect: Literal[False] = ...,
    connect_timeout: Timeout = ...,
) -> Subscription[AugmentedStr]: ...


@overload
def camonitor(
    pv: str,
    callback: None = ...,
    events: Dbe = ...,
    *,
    datatype: type[bytes],
    format: Format = ...,
    count: Count = ...,
    all_updates: bool = ...,
    notify_disconnect: Literal[False] = ...,
    connect_timeout: Timeout = ...,
) -> Subscription[AugmentedBytes]: ...


@overload
def camonitor(
    pv: str,
    callback: Callable[[Any], Awaitable[None] | None] | None = ...,
    events: Dbe = ...,
    datatype: Datatype = ...,
    format: Format = ...,
    count: Count = ...,
    all_updates: bool = ...,
    notify_disconnect: bool = ...,
    connect_timeout: Timeout = ...,
) -> Subscription: ...


@overload
def camonitor(
    pv: Iterable[str],
    callback: Callable[[Any, int], Awaitable[None] | None] | None = ...,
    events: Dbe = ...,
    datatype: Datatype = ...,
    format: Format = ...,
    count: Count = ...,
    all_updates: bool = ...,
    notify_disconnect: bool = ...,
    connect_timeout: Timeout = ...,
) -> list[Subscription]: ...


def camonitor(
    pv: Any,
    callback: Any = None,
    events: Dbe = None,
    datatype: Datatype = None,
    format: Format = 0,
    count: Count = 0,
    all_updates: bool = False,
    notify_disconnect: bool = False,
    connect_timeout: Timeout = None,
) -> Any:
    """Subscribes to one PV, or to several.

    Needs a running event loop, in which it calls the callbacks.

    Args:
        pv: A name, or an iterable of names.
        callback: Called with each value, and for several names also with the index of
            the name. If it returns an awaitable, this is awaited before the next call.
            Without a callback the subscription is an asynchronous iterator.
        events: Changes that cause an update. By default the value, with ``FORMAT_TIME``
            also the alarm, with ``FORMAT_CTRL`` also limits, units and enum strings.
        datatype: The type to request instead of the PV's own.
        format: Attributes of the value: ``FORMAT_RAW``, ``FORMAT_TIME``,
            ``FORMAT_CTRL``, or ``FORMAT_FULL`` for alarm, time stamp, units, limits and
            enum strings. With ``FORMAT_FULL``, a change of these attributes delivers
            the latest value again.
        count: Number of array elements: 0 for the current length, -1 for all.
        all_updates: Deliver every update. Otherwise a newer update replaces one that
            waits for the callback; `Subscription.dropped_callbacks` counts these.
        notify_disconnect: Call the callback with a `CANothing` when the connection is
            lost.
        connect_timeout: Call the callback with a `CANothing` if the PV has not
            connected after this time. The subscription continues to wait.

    Returns:
        A `Subscription`, or a list of them.

    Example::

        subscription = camonitor("X:TEMP", print)
        await asyncio.sleep(1)
        subscription.close()

        async for value in camonitor("X:TEMP", datatype=float):
            print(value)
            break
    """
    return _subscriptions(
        pv,
        callback,
        events,
        datatype,
        format,
        count,
        all_updates,
        notify_disconnect,
        connect_timeout,
    )


def _subscriptions(pv: Any, callback: Any, *options: Any) -> Any:
    if not isinstance(pv, Iterable):
        raise TypeError(f"pv must be a name or an iterable of names, not {pv!r}")
    if isinstance(pv, str):
        return Subscription(pv, callback, *options)
    if callback is None:
        return [Subscription(name, None, *options) for name in pv]
    return [
        Subscription(name, _with_index(callback, index), *options)
        for index, name in enumerate(pv)
    ]


def _with_index(callback: Callable[[Any, int], Any], index: int) -> Callable[..., Any]:
    return lambda value: callback(value, index)


# Other packages know it by this name.
camonitor.__module__ = "aioca._catools"
