"""Forms of use that the released client does not have."""

import asyncio

import pytest
from client_support import until

import aioca
from aioca import FORMAT_FULL, camonitor, caput


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
        await asyncio.wait_for(waiting, 60)


async def test_iteration_of_a_missing_pv_can_time_out(p):
    updates = camonitor(p + "NO:SUCH:PV", connect_timeout=0.05)
    with pytest.raises(aioca.CANothing):
        await asyncio.wait_for(anext(updates), 60)


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
    assert str(caught.value) == f"{p}DOUBLE.NAME: Write access denied"


async def test_one_subscription_carries_value_time_and_metadata(target, p):
    got = []
    await caput(p + "DOUBLE.EGU", "eV", wait=True)
    await caput(p + "DOUBLE", 1, wait=True)
    monitor = camonitor(p + "DOUBLE", got.append, format=FORMAT_FULL)
    await until(lambda: got)
    value = got[0]
    assert (+value, value.units, value.precision) == (1.0, "eV", 3)
    assert (value.upper_ctrl_limit, value.severity) == (10, 0)
    assert value.raw_stamp
    await caput(p + "DOUBLE", 7, wait=True)
    await until(lambda: len(got) == 2)
    assert (+got[1], got[1].severity, got[1].units) == (7.0, 1, "eV")
    await caput(p + "DOUBLE.EGU", "keV", wait=True)
    await until(lambda: len(got) == 3)
    assert (+got[2], got[2].severity, got[2].units) == (7.0, 1, "keV")
    assert got[2].raw_stamp == got[1].raw_stamp
    assert got[1].units == "eV"
    assert type(got[2]) is type(got[1])
    monitor.close()
    await caput(p + "DOUBLE.EGU", "eV", wait=True)


@pytest.mark.parametrize("name", ["ENUM", "W:DOUBLE", "STRING", "W:CHAR", "LONG"])
async def test_metadata_of_each_type(p, name):
    async with camonitor(p + name, format=FORMAT_FULL) as updates:
        value = await anext(updates)
    assert value.timestamp
    if name == "ENUM":
        assert value.enums == ["ZERO", "ONE", "TWO"]
    elif name == "STRING":
        assert not hasattr(value, "units")
    else:
        assert isinstance(value.units, str)
    assert type(value) is type(await aioca.caget(p + name))


async def test_an_array_is_delivered_again_with_new_metadata(p):
    async with camonitor(p + "W:DOUBLE", format=FORMAT_FULL) as updates:
        first = await anext(updates)
        await caput(p + "W:DOUBLE.EGU", "mA", wait=True)
        second = await anext(updates)
        await caput(p + "W:DOUBLE.EGU", "", wait=True)
    assert (first.units, second.units) == ("", "mA")
    assert first.tolist() == second.tolist()
    assert second.flags.owndata
