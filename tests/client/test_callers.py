"""Callers go on as soon as their answers are taken, and what they get is complete."""

import asyncio
import contextvars
import copy
import gc
import pickle
import time
import weakref

import pytest

from aioca import (
    FORMAT_TIME,
    CANothing,
    _catools,
    caget,
    camonitor,
    caput,
    connect,
    purge_channel_caches,
)

TAG = contextvars.ContextVar("TAG")


async def test_a_caller_goes_on_as_its_own_task(p):
    async def call(number):
        TAG.set(number)
        for _ in range(30):
            await caget(p + "DOUBLE")
            assert TAG.get() == number
            assert asyncio.current_task().get_name() == f"caller {number}"
        return number

    tasks = [
        asyncio.create_task(call(number), name=f"caller {number}")
        for number in range(5)
    ]
    assert await asyncio.gather(*tasks) == [0, 1, 2, 3, 4]


async def test_a_caller_that_cancels_another_whose_answer_is_there(p):
    """Whoever comes first cancels the other one, in the same turn of the loop."""
    await connect([p + "DOUBLE", p + "LONG"])
    ended = []
    tasks = []

    async def call(name):
        try:
            await caget(p + name, timeout=30)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        ended.append("answered")
        for task in tasks:
            if task is not asyncio.current_task():
                task.cancel()

    for _ in range(30):
        ended.clear()
        tasks[:] = [asyncio.create_task(call(name)) for name in ("DOUBLE", "LONG")]
        await asyncio.sleep(0)
        # Both answers come while the loop does not look.
        time.sleep(0.002)
        await asyncio.wait(tasks, timeout=60)
        assert sorted(task.cancelled() for task in tasks) == [False, True]
        # One that was cancelled before it started does not say so.
        assert ended in (["answered", "cancelled"], ["answered"])


async def test_a_caller_that_closes_all_channels(p):
    async def call(number):
        try:
            await caget([p + "DOUBLE", p + "LONG"], timeout=30)
        except CANothing:
            return "closed"
        if number == 0:
            purge_channel_caches()
        return "answered"

    for _ in range(5):
        ended = await asyncio.wait_for(asyncio.gather(*map(call, range(4))), 60)
        assert ended[0] == "answered"
        assert await caget(p + "DOUBLE", timeout=30) is not None


def test_a_caller_that_ends_the_program_leaves_the_others_answered(p):
    async def leave():
        await connect(p + "DOUBLE", timeout=30)
        await caget(p + "DOUBLE")
        raise SystemExit(3)

    async def stay():
        await connect(p + "DOUBLE", timeout=30)
        for _ in range(10):
            await caget(p + "DOUBLE", timeout=30)
        return "answered"

    loop = asyncio.new_event_loop()
    try:
        leaving, staying = loop.create_task(leave()), loop.create_task(stay())
        with pytest.raises(SystemExit):
            loop.run_until_complete(asyncio.gather(leaving, staying))
        assert loop.run_until_complete(asyncio.wait_for(staying, 60)) == "answered"
        assert isinstance(leaving.exception(), SystemExit)
    finally:
        loop.close()


def test_a_caller_that_stops_the_loop(p):
    async def call():
        await caget(p + "DOUBLE", timeout=30)
        asyncio.get_running_loop().stop()
        await caget(p + "DOUBLE", timeout=30)
        return "answered"

    loop = asyncio.new_event_loop()
    try:
        task = loop.create_task(call())
        loop.run_forever()
        assert loop.run_until_complete(asyncio.wait_for(task, 60)) == "answered"
    finally:
        loop.close()


async def test_callers_that_are_no_tasks(p):
    """What waits may be anything with a done callback, or several."""
    call = asyncio.ensure_future(caget(p + "DOUBLE"))
    seen = []
    call.add_done_callback(lambda done: seen.append(done.result()))
    shielded = await asyncio.wait_for(asyncio.shield(call), 60)
    assert shielded == await call
    await asyncio.sleep(0)
    assert seen == [shielded]


async def test_the_collector_stays_as_the_program_has_it(p):
    names = [p + "DOUBLE", p + "STRING", p + "W:DOUBLE"]
    got = []
    subscriptions = [
        camonitor(name, lambda value: got.append(gc.isenabled())) for name in names
    ]
    try:
        for enabled in (False, True):
            (gc.enable if enabled else gc.disable)()
            await caget(names)
            await caput(p + "DOUBLE", float(enabled), wait=True)
            await caput([p + "DOUBLE"], [3.5])
            with pytest.raises(TypeError):
                await caget(5)
            while not got:
                await asyncio.sleep(0.01)
            assert gc.isenabled() == enabled
            assert set(got) == {enabled}
            got.clear()
            await caput(p + "DOUBLE", 7.0 + enabled)
    finally:
        gc.enable()
        for subscription in subscriptions:
            subscription.close()


async def test_a_text_that_cannot_be_read_leaves_the_collector_on(p):
    name = p + "W:CHAR"
    before = await caget(name)
    await caput(name, [0xFF, 0xFE], wait=True)
    try:
        for call in (name, [name]):
            with pytest.raises(UnicodeDecodeError):
                await caget(call, datatype=998)  # DBR_CHAR_UNICODE is strict
            assert gc.isenabled()
    finally:
        await caput(name, before, wait=True)


class Holder:
    """Something that a value may know, and that knows the value."""


@pytest.mark.parametrize("name", ["DOUBLE", "LONG", "STRING", "W:DOUBLE"])
async def test_values_in_a_cycle_are_collected(p, name):
    value = await caget(p + name, format=FORMAT_TIME)
    holder = Holder()
    gone = weakref.ref(holder)
    value.holder, holder.value = holder, value
    del value, holder
    gc.collect()
    assert gone() is None


async def test_the_result_of_a_put_is_complete(p):
    one = await caput(p + "DOUBLE", 1.5)
    (other,) = await caput([p + "DOUBLE"], [2.5], wait=True)
    for result in (one, other, pickle.loads(pickle.dumps(one)), copy.copy(other)):
        assert isinstance(result, CANothing)
        assert (result.name, result.args) == (p + "DOUBLE", (p + "DOUBLE",))
        assert (result.ok, result.errorcode, bool(result)) == (True, 1, True)
        assert p + "DOUBLE" in str(result)
    assert one is not other
    one.name = "another"
    one.mine = 5
    assert (one.name, one.mine) == ("another", 5)
    assert other.name == (await caput(p + "DOUBLE", 1.5)).name == p + "DOUBLE"


async def test_forms_for_other_classes_can_be_registered():
    def scalar(what):
        return form("scalar", what)

    async def form(name, what):
        return name, what

    chosen = _catools._by_first_argument(scalar)
    _catools._list_form_of(chosen)(lambda what: form("list", what))
    assert await chosen("x") == ("scalar", "x")
    assert await chosen(["x"]) == ("list", ["x"])
    assert await chosen(pv=("x",)) == ("list", ("x",))
    assert await chosen(5) == ("scalar", 5)

    class Name(str):
        """A text of a program's own."""

    chosen.register(Name)(lambda what: form("name", what))
    assert await chosen(Name("x")) == ("name", "x")
    assert await chosen("x") == ("scalar", "x")
    chosen.register(str)(lambda what: form("str", what))
    assert await chosen("x") == ("str", "x")
    assert await chosen(Name("x")) == ("name", "x")
