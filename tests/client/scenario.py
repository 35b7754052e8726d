"""What programs do with aioca, each as a coroutine that tells what it saw.

The same functions run on this project's client and on the released one, each in its own
environment; test_same_as_released.py compares what they tell. So only names that both
have are used here, and what is told is plain data.
"""

import asyncio
import time

import numpy
from epicscorelibs.ca import cadef

import aioca

SCENARIOS = {}


def scenario(function):
    SCENARIOS[function.__name__] = function
    return function


def tell(value):
    """Everything that can be seen of a value, an outcome or an exception."""
    if isinstance(value, list):
        return [tell(item) for item in value]
    # Before CANothing: a program's `except` clauses may come in either order.
    if isinstance(value, cadef.CAException):
        return ["CAException", value.status, value.function.__name__]
    if isinstance(value, cadef.Disconnected):
        return ["Disconnected", value.name]
    if isinstance(value, aioca.CANothing):
        return ["CANothing", value.name, value.errorcode, value.ok, bool(value)]
    kind = f"{type(value).__module__}.{type(value).__name__}"
    if isinstance(value, BaseException):
        return [kind]
    fields = {k: repr(v) for k, v in sorted(vars(value).items())}
    if isinstance(value, numpy.ndarray):
        shown = [str(value.dtype), value.shape, [repr(item) for item in value.tolist()]]
        shown += [value.flags.writeable, value.flags.owndata]
    else:
        shown = [repr(+value), type(+value).__name__]
    return [kind, shown, fields]


async def outcome(awaitable):
    """A result or the exception in its place."""
    try:
        return tell(await awaitable)
    except Exception as error:
        return tell(error)


async def until(condition, seconds=10.0):
    """Waits for something to become true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "nothing happened"
        await asyncio.sleep(0.005)
