"""Scenarios against a `Puppet`, on whatever aioca the environment has.

`same_side.py CASE` prints what was seen as a line of JSON. Programs see the same with
the released package and with this one. Only names that both have are used.
"""

import asyncio
import contextlib
import io
import json
import sys
import time
import warnings

from puppet import Puppet

# The released client warns with new versions of numpy.
warnings.simplefilter("ignore", DeprecationWarning)
SECONDS = 60
SERVER = Puppet()
SERVER.use()

from epicscorelibs.ca import cadef  # noqa: E402

import aioca  # noqa: E402
from aioca import _catools, caget, camonitor, caput, connect  # noqa: E402

CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


async def until(condition):
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "nothing happened"
        await asyncio.sleep(0.001)


async def outcome(awaitable):
    """A result or an exception, as plain data."""
    try:
        value = await awaitable
    except Exception as error:
        value = error
    return tell(value)


def tell(value):
    if isinstance(value, list):
        return [tell(item) for item in value]
    if isinstance(value, cadef.Disconnected):
        return ["Disconnected", value.name]
    if isinstance(value, aioca.CANothing):
        return [value.name, value.errorcode]
    return type(value).__name__


async def cut_unseen(name):
    """The circuit is lost, and the loop has not turned since."""
    await connect(name)
    channel = _catools.get_channel(name)
    SERVER.visible = False
    SERVER.cut()
    deadline = time.monotonic() + SECONDS
    while cadef.ca_state(channel) == cadef.cs_conn:
        assert time.monotonic() < deadline, "the circuit is still there"
        time.sleep(0.001)
    # libca tells it a moment later.
    time.sleep(0.05)
    assert channel.connected()


@case
async def calls_wait_for_the_next_connection():
    await connect(["P:B", "P:C"])
    await cut_unseen("P:A")
    calls = [
        caget("P:A", timeout=SECONDS),
        caget("P:A", timeout=SECONDS, throw=False),
        caput("P:A", 1, timeout=SECONDS),
        caput("P:B", 1, wait=True, timeout=SECONDS),
        caget(["P:B", "P:A"], timeout=SECONDS),
        caput(["P:C", "P:A"], [2, 3], timeout=SECONDS),
        connect("P:A", timeout=SECONDS),
        connect(["P:A", "P:C"], timeout=SECONDS),
    ]
    tasks = [asyncio.ensure_future(outcome(call)) for call in calls]
    for _ in range(5):
        await asyncio.sleep(0)
    SERVER.visible = True
    told = await asyncio.gather(*tasks)
    await until(lambda: sum(command == 4 for command, _ in SERVER.seen) == 3)
    puts = sorted(name for command, name in SERVER.seen if command == 4)
    return [told, puts, _catools.get_channel("P:A").connected()]


@case
async def what_times_out_after_a_cut():
    await cut_unseen("P:A")
    calls = [
        caget("P:A", timeout=0.2),
        caget("P:A", timeout=0.2, throw=False),
        caput("P:A", 1, timeout=0.2, throw=False),
        caget(["P:A"], timeout=0.2),
    ]
    return await asyncio.gather(*map(outcome, calls))


@case
async def a_connection_that_a_program_pretends():
    # The tests of aioca itself do so.
    await connect("P:A")
    channel = _catools.get_channel("P:A")
    SERVER.visible = False
    SERVER.cut()
    await until(lambda: not channel.connected())
    channel.on_ca_connect_(op=cadef.CA_OP_CONN_UP)
    return [
        channel.connected(),
        await outcome(caget(["P:A"], throw=False, timeout=0.2)),
        await outcome(caget("P:A", timeout=0.2)),
        await outcome(caput("P:A", 1, timeout=0.2)),
        await outcome(caput("P:A", 1, wait=True, throw=False, timeout=0.2)),
    ]


@case
async def a_loss_that_a_program_pretends():
    got = []
    camonitor("P:A", got.append, notify_disconnect=True)
    await until(lambda: got)
    channel = _catools.get_channel("P:A")
    channel.on_ca_connect_(op=cadef.CA_OP_CONN_DOWN)
    told = [channel.connected(), tell(got[-1])]
    channel.on_ca_connect_(op=cadef.CA_OP_CONN_UP)
    with contextlib.suppress(AssertionError):
        channel.on_ca_connect_(op=5)
        told.append("no error")
    return [*told, channel.connected(), await outcome(caget("P:A"))]


@case
async def a_conversion_that_a_program_brings():
    got = []
    monitors = [
        camonitor(name, got.append, format=form, all_updates=True)
        for name in ("P:A", "P:BIG") for form in (0, 1, 2)
    ]  # fmt: skip
    await until(lambda: len(got) == 6)
    usual = [monitor.dbr_to_value for monitor in monitors]
    calls = []

    def convert(number):
        def converted(raw, datatype, count):
            value = usual[number](raw, datatype, count)
            calls.append([number, datatype, count, type(value).__name__])
            return value

        return converted

    got.clear()
    for number, monitor in enumerate(monitors):
        monitor.dbr_to_value = convert(number)
    SERVER.post()
    await until(lambda: len(got) == 6)
    return [sorted(calls), sorted(hasattr(v, "units") for v in got)]


@case
async def a_conversion_that_fails():
    got = []
    monitor = camonitor("P:A", got.append)
    await until(lambda: got)

    def boom(*_args):
        raise ValueError("Boom")

    monitor.dbr_to_value = boom
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        SERVER.post()
        await until(lambda: monitor.state == monitor.CLOSED)
    lines = said.getvalue().splitlines()
    return [len(got), lines[0], lines[-2], lines[-1]]


@case
async def attributes_of_a_subscription_can_be_set():
    got = []
    monitor = camonitor("P:A", got.append)
    await until(lambda: got)
    monitor.dropped_callbacks = 5
    monitor.notify_disconnect = True
    SERVER.visible = False
    SERVER.cut()
    await until(lambda: len(got) == 2)
    return [monitor.dropped_callbacks, tell(got[-1])]


@case
async def what_is_read_of_the_context():
    loop = asyncio.get_running_loop()
    await connect("P:A")
    caches = _catools._Context._channel_caches
    told = [
        loop in caches, len(caches), list(caches) == [loop],
        [channel.name for channel in caches[loop].get_channels()],
        _catools._Context._ca_context == cadef.ca_current_context(),
        bool(_catools._Context._should_destroy),
    ]  # fmt: skip
    called = []
    caches[loop].call_soon_threadsafe(called.append, 1)
    await until(lambda: called)
    return told


def main():
    told = asyncio.run(CASES[sys.argv[1]]())
    print(json.dumps(told), flush=True)
    aioca.purge_channel_caches()


main()
