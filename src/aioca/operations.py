"""What the functions of this package do, for one PV and for a list of them."""

from __future__ import annotations

import asyncio
import sys
import time
import warnings
from collections.abc import Awaitable, Coroutine, Sequence
from typing import Any

from aioca._errors import CANothing, CARefused, several_timed_out
from aioca.channel import CAInfo, ChannelInfo
from aioca.native._channel import get_channel
from aioca.native._loop import known_loops, running_loop
from aioca.native._request import CONNECT, GET, PUT, PUT_CALLBACK, Request
from aioca.types import Count, Datatype, Format, Timeout


def get_one(
    pv: str,
    datatype: Datatype,
    format: Format,
    count: Count,
    timeout: Timeout,
    throw: bool,
) -> Awaitable[Any]:
    """The value of one PV."""
    try:
        return Request(
            GET,
            [pv],
            single=True,
            throw=throw,
            timeout=timeout,
            datatype=datatype,
            format=format,
            count=count,
        )
    except CARefused as error:
        if throw:
            raise
        return _at_once(_returned(error))


async def get_many(
    pvs: Sequence[str],
    datatype: Datatype,
    format: Format,
    count: Count,
    timeout: Timeout,
    throw: bool,
) -> list[Any]:
    """The values of PVs, in their order."""
    options = {"datatype": datatype, "format": format, "count": count}
    return await _request(GET, pvs, throw, timeout, options)


def put_one(
    pv: str, value: Any, datatype: Datatype, wait: bool, timeout: Timeout, throw: bool
) -> Awaitable[CANothing]:
    """Puts a value to one PV."""
    try:
        return Request(
            PUT_CALLBACK if wait else PUT,
            [pv],
            single=True,
            throw=throw,
            timeout=timeout,
            values=[value],
            datatype=datatype,
        )
    except CARefused as error:
        if throw:
            raise
        return _at_once(_returned(error))


async def put_many(
    pvs: Sequence[str],
    values: Sequence[Any],
    datatype: Datatype,
    wait: bool,
    timeout: Timeout,
    throw: bool,
) -> list[CANothing]:
    """Puts one value to each PV, in their order."""
    operation = PUT_CALLBACK if wait else PUT
    options = {"datatype": datatype}
    return await _request(operation, pvs, throw, timeout, options, values)


def values_for(pvs: Sequence[str], values: Any, repeat_value: bool) -> list[Any]:
    """One value for each PV, from what `caput` was given for all of them."""
    if repeat_value or isinstance(values, str):
        return [values] * len(pvs)
    try:
        values = list(values)
    except TypeError:
        return [values] * len(pvs)
    assert len(pvs) == len(values), (
        "PV and value lists must match in length: there are "
        f"{len(pvs)} PVs, {len(values)} values"
    )
    each: list[Any] = values
    return each


async def connect_many(
    pvs: Sequence[str], wait: bool, timeout: Timeout, throw: bool, single: bool
) -> list[CANothing]:
    """Opens channels and, if asked to, waits until they are connected."""
    if not wait:
        refused = _refused(pvs, throw)
        return [
            refused[index] if index in refused else CANothing(pv)
            for index, pv in enumerate(pvs)
        ]
    if not single:
        return await _request(CONNECT, pvs, throw, timeout, {})
    try:
        request = Request(CONNECT, list(pvs), single=True, throw=throw, timeout=timeout)
    except CARefused as error:
        if throw:
            raise
        return [_returned(error)]
    return [await request]


# ---- names that libca does not take --------------------------------------------------


def _returned(error: CANothing) -> CANothing:
    """What stands for a failure that is not to be raised."""
    outcome = CANothing(error.name, error.errorcode)
    outcome.reason = error.reason
    return outcome


async def _at_once(outcome: CANothing) -> CANothing:
    return outcome


def _refused(pvs: Sequence[str], throw: bool = False) -> dict[int, CANothing]:
    """Opens channels; the names for which libca makes none, by index."""
    loop = running_loop()
    refused = {}
    for index, pv in enumerate(pvs):
        try:
            get_channel(loop, pv)
        except CARefused as error:
            if throw:
                raise
            refused[index] = _returned(error)
    return refused


async def _request(
    operation: int,
    pvs: Sequence[str],
    throw: bool,
    timeout: Timeout,
    options: dict[str, Any],
    values: Sequence[Any] | None = None,
) -> list[Any]:
    """The result for each PV; where nothing is raised also for names that are none."""
    common: dict[str, Any] = {"single": False, "throw": throw, "timeout": timeout}
    common.update(options)
    try:
        request = Request(operation, list(pvs), values=values, **common)
    except CARefused:
        if throw:
            raise
    else:
        results: list[Any] = await request
        return results
    refused = _refused(pvs)
    good = [index for index in range(len(pvs)) if index not in refused]
    names = [pvs[index] for index in good]
    if values is not None:
        values = [values[index] for index in good]
    found = await Request(operation, names, values=values, **common)
    outcomes = dict(zip(good, found, strict=True))
    return [outcomes[i] if i in outcomes else refused[i] for i in range(len(pvs))]


async def info_many(
    pvs: Sequence[str], wait: bool, timeout: Timeout, throw: bool, single: bool
) -> list[CAInfo | CANothing]:
    """Describes channels."""
    outcomes = await connect_many(pvs, wait, timeout, throw, single)
    loop = running_loop()
    return [
        CAInfo(pv, get_channel(loop, pv)) if outcome.ok else outcome
        for pv, outcome in zip(pvs, outcomes, strict=True)
    ]


def channel_infos() -> list[ChannelInfo]:
    """What is known about each channel of the running loop."""
    return [
        ChannelInfo(name, channel.connected(), channel.count_subscriptions())
        for name, channel in running_loop().channels.items()
    ]


def purge() -> None:
    """Closes every subscription and channel of every loop."""
    for loop in known_loops():
        if loop.loop.is_closed():
            loop.dispose()
        else:
            loop.purge_soon()


async def in_parallel(
    pvs: Sequence[str], calls: Sequence[Awaitable[Any]], timeout: Timeout
) -> list[Any]:
    """The results of calls that run at the same time; the first failure is raised."""
    tasks = [asyncio.ensure_future(call) for call in calls]
    if isinstance(timeout, tuple):
        timeout = timeout[0] - time.time()
    try:
        together = asyncio.gather(*tasks)
        results: list[Any] = await asyncio.wait_for(together, timeout)
        return results
    except asyncio.TimeoutError as error:
        late = [
            get_channel(running_loop(), pv)
            for pv, task in zip(pvs, tasks, strict=True)
            if task.cancelled()
        ]
        raise several_timed_out(late, timeout or 0) from error


def run_in_new_program(coro: Coroutine[Any, Any, Any], forever: bool) -> Any:
    """Runs a program's coroutine in the current event loop, and closes the loop."""
    warnings.warn(
        "aioca.run is deprecated, use asyncio.run", DeprecationWarning, stacklevel=3
    )
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        loop = _current_loop()
    else:
        coro.close()
        raise RuntimeError(
            "aioca.run() cannot be called in a running event loop: "
            "write `await` in front of the coroutine"
        )
    task = loop.create_task(coro)
    try:
        if forever:
            task.add_done_callback(_report_failure)
            loop.run_forever()
            task.cancel()
            return None
        return loop.run_until_complete(task)
    finally:
        loop.stop()
        loop.close()


def _current_loop() -> asyncio.AbstractEventLoop:
    with warnings.catch_warnings():
        # From Python 3.12 on a loop that had to be made is worth a warning.
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            return asyncio.get_event_loop()
        except RuntimeError:
            # There was one, or this Python makes none.
            return asyncio.new_event_loop()


def _report_failure(task: asyncio.Task[Any]) -> None:
    """Ends a program that runs without limit when its coroutine fails."""
    if not task.cancelled() and task.exception() is not None:
        print(f"aioca.run: {task.exception()!r}", file=sys.stderr)
