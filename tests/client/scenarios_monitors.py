"""What programs subscribe to, and how they end it."""

import asyncio
import contextlib
import io
import time

from epicscorelibs.ca import dbr
from scenario import scenario, tell, until
from scenarios_gets import present

import aioca


@scenario
async def monitor_values(p):
    told = {}
    names = ("DOUBLE", "ENUM", "STRING", "W:DOUBLE", "W:STRING", "W:CHAR")
    for name in await present(p, names):
        for form in (0, 1, 2):
            got = []
            monitor = aioca.camonitor(p + name, got.append, format=form)
            await until(lambda got=got: got)
            told[f"{name} {form}"] = tell(got[0])
            monitor.close()
    return told


@scenario
async def monitor_options(p):
    told = {}
    for what, options in {
        "count 2": {"count": 2},
        "count -1": {"count": -1},
        "text": {"datatype": str},
        "label": {"datatype": dbr.DBR_ENUM_STR, "format": 1},
    }.items():
        for name in ("ENUM", "W:DOUBLE"):
            got = []
            monitor = aioca.camonitor(p + name, got.append, **options)
            await until(lambda got=got: got)
            told[f"{name} {what}"] = tell(got[0])
            monitor.close()
    return told


@scenario
async def monitor_list(p):
    got = []
    monitors = aioca.camonitor(
        (p + name for name in ("DOUBLE", "LONG")),
        lambda value, index: got.append((index, value.name == p + "DOUBLE")),
    )
    await until(lambda: len(got) == 2)
    for monitor in monitors:
        monitor.close()
    return [type(monitors).__name__, sorted(got)]


@scenario
async def monitor_all_updates(p):
    got = []
    await aioca.caput(p + "LONG", 0, wait=True)
    monitor = aioca.camonitor(p + "LONG", got.append, all_updates=True)
    await until(lambda: got)
    for number in range(1, 6):
        await aioca.caput(p + "LONG", number)
    await until(lambda: len(got) == 6)
    monitor.close()
    return [[+value for value in got], monitor.dropped_callbacks, monitor.all_updates]


@scenario
async def monitor_merges(p):
    """A callback that takes its time gets the newest value and a count of others."""
    got, go = [], asyncio.Event()

    async def slow(value):
        got.append(+value)
        await go.wait()

    await aioca.caput(p + "LONG", 0, wait=True)
    monitor = aioca.camonitor(p + "LONG", slow)
    await until(lambda: got)
    for number in range(1, 6):
        await aioca.caput(p + "LONG", number, wait=True)
    await until(lambda: monitor.dropped_callbacks == 4)
    pending = [+value for value in monitor.pending_values]
    go.set()
    await until(lambda: len(got) == 2)
    monitor.close()
    return [got, monitor.dropped_callbacks, pending]


@scenario
async def monitor_awaits_each_callback(p):
    got, running = [], []

    async def slow(value):
        running.append(+value)
        assert len(running) == 1
        await asyncio.sleep(0.01)
        running.clear()
        got.append(+value)

    await aioca.caput(p + "LONG", 0, wait=True)
    monitor = aioca.camonitor(p + "LONG", lambda v: slow(v), all_updates=True)
    await until(lambda: got)
    for number in range(1, 5):
        await aioca.caput(p + "LONG", number, wait=True)
    await until(lambda: len(got) == 5)
    monitor.close()
    return got


@scenario
async def monitor_closes(p):
    got = []
    monitor = aioca.camonitor(p + "LONG", got.append)
    before = monitor.state
    await until(lambda: got)
    during = monitor.state
    monitor.close()
    monitor.close()
    count = len(got)
    await aioca.caput(p + "LONG", 77, wait=True)
    await asyncio.sleep(0.1)
    return [
        before,
        during,
        monitor.state,
        len(got) == count,
        monitor.name == p + "LONG",
    ]


@scenario
async def monitor_closed_before_it_connects(p):
    monitor = aioca.camonitor(p + "LONG", print)
    monitor.close()
    await asyncio.sleep(0.1)
    return [monitor.state, len(asyncio.all_tasks())]


@scenario
async def monitor_callback_raises(p):
    said = io.StringIO()

    def bad(value):
        raise ValueError("callback is bad")

    with contextlib.redirect_stderr(said):
        monitor = aioca.camonitor(p + "LONG", bad)
        await until(lambda: monitor.state == monitor.CLOSED)
    lines = said.getvalue().replace(p, "").splitlines()
    return [lines[0], lines[-2:], len(asyncio.all_tasks())]


@scenario
async def monitor_callback_is_replaced(p):
    first, second = [], []
    await aioca.caput(p + "LONG", 1, wait=True)
    monitor = aioca.camonitor(p + "LONG", first.append)
    await until(lambda: first)
    monitor.callback = second.append
    await aioca.caput(p + "LONG", 2, wait=True)
    await until(lambda: second)
    monitor.close()
    return [+value for value in second]


@scenario
async def monitor_reports_a_missing_pv(p):
    got = []
    monitor = aioca.camonitor(p + "NO:SUCH:PV", got.append, connect_timeout=0.05)
    await until(lambda: got)
    later = aioca.camonitor(
        p + "NO:SUCH:PV", got.append, connect_timeout=(time.time() + 0.05,)
    )
    await until(lambda: len(got) == 2)
    state = monitor.state
    monitor.close()
    later.close()
    return [tell(got), state]


@scenario
async def close_cancels_the_callback(p):
    seen = []

    async def callback(value):
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    monitor = aioca.camonitor(p + "LONG", callback)
    await asyncio.sleep(0.3)
    monitor.close()
    await asyncio.sleep(0.05)
    return [seen, len(asyncio.all_tasks())]


@scenario
async def events(p):
    """Which changes make an update, by mask."""
    told = {}
    for mask in (None, aioca.DBE_VALUE, aioca.DBE_ALARM, aioca.DBE_PROPERTY):
        got = []
        await aioca.caput(p + "DOUBLE", 0, wait=True)
        monitor = aioca.camonitor(
            p + "DOUBLE", got.append, events=mask, all_updates=True
        )
        await until(lambda got=got: got)
        await aioca.caput(p + "DOUBLE", 1, wait=True)
        await aioca.caput(p + "DOUBLE", 9, wait=True)
        await aioca.caput(p + "DOUBLE.EGU", f"u{mask}", wait=True)
        await asyncio.sleep(0.1)
        monitor.close()
        told[str(mask)] = [+value for value in got]
    return told


@scenario
async def purge(p):
    got = []
    monitor = aioca.camonitor(p + "LONG", got.append)
    await until(lambda: got)
    aioca.purge_channel_caches()
    infos = aioca.get_channel_infos()
    value = await aioca.caget(p + "DOUBLE")
    return [monitor.state, infos, type(value).__name__]
