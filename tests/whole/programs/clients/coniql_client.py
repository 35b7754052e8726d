"""coniql's plug-in for Channel Access, which is made of aioca, and its metrics."""

import asyncio
import dataclasses

from coniql import caplugin, metrics
from saying import DEADLINE, ask, seen
from scenario import NAMES, VALUES


def described(channel):
    """What a web page is told of a channel, but its time."""
    value, status, display = (
        channel.get_value(),
        channel.get_status(),
        channel.get_display(),
    )
    parts = {"id": channel.get_id(), "timed": channel.get_time() is not None}
    if value is not None:
        parts["value"] = value.value
        parts["text"] = value.formatter.to_string(value.value)
    if status is not None:
        parts["status"] = [str(status.quality), status.message, status.mutable]
    if display is not None:
        parts["display"] = dataclasses.asdict(display)
    return parts


def gauges():
    """How many channels aioca has open."""
    metrics.update_active_channels()
    return metrics.ACTIVE_CHANNELS.get({})


async def attempt(what, awaitable):
    """The result of what is awaited, or its exception's type and text."""
    try:
        seen(what, await awaitable)
    except Exception as error:
        seen(what, f"{type(error).__name__}: {error}")


async def main():
    """Read, write and watch."""
    plugin = caplugin.CAPlugin()
    for name in NAMES:
        seen(name, described(await plugin.get_channel(f"KINDS:{name}", DEADLINE)))
    for name, value in {**VALUES, "ENUM": "Broken"}.items():
        await attempt(name, plugin.put_channels([f"KINDS:{name}"], [value], DEADLINE))
        seen(name, described(await plugin.get_channel(f"KINDS:{name}", DEADLINE)))
    await attempt("nobody", plugin.get_channel("KINDS:NOBODY", 0.5))
    watching = plugin.subscribe_channel("KINDS:STEPS")

    async def next_that(holds):
        async for channel in watching:
            if holds(found := described(channel)):
                return found
        raise AssertionError("the subscription has ended")

    async def until(value):
        found = next_that(lambda found: found.get("value") == value)
        return (await asyncio.wait_for(found, DEADLINE))["value"]

    seen("first", await until(0))
    seen("channels", gauges())
    await plugin.put_channels(["KINDS:TRIGGER"], [1.0], DEADLINE)
    seen("steps", await until(13))
    await asyncio.to_thread(ask, "stop")
    seen(
        "left",
        (await asyncio.wait_for(next_that(lambda found: "status" in found), DEADLINE))[
            "status"
        ],
    )
    await asyncio.to_thread(ask, "start")
    seen("again", await until(0))
    await plugin.put_channels(["KINDS:TRIGGER"], [2.0], DEADLINE)
    seen("steps", await until(23))
    await watching.aclose()
    seen("channels", gauges())


asyncio.run(main())
