"""A client with a thousand subscriptions, of this project's aioca or the released one.

`python many_side.py COUNT`; it answers how many of the last values are BASE and their
PV's number, and how many put callbacks succeeded.
"""

import asyncio
import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "support"))

from child_side import answer_commands, say

from aioca import camonitor, caput

COUNT = int(sys.argv[1])
NAMES = [f"B:MANY{n}" for n in range(COUNT)]


class Client:
    """The commands; each runs in the loop's thread."""

    def __init__(self):
        self.last = {}
        self.changed = asyncio.Event()

    def note(self, value, index):
        self.last[index] = int(value)
        self.changed.set()

    async def wait_for(self, base, seconds):
        """Until every last value is right; how many are."""
        end = self.loop.time() + seconds
        while True:
            right = sum(self.last.get(n) == base + n for n in range(COUNT))
            self.changed.clear()
            if right == COUNT or self.loop.time() > end:
                return right
            try:
                await asyncio.wait_for(self.changed.wait(), 0.5)
            except asyncio.TimeoutError:
                continue

    async def put(self, value):
        """Put callbacks on all; how many succeeded."""
        done = await caput(NAMES, value, wait=True, timeout=30, throw=False)
        return sum(bool(one) for one in done)

    async def put_never(self, name):
        """A put callback that the server does not answer; whether it succeeded."""
        done = await caput("B:" + name, 1, wait=True, timeout=50, throw=False)
        return bool(done)

    async def live(self):
        self.loop = asyncio.get_running_loop()
        camonitor(NAMES, self.note)
        threading.Thread(target=self.obey, daemon=True).start()
        say("READY", {})
        await asyncio.Event().wait()

    def obey(self):
        answer_commands(self.handle)
        os._exit(0)

    def handle(self, do, **arguments):
        call = getattr(self, do)(**arguments)
        return asyncio.run_coroutine_threadsafe(call, self.loop).result(120)


asyncio.run(Client().live())
