"""pyepics. `pyepics_adapter.py SCENARIO COUNT ROUNDS`, like libca_loop.c."""

import json
import resource
import statistics
import sys
import time

import epics
from epics import ca


def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def once(scenario, pvs, values):
    started = time.perf_counter()
    if scenario in ("get", "get_no_throw"):
        for pv in pvs:
            ca.get(pv.chid, wait=False)
        for pv in pvs:
            ca.get_complete(pv.chid)
    elif scenario == "get_time":
        for pv in pvs:
            ca.get_with_metadata(pv.chid, ftype=ca.dbr.TIME_DOUBLE, wait=False)
        for pv in pvs:
            ca.get_complete_with_metadata(pv.chid, ftype=ca.dbr.TIME_DOUBLE)
    elif scenario == "get_one":
        for pv in pvs:
            pv.get(use_monitor=False)
    elif scenario == "put":
        for pv, value in zip(pvs, values, strict=True):
            ca.put(pv.chid, value)
    elif scenario == "put_wait":
        left = [len(pvs)]

        def done(**kwargs):
            left[0] -= 1

        for pv, value in zip(pvs, values, strict=True):
            ca.put(pv.chid, value, callback=done)
        while left[0]:
            ca.poll(1e-4, 1.0)
    return (time.perf_counter() - started) / len(pvs) * 1e6


def watch(scenario, count, seconds):
    prefix = "S:" if scenario == "burst" else "M:"
    seen = []

    def callback(value=None, timestamp=0, **kwargs):
        seen.append((time.time() - timestamp) * 1e3)

    pvs = [
        epics.PV(f"{prefix}{i}", form="time", callback=callback, auto_monitor=True)
        for i in range(count)
    ]
    for pv in pvs:
        pv.wait_for_connection(timeout=30)
    time.sleep(1.5)
    seen.clear()
    used = cpu()
    time.sleep(seconds)
    used = cpu() - used
    return statistics.median(seen) if scenario == "burst" else used / len(seen) * 1e6


def main(scenario, count, rounds):
    if scenario in ("monitor", "burst"):
        return [watch(scenario, count, rounds)]
    values = [float(i) for i in range(count)]
    started = time.perf_counter()
    pvs = [epics.PV(f"B:{i}", auto_monitor=False) for i in range(count)]
    for pv in pvs:
        pv.wait_for_connection(timeout=30)
    if scenario == "connect":
        return [(time.perf_counter() - started) / count * 1e6]
    once(scenario, pvs, values)
    return [once(scenario, pvs, values) for _ in range(rounds)]


print(json.dumps(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
