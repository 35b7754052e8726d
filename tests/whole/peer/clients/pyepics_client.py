"""pyepics with the EPICS libca that its wheel brings along."""

import threading

from common import LIMITS, Events, as_list, run
from epics import ca


class Client:
    """One channel per PV, made on first use."""

    def __init__(self):
        ca.initialize_libca()
        self.channels = {}
        self.subscriptions = []

    def connect(self, pv, timeout):
        channel = self.channels.get(pv)
        if channel is None:
            channel = self.channels[pv] = ca.create_channel(pv)
        if not ca.connect_channel(channel, timeout=timeout):
            raise TimeoutError(pv)
        return {"type": ca.field_type(channel), "count": ca.element_count(channel)}

    def get(self, pv, dbr, count):
        channel = self.channels[pv]
        found = ca.get_with_metadata(
            channel, ftype=dbr, count=count, as_numpy=False, timeout=10
        )
        return described(found)

    def put(self, pv, value, wait, dbr=None):
        if not wait:
            ca.put(self.channels[pv], value, ftype=dbr)
            ca.flush_io()
            return
        done = threading.Event()
        ca.put(self.channels[pv], value, ftype=dbr, callback=lambda **_: done.set())
        ca.flush_io()
        if not done.wait(10):
            raise TimeoutError(pv)

    def monitor(self, pv, dbr, mask, count):
        events = Events()

        def changed(**arguments):
            events.add(described(arguments))

        token = ca.create_subscription(
            self.channels[pv], ftype=dbr, mask=mask, callback=changed, count=count
        )
        self.subscriptions.append((token, events))
        return len(self.subscriptions) - 1

    def events(self, subscription, number, timeout):
        return self.subscriptions[subscription][1].take(number, timeout)

    def cancel(self, subscription):
        token, _events = self.subscriptions[subscription]
        ca.clear_subscription(token[2])


def described(found):
    """One reading with the names that all clients use."""
    result = {"value": as_list(found["value"])}
    for name in ("status", "severity", "precision", "units"):
        if name in found:
            result[name] = found[name]
    if "posixseconds" in found:
        result["stamp"] = found["posixseconds"] + found["nanoseconds"] * 1e-9
    if LIMITS[0] in found:
        result["limits"] = [float(found[name]) for name in LIMITS]
    if "enum_strs" in found:
        result["states"] = list(found["enum_strs"])
    return result


run(Client())
