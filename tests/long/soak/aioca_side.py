"""An aioca client of the soak: subscribes, gets, puts, changes its mind.

`strict` as its first argument: nothing may fail, because nothing is in between.
"""

import asyncio
import gc
import os
import random
import sys
import threading

from child_side import answer_commands, say
from epicscorelibs.ca.cadef import Disconnected
from watching import PREFIX, TEMPORARY, WATCHED, Watch

from aioca import CANothing, caget, camonitor, caput, connect, purge_channel_caches

PAUSE = 0.25


class Client:
    def __init__(self, strict, own_put):
        self.strict, self.own_put = strict, PREFIX + own_put
        self.watch = Watch()
        self.subscriptions = {}
        self.counters = dict.fromkeys(("gets", "puts", "failed", "renewed"), 0)
        self.number = 0
        self.held = False
        self.idle = asyncio.Event()

    def handle(self, do):
        run = asyncio.run_coroutine_threadsafe(getattr(self, do)(), self.loop)
        return run.result(60)

    async def last(self):
        return self.watch.last

    async def report(self):
        gc.collect()
        return {
            **self.counters,
            "updates": self.watch.updates,
            "wrong": self.watch.wrong,
        }

    async def hold(self):
        """Nothing but the subscriptions goes on."""
        self.held = True
        await self.idle.wait()

    async def go_on(self):
        self.held = False

    async def live(self):
        self.loop = asyncio.get_running_loop()
        threading.Thread(target=self.obey, daemon=True).start()
        for name in WATCHED:
            self.subscribe(name)
        say("READY", {})
        while True:
            await asyncio.sleep(PAUSE)
            if self.held:
                self.idle.set()
                continue
            self.idle.clear()
            try:
                await self.turn()
            except (CANothing, Disconnected) as failure:
                self.counters["failed"] += 1
                if self.strict:
                    self.watch.complain(f"failed: {failure!r}")

    def obey(self):
        answer_commands(self.handle)
        os._exit(0)

    def subscribe(self, name):
        self.subscriptions[name] = camonitor(
            name, lambda value: self.watch.note(name, value)
        )

    async def turn(self):
        number = self.number = self.number + 1
        await caput(self.own_put, number, wait=True, timeout=20)
        found = await caget(self.own_put, timeout=20)
        if found != number:
            self.watch.complain(f"{self.own_put}: put {number}, got {found}")
        await caget(random.sample(WATCHED, 4), timeout=20)
        self.counters["gets"] += 5
        self.counters["puts"] += 1
        if number % 4 == 0:
            await self.renew(random.choice(WATCHED))
        if number % 8 == 0:
            await self.provoke(number)
        await self.cancel_some(number)
        if number % 40 == 0:
            self.start_over()

    async def cancel_some(self, number):
        """Whatever is under way is given up, at any of its steps."""
        put = PREFIX + "PUT5"
        tasks = [
            asyncio.ensure_future(request)
            for request in (
                caget(random.sample(WATCHED, 3), timeout=20),
                caput(put, number, wait=True, timeout=20),
                caput([put, put], number, timeout=20),
                caget(PREFIX + "LATE", timeout=20),
                connect(random.choice(TEMPORARY), timeout=20),
            )
        ]
        await asyncio.sleep(random.choice([0, 0, 0.0003, 0.001, 0.01]))
        for task in tasks:
            task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            ended = isinstance(outcome, asyncio.CancelledError)
            failed = isinstance(outcome, BaseException) and not ended
            if (
                self.strict
                and failed
                and not (isinstance(outcome, CANothing) and outcome.ok)
            ):
                self.watch.complain(f"cancelled: {outcome!r}")

    def start_over(self):
        """Gives up every channel, which closes the subscriptions as well."""
        purge_channel_caches()
        self.counters["renewed"] += len(WATCHED)
        for name in WATCHED:
            self.subscribe(name)

    async def renew(self, name):
        self.subscriptions.pop(name).close()
        self.counters["renewed"] += 1
        self.subscribe(name)

    async def provoke(self, number):
        """What is answered late, refused, or not there."""
        await caput(PREFIX + "LATE", number, wait=True, timeout=20)
        refused = await caput(PREFIX + "RAISES", 1, wait=True, timeout=20, throw=False)
        if refused:
            self.watch.complain("a put was taken that the driver refused")
        got = await caget(PREFIX + "READ_RAISES", timeout=20, throw=False)
        if got.ok:
            self.watch.complain("a get was answered that the driver refused")
        await connect(random.choice(TEMPORARY), timeout=0.2, throw=False)


asyncio.run(Client(sys.argv[1] == "strict", sys.argv[2]).live())
