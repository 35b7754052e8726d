"""The released aioca as a child process; `epics_client.EpicsClient` is its other side.

Run by an interpreter that has aioca 2.1, so it shares nothing with this project.
"""

import asyncio
import threading

from child_side import answer_commands, say
from epicscorelibs.ca import dbr

from aioca import (
    FORMAT_CTRL,
    FORMAT_RAW,
    FORMAT_TIME,
    CANothing,
    caget,
    camonitor,
    caput,
    connect,
)

FORMATS = {"raw": FORMAT_RAW, "time": FORMAT_TIME, "ctrl": FORMAT_CTRL}
TYPES = {"text": dbr.DBR_CHAR_STR, "label": dbr.DBR_ENUM_STR, "string": dbr.DBR_STRING}
SECONDS = 10.0


def plain(value):
    """What JSON can carry of an augmented value: `value` and all that comes with it."""
    if isinstance(value, CANothing):
        return {"errorcode": value.errorcode}
    fields = {key: item for key, item in vars(value).items() if key != "name"}
    data = +value
    return {"value": data.tolist() if hasattr(data, "tolist") else data, **fields}


class Client:
    """One coroutine for each command; all run in the loop's thread."""

    def __init__(self):
        self.updates_of = {}
        self.subscriptions = {}

    async def connect(self, name, seconds=SECONDS):
        await connect(name, timeout=seconds)

    async def get(self, name, form="ctrl", datatype=None, count=0, seconds=SECONDS):
        """Value and metadata, or `errorcode` if the server refuses."""
        found = await caget(
            name,
            TYPES.get(datatype, datatype),
            FORMATS[form],
            count,
            timeout=seconds,
            throw=False,
        )
        return plain(found)

    async def put(self, name, value, wait=True, datatype=None, seconds=SECONDS):
        """Write; the ECA code, of the answer if `wait`, else of the sending."""
        sent = await caput(
            name,
            value,
            TYPES.get(datatype, datatype),
            wait,
            timeout=seconds,
            throw=False,
        )
        return sent.errorcode

    async def monitor(self, name, form="time", events=None, datatype=None):
        """Subscribe under this name; `updates` gives what came."""
        updates = self.updates_of[name] = asyncio.Queue()
        self.subscriptions[name] = camonitor(
            name,
            lambda value: updates.put_nowait(plain(value)),
            events=events,
            datatype=TYPES.get(datatype, datatype),
            format=FORMATS[form],
            all_updates=True,
            notify_disconnect=True,
        )

    async def updates(self, name, count=1, seconds=SECONDS):
        """The next `count` updates, fewer if they do not come in time."""
        got = []
        deadline = asyncio.get_running_loop().time() + seconds
        while len(got) < count:
            left = deadline - asyncio.get_running_loop().time()
            try:
                update = await asyncio.wait_for(self.updates_of[name].get(), left)
            except asyncio.TimeoutError:
                break
            got.append(update)
        return got


def main():
    """Answer commands in this thread, the coroutines run in the loop's."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    client = Client()

    def handle(command, **arguments):
        coroutine = getattr(client, command)(**arguments)
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result()

    say("READY", {})
    answer_commands(handle)


main()
