"""ophyd-async's signals over Channel Access, which are made of aioca."""

import asyncio

import numpy as np
from ophyd_async.core import Array1D, StrictEnum, SubsetEnum, observe_value
from ophyd_async.epics.core import epics_signal_r, epics_signal_rw, epics_signal_x
from saying import DEADLINE, ask, seen


class State(StrictEnum):
    """The labels of ENUM."""

    OFF = "Off"
    ON = "On"
    BROKEN = "Broken"


class Some(SubsetEnum):
    """Some of the labels of ENUM."""

    ON = "On"


class Others(StrictEnum):
    """Labels that ENUM has not."""

    OFF = "Off"
    ON = "On"


KINDS = {
    "DOUBLE": (float, 2.5),
    "LONG": (int, 7),
    "SHORT": (int, 8),
    "ENUM": (State, State.BROKEN),
    "STRING": (str, "other"),
    "CHARS": (str, "a text that is longer than the forty characters of a string"),
    "ARRAY": (Array1D[np.float64], np.array([1.0, 2.0])),
    "LONGS": (Array1D[np.int32], np.array([4, 3, 2], dtype=np.int32)),
    "SLOW": (float, 1.0),
    "READONLY": (float, 1.0),
    "REFUSED": (float, 1.0),
}
MISFITS = {
    "DOUBLE": int,
    "LONG": float,
    "ENUM": Others,
    "STRING": float,
    "ARRAY": float,
}


async def attempt(what, awaitable):
    """The result of what is awaited, or its exception's type and text."""
    try:
        found = await awaitable
        seen(what, found)
    except Exception as error:
        seen(what, f"{type(error).__name__}: {error}")


def without_time(reading):
    """A reading without its time."""
    return {
        name: {k: v for k, v in parts.items() if k != "timestamp"}
        for name, parts in reading.items()
    }


async def one_kind(name, datatype, value):
    """Connect, describe, read, set, and read again."""
    signal = epics_signal_rw(datatype, f"ca://KINDS:{name}", name=name.lower())
    await signal.connect(timeout=DEADLINE)
    seen(name, [signal.source, signal.name])
    seen(name, await signal.describe())
    seen(name, without_time(await signal.read()))
    await attempt(name, signal.get_value())
    await attempt(name, signal.set(value, timeout=DEADLINE))
    await attempt(name, signal.get_value())
    await attempt(name, signal.locate())


async def steps(signal, last):
    """Values that a subscription brings, up to this one."""
    found = []
    async for value in observe_value(signal, timeout=DEADLINE):
        found.append(value)
        if value == last:
            return found
    return found


async def monitors():
    """A subscription, before and after the server went and came back."""
    trigger = epics_signal_rw(float, "ca://KINDS:TRIGGER", name="trigger")
    stepped = epics_signal_r(int, "ca://KINDS:STEPS", name="steps")
    await trigger.connect(timeout=DEADLINE)
    await stepped.connect(timeout=DEADLINE)
    updates = asyncio.Queue()
    stepped.subscribe_reading(updates.put_nowait)

    async def until(wanted):
        found = []
        while not found or found[-1] != wanted:
            reading = await asyncio.wait_for(updates.get(), DEADLINE)
            found.append(int(reading["steps"]["value"]))
        return found

    seen("first", await until(0))
    await trigger.set(1.0)
    seen("steps", await until(13))
    await asyncio.to_thread(ask, "stop")
    await asyncio.to_thread(ask, "start")
    seen("again", (await until(0))[-1])
    await trigger.set(2.0)
    seen("steps", await until(23))
    stepped.clear_sub(updates.put_nowait)
    watching = asyncio.create_task(steps(stepped, 33))
    await trigger.set(3.0)
    seen("watched", (await watching)[-1])


async def main():
    """Everything in one event loop."""
    for name, (datatype, value) in KINDS.items():
        await one_kind(name, datatype, value)
    for name, datatype in MISFITS.items():
        signal = epics_signal_r(datatype, f"ca://KINDS:{name}", name=name)
        await attempt(f"misfit {name}", signal.connect(timeout=DEADLINE))
    some = epics_signal_rw(Some, "ca://KINDS:ENUM", name="some")
    await some.connect(timeout=DEADLINE)
    await attempt("some", some.get_value())
    await attempt("some", some.set(Some.ON))
    nobody = epics_signal_r(float, "ca://KINDS:NOBODY", name="nobody")
    await attempt("nobody", nobody.connect(timeout=0.5))
    push = epics_signal_x("ca://KINDS:LONG", name="push")
    await push.connect(timeout=DEADLINE)
    await attempt("push", push.trigger())
    await monitors()
    left = asyncio.all_tasks() - {asyncio.current_task()}
    if left:  # an iterator that was left is closed by a task of its own
        _, left = await asyncio.wait(left, timeout=DEADLINE)
    seen("tasks left", len(left))


asyncio.run(main())
