"""Several event loops, threads, kinds of loops, and what they leave behind."""

import asyncio
import gc
import os
import subprocess
import sys
import threading
import time
import warnings

import pytest
import uvloop

import aioca
from aioca import caget, camonitor, caput
from aioca.native import _loop
from pcaspy import Driver
from pcaspy.testing import IsolatedServer


def run_in(loop, coroutine):
    try:
        return loop.run_until_complete(asyncio.wait_for(coroutine, 20))
    finally:
        loop.close()


class NoReaders(asyncio.SelectorEventLoop):
    """A loop that cannot watch descriptors, as the one of Windows."""

    def add_reader(self, *args):
        raise NotImplementedError


async def use(p):
    got = []
    monitor = camonitor(p + "DOUBLE", got.append, format=1)
    values = await caget([p + "DOUBLE", p + "STRING"])
    await caput(p + "W:DOUBLE", [1, 2, 3], wait=True)
    deadline = time.monotonic() + 10
    while not got:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)
    monitor.close()
    return len(values), got[0].name


@pytest.mark.parametrize(
    "make", [asyncio.SelectorEventLoop, NoReaders, uvloop.new_event_loop]
)
def test_kinds_of_loops(make, p):
    assert run_in(make(), use(p)) == (2, p + "DOUBLE")
    # The next one finds the same context and other channels.
    assert run_in(make(), use(p)) == (2, p + "DOUBLE")


def test_loops_in_several_threads(p):
    results = []

    def run():
        results.append(run_in(asyncio.new_event_loop(), use(p)))

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert results == [(2, p + "DOUBLE")] * 6


def test_a_closed_loop_is_forgotten(p):
    loop = asyncio.new_event_loop()
    got = []

    async def start():
        monitor = camonitor(p + "LONG", got.append, all_updates=True)
        while not got:
            await asyncio.sleep(0.005)
        return monitor

    monitor = run_in(loop, start())
    assert any(state.loop is loop for state in _loop.known_loops())

    async def other():
        # Updates keep coming; nobody reads that loop's queue any more.
        for number in range(400):
            await caput(p + "LONG", number % 9, wait=True)
            await asyncio.sleep(0.005)
            if not any(state.loop is loop for state in _loop.known_loops()):
                return number
        raise AssertionError("the closed loop is still known")

    run_in(asyncio.new_event_loop(), other())
    assert monitor.state == monitor.CLOSED
    monitor.close()


def test_a_purge_forgets_loops_that_were_closed(p):
    loop = asyncio.new_event_loop()
    run_in(loop, use(p))
    assert loop.is_closed()
    assert any(state.loop is loop for state in _loop.known_loops())
    aioca.purge_channel_caches()
    assert not any(state.loop is loop for state in _loop.known_loops())


class Interrupted(asyncio.SelectorEventLoop):
    """Another thread makes a loop while this one is asked if it is closed."""

    between = None

    def is_closed(self):
        between, self.between = self.between, None
        if between:
            thread = threading.Thread(target=between)
            thread.start()
            thread.join(20)
        return super().is_closed()


def test_a_loop_that_comes_while_closed_ones_are_looked_for():
    async def begin():
        return _loop.running_loop()

    loop = Interrupted()
    run_in(loop, begin())
    loop.close()
    loop.between = lambda: asyncio.run(begin())
    _loop.dispose_closed()
    assert not any(state.loop is loop for state in _loop.known_loops())


def test_nothing_is_left_after_a_loop(p):
    def run():
        run_in(asyncio.new_event_loop(), use(p))
        _loop.dispose_closed()

    run()
    gc.collect()
    before = len(gc.get_objects())
    for _ in range(10):
        run()
    gc.collect()
    assert len(gc.get_objects()) - before < 200


def test_run_is_deprecated_and_works(p):
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    with pytest.warns(DeprecationWarning, match="asyncio.run"):
        assert aioca.run(use(p)) == (2, p + "DOUBLE")
    assert loop.is_closed()
    asyncio.set_event_loop(None)


TUTORIAL = """
import asyncio
from aioca import caget, caput, camonitor, run

PV = {pv!r}

async def do_stuff():
    def callback(value):
        print(value, flush=True)
        if value == 7:
            asyncio.get_running_loop().stop()
    camonitor(PV, callback)
    await caput(PV, 3, wait=True)
    print(await caget(PV))
    await caput(PV, 7)

run(do_stuff(), forever=True)
"""


def test_the_tutorial_runs(p):
    done = subprocess.run(
        [sys.executable, "-c", TUTORIAL.format(pv=p + "LONG")],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == "7"


EXIT = """
import asyncio, sys
from aioca import camonitor, caput
got = set()
async def main():
    for i in range(300):
        camonitor({pv!r}, lambda value, i=i: got.add(i), format=1, all_updates=True)
    while len(got) < 300:
        await asyncio.sleep(0.01)
    for i in range(20):
        await caput({pv!r}, i % 9)
{how}
"""


@pytest.mark.parametrize(
    "how",
    [
        "asyncio.run(main())",
        "asyncio.new_event_loop().run_until_complete(main())",
        "    sys.exit(0)\nasyncio.run(main())",
    ],
)
def test_exit_with_many_live_monitors(p, how):
    for _ in range(7):
        done = subprocess.run(
            [sys.executable, "-X", "dev", "-c", EXIT.format(pv=p + "LONG", how=how)],
            capture_output=True,
            text=True,
            timeout=30,
        )
        errors = [
            line
            for line in done.stderr.splitlines()
            # -X dev also says when a step took long, on a busy machine.
            if "ResourceWarning" not in line
            and not line.startswith((" ", "Executing <"))
        ]
        assert (done.returncode, errors) == (0, [])


def test_beside_another_user_of_libca(p):
    """Another package made the context first: it is used, and left alone."""
    program = f"""
import asyncio, aioca
from epicscorelibs.ca import cadef
cadef.ca_context_create(1)
print(asyncio.run(aioca.caget({p + "DOUBLE"!r})))
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_another_context_of_a_thread_is_replaced_with_a_warning(p):
    from epicscorelibs.ca import cadef

    run_in(asyncio.new_event_loop(), use(p))
    caught = []

    def run():
        cadef.ca_context_create(1)
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            run_in(asyncio.new_event_loop(), use(p))
            caught.extend(str(one.message) for one in found)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(30)
    assert any("There is already a CA context" in text for text in caught)


def test_one_loop_after_the_other_shares_a_circuit():
    """A server that libca has just left can be out of its reach for 10 s."""
    program = """
import asyncio, aioca
for number in range(20):
    assert asyncio.run(aioca.caput("RUNS", number, wait=True))
    assert asyncio.run(aioca.caget("RUNS")) == number
"""
    with IsolatedServer() as server:
        server.createPV("", {"RUNS": {"type": "int"}})
        driver = Driver()
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, **server.environment()},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert driver.getParam("RUNS") == 19
        assert server.stats()["circuits_accepted"] == 1
