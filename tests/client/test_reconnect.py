"""Loss of the server, its return, and the state of channels."""

import asyncio
import gc
import weakref

import pytest
from client_support import until

from aioca import CANothing, caget, cainfo, camonitor, caput, connect, watch_channel

DATABASE = 'record(longout, "C:R") { field(VAL, "1") field(PINI, "YES") }'


async def test_monitor_is_told_of_the_loss_and_goes_on(ioc):
    ioc.start(DATABASE)
    got, quiet = [], []
    camonitor("C:R", got.append, notify_disconnect=True)
    camonitor("C:R", quiet.append)
    await until(lambda: got and quiet)
    ioc.kill()
    await until(lambda: isinstance(got[-1], CANothing))
    assert (got[-1].name, got[-1].errorcode) == ("C:R", 192)
    lost = await cainfo("C:R", wait=False)
    assert (lost.state, lost.count, lost.datatype) == (1, 0, 7)
    assert (lost.read, lost.write, lost.host) == (False, False, "<disconnected>")
    ioc.start(DATABASE.replace('"1"', '"2"'))
    await until(lambda: not isinstance(got[-1], CANothing))
    assert got[-1] == 2
    await until(lambda: quiet[-1] == 2)
    assert not any(isinstance(value, CANothing) for value in quiet)


async def test_calls_of_a_lost_server_fail_and_work_again(ioc):
    ioc.start(DATABASE)
    await connect("C:R")
    ioc.pause()
    call = asyncio.ensure_future(caget("C:R", timeout=None, throw=False))
    put = asyncio.ensure_future(caput("C:R", 3, wait=True, timeout=None, throw=False))
    await asyncio.sleep(0.1)
    ioc.kill()
    for result in await asyncio.wait_for(asyncio.gather(call, put), 10):
        assert isinstance(result, CANothing)
        assert result.errorcode == 192
    waiting = asyncio.ensure_future(caget("C:R", timeout=None))
    ioc.start(DATABASE)
    assert await asyncio.wait_for(waiting, 30) == 1


async def test_state_is_watched_through_a_reconnect(ioc):
    watch = watch_channel("C:R")
    assert not watch.state.connected
    seen = []

    async def follow():
        async for state in watch:
            assert state not in seen[-1:], "told again"
            seen.append(state)

    task = asyncio.create_task(follow())
    ioc.start(DATABASE)
    state = await asyncio.wait_for(watch.wait_for(connected=True, writable=True), 20)
    assert state.readable
    assert state.host
    ioc.kill()
    lost = await asyncio.wait_for(watch.wait_for(connected=False), 20)
    assert lost.host is None
    assert not lost.writable
    ioc.start(DATABASE)
    await asyncio.wait_for(watch.wait_for(connected=True), 30)
    await until(lambda: task.done() or [s.connected for s in seen].count(True) >= 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not seen[0].connected


async def test_access_rights_are_watched(ioc, p):
    watch = watch_channel(p + "DOUBLE.NAME")
    state = await asyncio.wait_for(watch.wait_for(connected=True), 10)
    assert state.readable
    assert not state.writable


async def test_a_watch_is_forgotten_when_its_iteration_ends(p):
    watch = watch_channel(p + "DOUBLE")
    states = watch.__aiter__()
    await anext(states)
    await states.aclose()
    gone = weakref.ref(watch)
    del watch, states
    gc.collect()
    assert gone() is None
