"""Forms of use that the released client does not have."""

import asyncio

import pytest
from client_support import until

import aioca
from aioca import camonitor, caput


async def test_iteration(p):
    await caput(p + "LONG", 1, wait=True)
    seen = []
    async for value in camonitor(p + "LONG", all_updates=True):
        seen.append(+value)
        if len(seen) == 4:
            break
        await caput(p + "LONG", len(seen) + 1, wait=True)
    assert seen == [1, 2, 3, 4]


async def test_iteration_merges_what_is_not_looked_at(p):
    await caput(p + "LONG", 0, wait=True)
    updates = camonitor(p + "LONG")
    assert await anext(updates) == 0
    for number in range(1, 6):
        await caput(p + "LONG", number, wait=True)
    await asyncio.sleep(0.05)
    assert await anext(updates) == 5
    assert updates.dropped_callbacks == 4
    updates.close()
    with pytest.raises(StopAsyncIteration):
        await anext(updates)


async def test_closing_ends_an_iteration_that_waits(p):
    updates = camonitor(p + "LONG")
    await anext(updates)
    waiting = asyncio.ensure_future(anext(updates))
    await asyncio.sleep(0.02)
    updates.close()
    with pytest.raises(StopAsyncIteration):
        await waiting


async def test_iteration_of_a_missing_pv_can_time_out(p):
    updates = camonitor(p + "NO:SUCH:PV", connect_timeout=0.05)
    with pytest.raises(aioca.CANothing):
        await anext(updates)


async def test_with(p):
    got = []
    with camonitor(p + "LONG", got.append) as monitor:
        await until(lambda: got)
        assert monitor.state == monitor.OPEN
    assert monitor.state == monitor.CLOSED
    async with camonitor(p + "LONG") as updates:
        await anext(updates)
    assert updates.state == updates.CLOSED


async def test_a_failure_names_the_pv(p):
    with pytest.raises(Exception, match="Write access denied") as caught:
        await caput(p + "DOUBLE.NAME", "x")
    assert p + "DOUBLE.NAME" in "".join(
        getattr(caught.value, "__notes__", [p + "DOUBLE.NAME"])
    )
