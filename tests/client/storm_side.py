"""Random programs that cancel, close and purge at any moment.

`storm_side.py SEED SECONDS`. Several servers answer, refuse, keep silent, lie, stall
and cut. Several threads run one event loop after the other. In each, tasks call this
package and are cancelled after any number of turns, subscriptions are closed from
anywhere, and loops are closed with all of that under way. At the end nothing may be
left, neither a call that waits nor an object.
"""

import asyncio
import contextlib
import faulthandler
import gc
import logging
import os
import random
import sys
import threading
import time
import traceback
import warnings

from puppet import ANSWER, CUT, LIE, REFUSE, SILENT, Puppet

from support.environment import client_environment
from support.ports import LOOPBACK

SEED, SECONDS = int(sys.argv[1]), float(sys.argv[2])
END_SECONDS = 60
random.seed(SEED)


def policy_of(seed):
    choice = random.Random(seed)

    def policy(_message, _name):
        return choice.choices((ANSWER, REFUSE, SILENT, LIE, CUT), (70, 8, 14, 7, 0.2))[
            0
        ]

    return policy


SERVERS = [Puppet(policy_of(SEED * 10 + n), prefix=f"P{n}:".encode()) for n in range(4)]
os.environ.update(
    client_environment(
        SERVERS[0].port,
        EPICS_CA_ADDR_LIST=" ".join(f"{LOOPBACK}:{s.port}" for s in SERVERS),
        EPICS_CA_CONN_TMO="2",
        EPICS_CA_MAX_ARRAY_BYTES="10000000",
        EPICS_CA_MAX_SEARCH_PERIOD="60",
    )
)

from epicscorelibs.ca import cadef, dbr  # noqa: E402

import aioca  # noqa: E402
from aioca import CANothing  # noqa: E402
from aioca.native import _loop  # noqa: E402

NAMES = [f"P{n}:{kind}" for n in range(4) for kind in ("A", "B", "C:BIG")]
NAMES += ["P9:NOWHERE", "P0:A.VAL$"]
EXPECTED = (
    CANothing,
    cadef.CAException,
    cadef.Disconnected,
    dbr.InvalidDatatype,
    asyncio.CancelledError,
    asyncio.TimeoutError,
)
problems = []
stop = threading.Event()


class Deliberate(Exception):
    """What callbacks raise."""


class Storm:
    """What one event loop does."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.monitors = []
        self.tasks = set()

    def names(self):
        count = self.random.choice([1, 1, 1, 2, 3, 12])
        chosen = [self.random.choice(NAMES) for _ in range(count)]
        return chosen[0] if count == 1 and self.random.random() < 0.8 else chosen

    def options(self):
        pick = self.random.choice
        return {
            "timeout": pick([None, 5.0, 0.0, 0.001, 0.003, 0.01, (time.time(),)]),
            "throw": pick([True, False]),
        }

    def a_call(self):
        pick = self.random.choice
        kind = self.random.randrange(6)
        names, options = self.names(), self.options()
        if kind < 2:
            form, count = pick([0, 1, 2]), pick([0, -1, 1, 5])
            datatype = pick([None, None, int, str, 999, dbr.DBR_ENUM])
            return aioca.caget(names, datatype=datatype, format=form, count=count,
                               **options)  # fmt: skip
        if kind == 2:
            value = pick([1.5, "2", [1.0] * 2000])
            if isinstance(names, list):
                value = [value] * len(names)
            return aioca.caput(names, value, wait=True, **options)
        if kind == 3:
            return aioca.caput(names, 2, wait=False, **options)
        if kind == 4:
            return aioca.connect(names, wait=pick([True, True, False]), **options)
        return aioca.cainfo(names, wait=pick([True, False]), **options)

    async def call(self):
        try:
            result = await self.a_call()
            repr(result)
        except EXPECTED:
            pass

    def callback(self, value, *_index):
        repr(value)
        chance = self.random.random()
        if chance < 0.02:
            raise Deliberate
        if chance < 0.05 and self.monitors:
            self.random.choice(self.monitors).close()
        if chance < 0.07:
            self.cancel_some()

    async def slow_callback(self, value, *_index):
        self.callback(value)
        await asyncio.sleep(self.random.choice([0, 0, 0.001]))

    def subscribe(self):
        pick = self.random.choice
        made = aioca.camonitor(
            self.names(),
            pick([self.callback, self.slow_callback]),
            format=pick([0, 1, 2, 3]),
            datatype=pick([None, None, str]),
            all_updates=pick([True, False]),
            notify_disconnect=pick([True, False]),
            connect_timeout=pick([None, 0, 0.002]),
        )
        self.monitors += made if isinstance(made, list) else [made]

    async def iterate(self):
        monitor = aioca.camonitor(self.random.choice(NAMES), all_updates=True)
        with contextlib.suppress(CANothing):
            async with monitor:
                async for value in monitor:
                    repr(value)

    async def watch(self):
        async for _state in aioca.watch_channel(self.random.choice(NAMES)):
            pass

    def cancel_some(self):
        if self.tasks:
            some = self.random.sample(list(self.tasks), (len(self.tasks) + 2) // 3)
            for task in some:
                task.cancel()

    def start(self, coroutine):
        task = asyncio.ensure_future(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.done)

    def done(self, task):
        self.tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            if not isinstance(task.exception(), EXPECTED):
                problems.append(task.exception())

    def step(self):
        chance = self.random.random()
        if chance < 0.5 and len(self.tasks) < 60:
            self.start(self.call())
        elif chance < 0.62 and len(self.monitors) < 40:
            self.subscribe()
        elif chance < 0.66:
            self.start(self.random.choice([self.iterate, self.watch])())
        elif chance < 0.75:
            self.cancel_some()
        elif chance < 0.85 and self.monitors:
            number = self.random.randrange(len(self.monitors))
            self.monitors.pop(number).close()
        elif chance < 0.9 and self.monitors:
            repr(self.random.choice(self.monitors).pending_values)
        elif chance < 0.93:
            # A call that is given up before it was awaited, or half way.
            coroutine = self.a_call()
            if self.random.random() < 0.5:
                with contextlib.suppress(StopIteration, *EXPECTED):
                    coroutine.send(None)
            coroutine.close()
        elif chance < 0.94:
            aioca.purge_channel_caches()
        elif chance < 0.95:
            time.sleep(0.01)  # the loop stands still, events are queued
        elif chance < 0.96:
            gc.collect()
        else:
            aioca.get_channel_infos()

    async def run(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end and not stop.is_set():
            for _ in range(self.random.choice([0, 1, 1, 3, 10])):
                self.step()
            await asyncio.sleep(self.random.choice([0, 0, 0, 0.001]))

    async def run_and_end(self, seconds):
        await self.run(seconds)
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        for monitor in self.monitors:
            monitor.close()


def one_loop(seed, left):
    """Runs a storm in a loop of its own, which is closed in one of several ways."""
    choice = random.Random(seed)
    storm = Storm(seed)
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(on_trouble)
    seconds = choice.choice([0.05, 0.2, 0.5])
    how = choice.randrange(4)
    try:
        loop.run_until_complete(
            storm.run_and_end(seconds) if how < 2 else storm.run(seconds)
        )
    finally:
        if how < 3:
            loop.close()
        else:  # later, by somebody else, when it is long forgotten
            left.append(loop)
    if how == 2:
        for monitor in storm.monitors[::2]:
            monitor.close()
    for old in left[:-2]:
        left.remove(old)
        old.close()


def on_trouble(_loop, context):
    error = context.get("exception")
    # Puts that failed, callbacks of subscriptions that were meant to fail.
    if isinstance(error, EXPECTED) or "was destroyed but it is pending" in str(context):
        return
    problems.append(error or context)


def run_loops(seed, end):
    choice = random.Random(seed)
    left = []
    try:
        while time.monotonic() < end and not problems:
            one_loop(choice.random(), left)
    except BaseException as error:
        problems.append(error)
    for loop in left:
        loop.close()


def torment(seed, end):
    """Lets the servers stall, post and now and then cut."""
    choice = random.Random(seed)
    while time.monotonic() < end:
        server = choice.choice(SERVERS)
        what = choice.random()
        if what < 0.3:
            server.stall()
        elif what < 0.6:
            server.go_on()
        elif what < 0.97:
            server.post(choice.choice([1, 1, 5]))
        elif what < 0.99:
            server.grant(choice.choice([0, 1, 3]))
        elif choice.random() < 0.1:
            server.cut()
        time.sleep(choice.choice([0.001, 0.005, 0.02]))
    for server in SERVERS:
        server.go_on()


def main():
    faulthandler.enable()
    faulthandler.dump_traceback_later(SECONDS + 2 * END_SECONDS, exit=True)
    logging.getLogger("aioca").setLevel(logging.CRITICAL)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    warnings.simplefilter("ignore")
    sys.stderr = open(os.devnull, "w")  # subscriptions tell of their exceptions there
    sys.unraisablehook = lambda told: problems.append(told.exc_value)
    end = time.monotonic() + SECONDS
    threads = [
        threading.Thread(target=run_loops, args=(SEED * 100 + n, end)) for n in range(3)
    ]
    threads.append(threading.Thread(target=torment, args=(SEED, end)))
    for thread in threads:
        thread.start()
    run_loops(SEED * 100 + 50, end)
    for thread in threads:
        thread.join(END_SECONDS)
        assert not thread.is_alive(), "a thread hangs"
    deadline = time.monotonic() + END_SECONDS
    while _loop.live_objects() and time.monotonic() < deadline:
        _loop.dispose_closed()
        gc.collect()
        time.sleep(0.01)
    if _loop.live_objects():
        problems.append(AssertionError(f"{_loop.live_objects()} objects are left"))
    for problem in problems[:5]:
        if isinstance(problem, BaseException):
            traceback.print_exception(problem, file=sys.__stderr__)
        else:
            print(problem, file=sys.__stderr__)
    print("FAILED" if problems else "OK", flush=True)
    os._exit(1 if problems else 0)


main()
