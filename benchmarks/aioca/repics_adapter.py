"""repics' asyncio client. `repics_adapter.py SCENARIO COUNT ROUNDS`."""

import asyncio
import json
import resource
import statistics
import sys
import time

from repics.ca.asyncio import caget, camonitor, caput, connect


def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def once(scenario, pvs, values):
    started = time.perf_counter()
    if scenario == "get":
        await caget(pvs, form="plain")
    elif scenario == "get_time":
        await caget(pvs)
    elif scenario == "get_no_throw":
        await caget(pvs, form="plain", throw=False)
    elif scenario == "get_one":
        for pv in pvs:
            await caget(pv, form="plain")
    elif scenario == "put":
        await caput(pvs, values)
    elif scenario == "put_wait":
        await caput(pvs, values, wait=True)
    return (time.perf_counter() - started) / len(pvs) * 1e6


async def watch(scenario, count, seconds):
    prefix = "S:" if scenario == "burst" else "M:"
    pvs = [f"{prefix}{i}" for i in range(count)]
    seen = []
    if scenario == "burst":

        def callback(value, index):
            seen.append((time.time() - value.timestamp) * 1e3)

        watched = camonitor(pvs, callback)
    else:
        append = seen.append
        watched = [camonitor(pv, append) for pv in pvs]
    await connect(pvs, timeout=60)
    await asyncio.sleep(1.5)
    seen.clear()
    used = cpu()
    await asyncio.sleep(seconds)
    used = cpu() - used
    for subscription in watched:
        subscription.close()
    return statistics.median(seen) if scenario == "burst" else used / len(seen) * 1e6


async def main(scenario, count, rounds):
    if scenario in ("monitor", "burst"):
        return [await watch(scenario, count, rounds)]
    pvs = [f"B:{i}" for i in range(count)]
    values = [float(i) for i in range(count)]
    started = time.perf_counter()
    await connect(pvs, timeout=60)
    if scenario == "connect":
        return [(time.perf_counter() - started) / count * 1e6]
    await once(scenario, pvs, values)
    return [await once(scenario, pvs, values) for _ in range(rounds)]


print(json.dumps(asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))))
