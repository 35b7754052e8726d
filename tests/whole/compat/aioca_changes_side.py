"""Programs that show the intended changes of aioca: `aioca_changes_side.py CASE`.

Runs on the released package and on this one, against the IOC of epicscorelibs that the
environment names, and prints what it saw as JSON. "line" asks the test to run a line
in the IOC's shell.
"""

import asyncio
import json
import subprocess
import sys
import time
import warnings

warnings.simplefilter("ignore")

import numpy  # noqa: E402

import aioca  # noqa: E402
from aioca import caget, camonitor, caput, connect  # noqa: E402
from aioca._catools import cadef  # noqa: E402

SECONDS = 30
CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


def shell(line):
    print(json.dumps({"line": line}), flush=True)
    sys.stdin.readline()


async def until(condition, seconds=SECONDS):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "nothing happened"
        await asyncio.sleep(0.001)


async def outcome(awaitable):
    try:
        value = await asyncio.wait_for(awaitable, SECONDS)
    except Exception as error:
        value = error
    if isinstance(value, aioca.CANothing):
        return ["CANothing", value.errorcode]
    return type(value).__name__


@case
async def empty_update():
    got, marks = [], []
    await caput("C:W", [1.0, 2.0], wait=True)
    camonitor("C:W", lambda value: got.append(len(value)), all_updates=True)
    camonitor("C:AO", marks.append, all_updates=True)
    await until(lambda: got and marks)
    shell("dbpf C:W []")
    shell("dbpf C:AO 77")
    await until(lambda: marks[-1] == 77)
    return got


@case
async def empty_array():
    return await outcome(caget("C:ONE"))


@case
async def long_put():
    return await outcome(caput("C:LSI.VAL$", "x" * 60, wait=True))


@case
async def no_wrap():
    return [
        await outcome(caput("C:LONG", numpy.array([2**33]), wait=True, datatype=int)),
        await outcome(caput("C:AO", None, wait=True)),
    ]


@case
async def no_time():
    await connect("C:AO")
    return await outcome(connect("C:AO", timeout=0))


@case
async def names_of_a_list():
    try:
        await caget(["C:AO", "C:NONE"], timeout=0.2)
    except aioca.CANothing as error:
        return [error.name, "C:NONE" in str(error), "C:AO" in str(error)]


@case
async def purge_ends_calls():
    task = asyncio.ensure_future(caget("C:NONE", timeout=None))
    for _ in range(5):
        await asyncio.sleep(0)
    aioca.purge_channel_caches()
    done, _ = await asyncio.wait([task], timeout=1)
    task.cancel()
    return bool(done)


@case
async def failed_put():
    said = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, context: said.append(context["message"]))
    await caput("C:REFUSES", 5)
    await caget("C:AO")
    for _ in range(20):
        await asyncio.sleep(0.001)
    return any("C:REFUSES" in text for text in said)


@case
async def timeouts_say_where():
    try:
        await caget("C:NONE", timeout=0.2)
    except aioca.CANothing as error:
        text = str(error)
        return [
            text.startswith(f"C:NONE: {cadef.ca_message(80)}"),
            "within 0.2 s; searched 127.0.0.1:" in text,
        ]


@case
async def refused():
    try:
        await caput("C:AO.NAME", "x")
    except Exception as error:
        return [
            isinstance(error, cadef.CAException),
            isinstance(error, aioca.CANothing),
            "C:AO.NAME" in str(error),
        ]


@case
async def input_names_the_pv():
    told = []
    for call in (caget("C:AO", format=9), caput("C:AO", numpy.zeros((2, 2)))):
        try:
            await call
        except Exception as error:
            told.append("C:AO" in str(error))
    return told


@case
async def shown_as():
    return [repr(await caput("C:AO", 5)), repr(aioca.CANothing("X", 160))]


@case
def no_loop():
    try:
        camonitor("C:AO", print)
    except RuntimeError as error:
        text = str(error)
        return [text.startswith("no running event loop"), "asyncio.run" in text]


@case
def run_in_a_loop():
    async def five():
        return 5

    async def program():
        try:
            aioca.run(five())
        except RuntimeError:
            await asyncio.sleep(0.01)
        return "goes on"

    loop = asyncio.new_event_loop()
    try:
        told = [loop.run_until_complete(program())]
    except RuntimeError:
        told = ["stopped"]
    asyncio.set_event_loop(None)
    try:
        told.append(aioca.run(five()))
    except RuntimeError as error:
        told.append(type(error).__name__)
    return told


@case
def closed_loops():
    loop = asyncio.new_event_loop()
    got = []

    async def subscribe():
        monitor = camonitor("C:TICK", got.append, all_updates=True)
        await until(lambda: got)
        return monitor

    monitor = loop.run_until_complete(subscribe())
    loop.close()
    deadline = time.monotonic() + SECONDS
    while len(monitor.pending_values) < 15 and monitor.state != monitor.CLOSED:
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.01)
    return len(monitor.pending_values) >= 15


@case
def names_on_use():
    program = """
import sys, aioca
before = "numpy" in sys.modules
aioca.caget
print(before, "numpy" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return [word == "True" for word in done.stdout.split()]


@case
def imports():
    return "setuptools" in sys.modules


@case
async def name_by_keyword():
    return await outcome(caget(pv="C:AO"))


@case
async def failed_update():
    got = []
    await caput("C:TEXT", "text", wait=True)
    monitor = camonitor("C:TEXT", got.append, datatype=float, format=1)
    await until(lambda: got or monitor.state == monitor.CLOSED)
    if got:
        await caput("C:TEXT", "5", wait=True)
        await until(lambda: len(got) == 2)
    return [type(value).__name__ for value in got]


@case
async def wait_of_lists():
    return await outcome(connect(["C:NONE"], wait=False, timeout=0.2))


@case
async def text_of_others():
    return await outcome(
        caput("C:CHARS", [97, 98], datatype=aioca.DBR_CHAR_STR, wait=True)
    )


@case
async def failed_subscription():
    monitor = camonitor("C:AO", print, datatype="no such type")
    await connect("C:AO")
    for _ in range(20):
        await asyncio.sleep(0.001)
    told = [monitor.state == monitor.CLOSED]
    try:
        monitor.close()
    except Exception as error:
        told.append(type(error).__name__)
    return told


@case
async def by_position():
    return await outcome(aioca.caget(["C:AO"], int))


def main():
    work = CASES[sys.argv[1]]
    told = asyncio.run(work()) if asyncio.iscoroutinefunction(work) else work()
    print(json.dumps({"told": told}), flush=True)
    aioca.purge_channel_caches()


main()
