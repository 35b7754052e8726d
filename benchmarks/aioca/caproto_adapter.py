"""caproto's threading client. `caproto_adapter.py SCENARIO COUNT ROUNDS`."""

import json
import resource
import statistics
import sys
import threading
import time

from caproto.threading.client import Context


def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def once(scenario, pvs, values):
    started = time.perf_counter()
    if scenario in ("get", "get_no_throw", "get_time"):
        data_type = "time" if scenario == "get_time" else None
        left = [len(pvs)]
        finished = threading.Event()

        def done(response):
            left[0] -= 1
            if not left[0]:
                finished.set()

        for pv in pvs:
            pv.read(data_type=data_type, wait=False, callback=done)
        finished.wait(30)
    elif scenario == "get_one":
        for pv in pvs:
            pv.read()
    elif scenario == "put":
        for pv, value in zip(pvs, values, strict=True):
            pv.write(value, wait=False, notify=False)
    elif scenario == "put_wait":
        left = [len(pvs)]
        finished = threading.Event()

        def done(response):
            left[0] -= 1
            if not left[0]:
                finished.set()

        for pv, value in zip(pvs, values, strict=True):
            pv.write(value, wait=False, notify=True, callback=done)
        finished.wait(30)
    return (time.perf_counter() - started) / len(pvs) * 1e6


def watch(context, scenario, count, seconds):
    prefix = "S:" if scenario == "burst" else "M:"
    seen = []

    def callback(subscription, response):
        seen.append((time.time() - response.metadata.timestamp) * 1e3)

    pvs = context.get_pvs(*(f"{prefix}{i}" for i in range(count)), timeout=60)
    subscriptions = []
    for pv in pvs:
        pv.wait_for_connection(timeout=60)
        subscriptions.append(pv.subscribe(data_type="time"))
        subscriptions[-1].add_callback(callback)
    time.sleep(1.5)
    seen.clear()
    used = cpu()
    time.sleep(seconds)
    used = cpu() - used
    return statistics.median(seen) if scenario == "burst" else used / len(seen) * 1e6


def main(scenario, count, rounds):
    context = Context()
    if scenario in ("monitor", "burst"):
        return [watch(context, scenario, count, rounds)]
    values = [float(i) for i in range(count)]
    started = time.perf_counter()
    pvs = context.get_pvs(*(f"B:{i}" for i in range(count)), timeout=60)
    for pv in pvs:
        pv.wait_for_connection(timeout=60)
    if scenario == "connect":
        return [(time.perf_counter() - started) / count * 1e6]
    once(scenario, pvs, values)
    return [once(scenario, pvs, values) for _ in range(rounds)]


print(json.dumps(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))), flush=True)
