"""A program with aioca that ends with much under way.

`ending_client.py WAY SECONDS`
"""

import asyncio
import os
import signal
import sys
import threading

from aioca import caget, camonitor, caput, run

WAY, SECONDS = sys.argv[1], float(sys.argv[2])
WATCHED = ["B:SCAN0", "B:FAST0", "B:FAST1", "B:ARRAY"]
updates = {}
enough = asyncio.Event()


def note(value, index):
    updates[index] = value
    if len(updates) == len(WATCHED):
        enough.set()


async def ask_for_ever():
    while True:
        await caget(["B:ARRAY", "B:SCAN1", "B:ECHO"])


async def begin():
    """All that is under way when the program ends."""
    camonitor(WATCHED, note)
    tasks = [
        asyncio.create_task(caput("B:NEVER", 1, wait=True, timeout=None)),
        asyncio.create_task(ask_for_ever()),
    ]
    if WAY != "hurry":
        await enough.wait()
    await asyncio.sleep(SECONDS)
    print("under way", flush=True)
    return tasks


async def main():
    tasks = await begin()
    if WAY == "exit":
        sys.exit(3)
    if WAY == "cancel":
        for task in tasks:
            task.cancel()
    if WAY == "raise":
        raise RuntimeError("the program fails")
    if WAY == "interrupt":
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(30)


if WAY == "thread":
    # The loop runs in a daemon thread, and the main thread ends under it.
    begun = threading.Event()

    async def in_thread():
        await begin()
        begun.set()
        await asyncio.sleep(30)

    threading.Thread(target=asyncio.run, args=(in_thread(),), daemon=True).start()
    begun.wait(30)
elif WAY == "no loop":
    # A loop that is neither run to its end nor closed.
    loop = asyncio.new_event_loop()
    kept = loop.run_until_complete(begin())
elif WAY == "cancel":
    run(main())
else:
    asyncio.run(main())
