"""aioca, this project's or the released one: whichever this interpreter has.

`aioca_adapter.py SCENARIO COUNT ROUNDS` prints one JSON line like libca_loop.c.
"""

import asyncio
import json
import resource
import statistics
import sys
import time

from aioca import FORMAT_TIME, caget, camonitor, caput, connect


def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def once(scenario, pvs, values):
    started = time.perf_counter()
    if scenario == "get":
        await caget(pvs)
    elif scenario == "get_time":
        await caget(pvs, format=FORMAT_TIME)
    elif scenario == "get_no_throw":
        await caget(pvs, throw=False)
    elif scenario == "get_one":
        for pv in pvs:
            await caget(pv)
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

        camonitor(pvs, callback, format=FORMAT_TIME)
    else:
        append = seen.append
        for pv in pvs:
            camonitor(pv, append, format=FORMAT_TIME)
    await connect(pvs, timeout=60)
    await asyncio.sleep(1.5)
    seen.clear()
    used = cpu()
    await asyncio.sleep(seconds)
    used = cpu() - used
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
