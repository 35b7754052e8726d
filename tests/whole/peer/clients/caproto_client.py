"""caproto's threading client: its own implementation of the protocol."""

import time

from caproto.threading.client import Context
from common import LIMITS, Events, as_list, plain, run


class Client:
    """One context; its threads call the subscriptions back."""

    def __init__(self):
        self.context = Context()
        self.pvs = {}
        self.subscriptions = []

    def close(self):
        self.context.disconnect()

    def connect(self, pv, timeout):
        if pv not in self.pvs:
            (self.pvs[pv],) = self.context.get_pvs(pv)
        self.pvs[pv].wait_for_connection(timeout=timeout)
        deadline = time.monotonic() + timeout
        while True:
            channel = self.pvs[pv].channel
            if self.pvs[pv].connected and channel.native_data_type is not None:
                break
            if time.monotonic() > deadline:
                raise TimeoutError(pv)
            time.sleep(0.01)
        return {
            "type": int(channel.native_data_type),
            "count": channel.native_data_count,
        }

    def get(self, pv, dbr, count):
        return described(self.pvs[pv].read(data_type=dbr, data_count=count, timeout=10))

    def put(self, pv, value, wait, dbr=None):
        if isinstance(value, str):
            value = value.encode("latin-1")
        elif isinstance(value, list) and value and isinstance(value[0], str):
            value = [v.encode("latin-1") for v in value]
        if not isinstance(value, list):
            value = [value]
        response = self.pvs[pv].write(
            value, data_type=dbr, wait=wait, notify=wait, timeout=10
        )
        if wait and not response.status.success:
            raise RuntimeError(response.status.name)

    def monitor(self, pv, dbr, mask, count):
        events = Events()

        def changed(_subscription, response):
            events.add(described(response))

        subscription = self.pvs[pv].subscribe(
            data_type=dbr, mask=mask, data_count=count
        )
        token = subscription.add_callback(changed)
        # The library keeps callbacks weakly.
        self.subscriptions.append((subscription, token, changed, events))
        return len(self.subscriptions) - 1

    def events(self, subscription, number, timeout):
        return self.subscriptions[subscription][-1].take(number, timeout)

    def cancel(self, subscription):
        self.subscriptions[subscription][0].clear()


def described(response):
    """One reading with the names that all clients use."""
    result = {"value": as_list(response.data)}
    metadata = response.metadata
    for name in ("status", "severity"):
        if hasattr(metadata, name):
            result[name] = int(getattr(metadata, name))
    for name in ("precision", "units"):
        if hasattr(metadata, name):
            result[name] = plain(getattr(metadata, name))
    if hasattr(metadata, "timestamp"):
        stamp = metadata.timestamp
        result["stamp"] = getattr(stamp, "timestamp", stamp)
    if hasattr(metadata, LIMITS[0]):
        limits = [getattr(metadata, n) for n in LIMITS]
        # Those of a CHAR come as one byte.
        result["limits"] = [float(n[0] if isinstance(n, bytes) else n) for n in limits]
    if hasattr(metadata, "enum_strings"):
        result["states"] = plain(metadata.enum_strings)
    return result


run(Client())
