"""The released aioca, that is EPICS' libca of epicscorelibs through ctypes."""

import asyncio
import threading

from common import LIMITS, Events, as_list, plain, run

import aioca

FORMATS = {0: aioca.FORMAT_RAW, 2: aioca.FORMAT_TIME, 4: aioca.FORMAT_CTRL}


def request(dbr):
    """A DBR number as aioca's datatype and format."""
    if dbr // 7 not in FORMATS:
        return {"datatype": dbr}
    return {"datatype": dbr % 7, "format": FORMATS[dbr // 7]}


class Client:
    """An event loop in a thread of its own."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.subscriptions = []

    def _wait(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(30)

    def close(self):
        async def end():
            for subscription, _events in self.subscriptions:
                subscription.close()
            aioca.purge_channel_caches()

        self._wait(end())
        self.loop.call_soon_threadsafe(self.loop.stop)

    def connect(self, pv, timeout):
        info = self._wait(aioca.connect(pv, timeout=timeout))
        del info
        info = self._wait(aioca.cainfo(pv, timeout=timeout))
        return {"type": info.datatype, "count": info.count}

    def get(self, pv, dbr, count):
        found = self._wait(aioca.caget(pv, count=count, timeout=10, **request(dbr)))
        return described(found)

    def put(self, pv, value, wait, dbr=None):
        self._wait(aioca.caput(pv, value, wait=wait, timeout=10, datatype=dbr))

    def monitor(self, pv, dbr, mask, count):
        events = Events()

        async def start():
            return aioca.camonitor(
                pv,
                lambda value: events.add(described(value)),
                events=mask,
                count=count,
                all_updates=True,
                **request(dbr),
            )

        self.subscriptions.append((self._wait(start()), events))
        return len(self.subscriptions) - 1

    def events(self, subscription, number, timeout):
        return self.subscriptions[subscription][1].take(number, timeout)

    def cancel(self, subscription):
        self.loop.call_soon_threadsafe(self.subscriptions[subscription][0].close)


def described(found):
    """One reading with the names that all clients use."""
    result = {"value": as_list(found)}
    for name in ("status", "severity", "precision", "units"):
        if hasattr(found, name):
            result[name] = plain(getattr(found, name))
    if hasattr(found, "timestamp"):
        result["stamp"] = found.timestamp
    if hasattr(found, LIMITS[0]):
        result["limits"] = [float(getattr(found, name)) for name in LIMITS]
    if hasattr(found, "enums"):
        result["states"] = list(found.enums)
    return result


run(Client())
