"""What once ended a client's process or held it up for ever, each by its name.

`memory_side.py CASE` talks to a `Puppet` in the same process, and prints "OK" at the
end. It is a process of its own because memory errors would end it.
"""

import asyncio
import contextlib
import faulthandler
import gc
import os
import select
import sys
import threading
import time
import warnings

from puppet import Puppet

from support import wire

SECONDS = 60
SERVER = Puppet()
SERVER.use()

import aioca  # noqa: E402
from aioca import (  # noqa: E402
    CANothing,
    caget,
    camonitor,
    caput,
    connect,
    operations,
)
from aioca.native import _loop  # noqa: E402
from aioca.native._request import GET, Request  # noqa: E402

CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


def wait_until(condition):
    """Waits without letting the event loop turn."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.001)


async def until(condition):
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "nothing happened"
        await asyncio.sleep(0.001)


def wait_until_queued():
    """Waits, without a turn of the loop, until something is queued for it."""
    loop = asyncio.get_running_loop()
    watched = [k.fd for k in loop._selector.get_map().values()]
    assert select.select(
        [fd for fd in watched if fd != loop._ssock.fileno()], [], [], 9
    )


async def turn(times=5):
    for _ in range(times):
        await asyncio.sleep(0)


async def fill_the_circuit(name="P:FULL:BIG"):
    """Stalls the server and puts so much that calls must be passed on."""
    await connect(name)
    SERVER.stall()
    puts = [asyncio.ensure_future(caput(name, [1.0] * 2000, timeout=None))
            for _ in range(400)]  # fmt: skip
    await turn()
    assert not puts[-1].done()
    return puts


async def drop(tasks):
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@case
async def a_call_cancelled_with_a_failure_queued():
    names = ["P:REFUSE", "P:SILENT"]
    await connect(names)
    for throw in (True, False):
        request = Request(GET, names, single=False, throw=throw, timeout=None)
        wait_until_queued()
        request.cancel()
        del request
        await turn()
        # The same as programs do it.
        task = asyncio.ensure_future(caget(names, throw=throw, timeout=None))
        await turn(1)
        wait_until_queued()
        task.cancel()
        del task
        await turn()


@case
async def a_subscription_closed_behind_a_stalled_server():
    got = []
    monitor = camonitor("P:A", got.append)
    await until(lambda: got)
    puts = await fill_the_circuit()
    SERVER.post()
    wait_until_queued()
    monitor.close()
    await turn()
    await drop(puts)
    SERVER.go_on()


@case
async def channels_purged_behind_a_stalled_server():
    await connect(["P:A", "P:B"])
    puts = await fill_the_circuit()
    SERVER.grant(1)
    wait_until_queued()
    aioca.purge_channel_caches()
    await turn()
    await drop(puts)
    SERVER.go_on()


@case
async def garbage_collected_while_a_list_times_out():
    # Each collection leaves new garbage, with a request in it, for the next one.
    names = ["P:SILENT", "P:NONE:SILENT"]
    await connect(names)

    class Cycle:
        pass

    def litter(phase, _info):
        if phase == "stop":
            cycle = Cycle()
            cycle.me = cycle
            cycle.request = operations.get_one("P:SILENT", None, 0, 0, None, True)
            cycle.request.cancel()

    kept = []

    class Emptying(asyncio.Future):
        # Python keeps freed lists for the next ones. Without them each new one is an
        # allocation, which may collect. Asked just before the error is made.
        def done(self):
            kept.extend([] for _ in range(100))
            return super().done()

    loop = asyncio.get_running_loop()
    loop.create_future = lambda: Emptying(loop=loop)
    thresholds = gc.get_threshold()
    gc.callbacks.append(litter)
    for _ in range(60):
        gc.set_threshold(1)
        with contextlib.suppress(CANothing):
            await caget(names, timeout=0.001)
        gc.set_threshold(*thresholds)
    gc.callbacks.remove(litter)


@case
async def caches_purged_by_another_thread():
    stop = threading.Event()
    failures = []

    async def work():
        while not stop.is_set():
            monitor = camonitor("P:A", lambda value: None, all_updates=True)
            await caget(["P:A", "P:B", "P:A:BIG"], timeout=0.2, throw=False)
            await caput(["P:A", "P:C"], 1, timeout=0.2, throw=False, wait=True)
            with contextlib.suppress(CANothing):
                await connect("P:B", timeout=0.05)
            monitor.close()

    def run():
        try:
            asyncio.run(work())
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and not failures:
        aioca.purge_channel_caches()
        await asyncio.sleep(0.002)
    stop.set()
    await asyncio.to_thread(lambda: [thread.join(SECONDS) for thread in threads])
    assert not any(thread.is_alive() for thread in threads)
    assert not failures, failures


@case
async def a_purge_reaches_the_loop_of_another_thread():
    opened, stop = threading.Event(), threading.Event()
    told = []

    async def work():
        monitor = camonitor("P:A", lambda value: None)
        await connect("P:A")
        waiting = asyncio.ensure_future(caget("P:SILENT", timeout=None))
        await turn()
        opened.set()
        told.extend(await asyncio.gather(waiting, return_exceptions=True))
        told.append(monitor.state == monitor.CLOSED)
        told.append(aioca.get_channel_infos())
        assert await caget("P:A") is not None

    thread = threading.Thread(target=lambda: asyncio.run(work()))
    thread.start()
    wait_until(opened.is_set)
    aioca.purge_channel_caches()
    thread.join(SECONDS)
    assert isinstance(told[0], CANothing), told
    assert told[1:] == [True, []]
    stop.set()


@case
def a_neglected_loop_leaves_the_main_threads_context_alone():
    import ctypes

    from epicscorelibs.ca import cadef

    current = ctypes.CFUNCTYPE(ctypes.c_void_p)(("ca_current_context", cadef.libca))
    loops = []

    def leave_a_loop_behind():
        loop = asyncio.new_event_loop()
        got = []

        async def subscribe():
            camonitor("P:A", got.append, all_updates=True)
            await until(lambda: got)

        loop.run_until_complete(subscribe())
        loop.close()
        loops.append(loop)

    thread = threading.Thread(target=leave_a_loop_behind)
    thread.start()
    thread.join(SECONDS)
    cadef.ca_context_create(1)
    mine = current()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        deadline = time.monotonic() + SECONDS
        while any(state.loop is loops[0] for state in _loop.known_loops()):
            assert time.monotonic() < deadline, "the closed loop is still known"
            SERVER.post()
            time.sleep(0.02)
    assert mine
    assert current() == mine
    assert not said


@case
async def nothing_is_left_after_late_answers():
    held = []

    def hold(message, _name):
        held.append(message)
        return "silent"

    names = ["P:A", "P:B"]
    await connect(names)
    monitor = camonitor("P:C", lambda value: None)
    await until(lambda: SERVER.count(wire.EVENT_ADD))
    SERVER.policy = hold
    calls = [
        caget(names, timeout=0.05),
        caget(names, timeout=0.05, throw=False),
        caget("P:A", timeout=0.05, throw=False),
        caput(names, 1, wait=True, timeout=0.05),
        caput("P:B", 1, wait=True, timeout=None),
    ]
    tasks = [asyncio.ensure_future(call) for call in calls]
    await until(lambda: len(held) == 8)
    tasks[-1].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    del tasks, calls
    for circuit in SERVER.circuits:
        circuit.send(b"".join(circuit.reply(m, wire.ECA_NORMAL) for m in held))
    monitor.close()
    # The answers are there: only the three channels remain.
    await until(lambda: _loop.live_objects() == 3)
    aioca.purge_channel_caches()
    await until(lambda: _loop.live_objects() == 0)


@case
async def nothing_is_left_of_cancelled_calls():
    names = ["P:SILENT", "P:A", "P:ABSENT"]
    await connect(names, timeout=1000)
    SERVER.visible = False
    for name in (*names, "P:NEVER", names, [*names, "P:NEVER"]):
        for call in (caget, connect):
            await drop([asyncio.ensure_future(call(name, timeout=1000))])
            task = asyncio.ensure_future(call(name, timeout=1000))
            await turn()
            await drop([task])
            del task
            coroutine = call(name, timeout=1000)
            with contextlib.suppress(StopIteration):
                coroutine.send(None)
            coroutine.close()
    SERVER.go_on()
    SERVER.cut()
    aioca.purge_channel_caches()
    await until(lambda: _loop.live_objects() == 0)


@case
def nothing_is_left_of_closed_loops():
    async def leave():
        camonitor("P:A", lambda value: None)
        camonitor("P:NEVER", lambda value: None)
        left = [
            asyncio.ensure_future(caget("P:SILENT", timeout=None)),
            asyncio.ensure_future(caget(["P:A", "P:NEVER"], timeout=1000)),
        ]
        await connect(["P:A", "P:SILENT"])
        SERVER.post(3)
        await turn(2)
        assert not any(task.done() for task in left)

    for _ in range(5):
        loop = asyncio.new_event_loop()
        loop.run_until_complete(leave())
        loop.close()
    del loop
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of tasks that never ended
        _loop.dispose_closed()
        gc.collect()
    wait_until(lambda: _loop.live_objects() == 0)


async def watched(work):
    """What was told to the loop's exception handler meanwhile."""
    failures = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, context: failures.append(context))
    await work
    await turn()
    gc.collect()
    return failures


def main():
    # Held up for ever is a failure as well: the stacks say where.
    faulthandler.dump_traceback_later(50, exit=True)
    work = CASES[sys.argv[1]]
    if asyncio.iscoroutinefunction(work):
        failures = asyncio.run(watched(work()))
        assert not failures, failures
    else:
        work()
    print("OK", flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
