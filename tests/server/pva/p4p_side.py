"""A p4p client as a child process: `python p4p_side.py`, in the environment "p4p".

Which server it finds comes from EPICS_PVA_*. The functions below are its commands.
Numbers that JSON does not have, NaN and the infinities, are sent as text.
"""

import contextlib
import itertools
import math
import os
import queue
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from p4p import Type, Value
from p4p.client import raw
from p4p.client.thread import Context, Disconnected, Finished

from support.child_side import answer_commands, say

SECONDS = 60.0
_context = None
_subscriptions = {}
_waiting = {}


def context():
    """The one client of this process."""
    global _context
    if _context is None:
        _context = Context("pva", nt=False)
    return _context


def plain(found):
    """What JSON can carry."""
    if isinstance(found, Value):
        return {name: plain(item) for name, item in found.items()}
    if hasattr(found, "tolist"):
        return plain(found.tolist())
    if isinstance(found, (list, tuple)):
        return [plain(item) for item in found]
    if isinstance(found, float) and not math.isfinite(found):
        return str(found)
    return found


def types_of(value, before=""):
    """The type of each field by its full name."""
    found = {}
    for name, code in value.type().items():
        if isinstance(code, str):
            found[before + name] = code
        elif not isinstance(value[name], Value):  # an array of structures, a union
            found[before + name] = repr(code)
        else:
            found[before + name] = f"structure {value[name].getID()}"
            found.update(types_of(value[name], f"{before}{name}."))
    return found


def shown(value):
    """A value with all that a client can know of it."""
    if isinstance(value, Exception):
        return {"error": f"{type(value).__name__}: {value}"}
    marked = sorted(value.changedSet(expand=True))
    return {
        "id": value.getID(),
        "types": types_of(value),
        "marked": marked,
        "fields": {name: plain(value[name]) for name in marked},
    }


def get(pv, request=None, seconds=SECONDS):
    return shown(context().get(pv, request=request, timeout=seconds, throw=False))


def gets(pvs):
    """The values of many PVs at once."""
    found = context().get(pvs, timeout=SECONDS, throw=False)
    return [None if isinstance(v, Exception) else plain(v["value"]) for v in found]


def storm(pvs, times):
    """Gets of all of them, again and again; how many failed."""
    failed = 0
    for _ in range(times):
        failed += gets(pvs).count(None)
    return failed


def churn(pvs, seconds=SECONDS):
    """Gets of PVs that no client asked for yet, in clients of their own."""
    failed = []
    for pv in pvs:
        with Context("pva", nt=False) as fresh:
            found = fresh.get(pv, timeout=seconds, throw=False)
            if isinstance(found, Exception):
                failed.append(f"{pv}: {found!r}")
    return failed


def put(pv, value, request=None, first=True, seconds=SECONDS):
    """None, or the error. `first`: as most clients do it, behind a get."""
    if isinstance(value, dict):  # a list in it is the member of a union and its value
        value = {name: member_of_union(field) for name, field in value.items()}
    error = context().put(
        pv, value, request=request, get=first, timeout=seconds, throw=False
    )
    return None if error is None else f"{type(error).__name__}: {error}"


def member_of_union(field):
    """What p4p takes for ["longValue", [1, 2]]; everything else stays as it is."""
    if isinstance(field, list) and field and isinstance(field[0], str):
        return tuple(field) if len(field) == 2 and isinstance(field[1], list) else field
    return field


def begin_put(number, pv, value, request=None):
    """A put that is waited for later, with `end_put`."""
    answers = queue.SimpleQueue()

    def run():
        answers.put(put(pv, value, request, first=False))

    threading.Thread(target=run, daemon=True).start()
    _waiting[number] = answers


def end_put(number, seconds=SECONDS):
    """["done", error or None], or ["waits"]."""
    try:
        found = _waiting[number].get(timeout=seconds)
    except queue.Empty:
        return ["waits"]
    del _waiting[number]
    return ["done", found]


class Subscription:
    """What has come, in order.

    Not p4p's own: that loses a first update which comes before it knows the operation,
    and several threads of it may change the order.
    """

    def __init__(self, pv, request):
        self.woken = threading.Semaphore(0)
        self.first = True
        self.operation = raw.Context.monitor(
            context(), pv, self.woken.release, request=request
        )

    def pop(self, seconds):
        """The next event; raises queue.Empty if none comes in time."""
        if self.first:  # without a value yet
            self.first = False
            return Disconnected()
        end = time.monotonic() + seconds
        while (event := self.operation.pop()) is None:
            if not self.woken.acquire(timeout=max(0, end - time.monotonic())):
                raise queue.Empty
        return event

    def take(self, seconds):
        event = self.pop(seconds)
        if isinstance(event, Finished):
            return "finished"
        if isinstance(event, Disconnected):
            return "disconnected"
        return shown(event)


def monitor(number, pv, request="record[queueSize=1000]field()"):
    _subscriptions[number] = Subscription(pv, request)


def events(number, count, seconds=SECONDS):
    """`count` of them; fewer if no more come in time."""
    found = []
    with contextlib.suppress(queue.Empty):
        while len(found) < count:
            found.append(_subscriptions[number].take(seconds))
    return found


def until(number, value, seconds=SECONDS):
    """The values that came, until `value` did."""
    found = []
    with contextlib.suppress(queue.Empty):
        while not found or found[-1] != value:
            event = _subscriptions[number].take(seconds)
            if isinstance(event, dict):
                event = event.get("fields", event)
                event = event.get("value", event.get("value.index", event))
            found.append(event)
    return found


def until_first(number, value, seconds=SECONDS):
    """As `until`, for the first element of an array; how many updates came."""
    for count in itertools.count(1):
        event = _subscriptions[number].pop(seconds)
        if isinstance(event, Value) and event["value"][0] == value:
            return count


def cancel(number):
    _subscriptions.pop(number).operation.close()


def rpc(pv):
    """The answer to a call, which no PV here has one for."""
    request = Value(Type([("x", "i")]), {"x": 1})
    return shown(context().rpc(pv, request, timeout=SECONDS, throw=False))


def close():
    """The client ends; the next command makes another."""
    global _context
    _subscriptions.clear()
    if _context is not None:
        _context.close()
        _context = None


def end(status=0):
    os._exit(status)


def handle(do, **arguments):
    return globals()[do](**arguments)


if __name__ == "__main__":
    say("READY", {})
    answer_commands(handle)
