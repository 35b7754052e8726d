"""What programs do with aioca, each as a coroutine that tells what it saw.

The same functions run on this project's client and on the released one, each in its own
environment; test_same_as_released.py compares what they tell. So only names that both
have are used here, and what is told is plain data.
"""

import asyncio
import contextlib
import copy
import inspect
import io
import pickle
import time

import numpy
from epicscorelibs.ca import cadef, dbr

import aioca
from aioca import _catools

SCENARIOS = {}


def scenario(function):
    SCENARIOS[function.__name__] = function
    return function


def tell(value):
    """Everything that can be seen of a value, an outcome or an exception."""
    if isinstance(value, list):
        return [tell(item) for item in value]
    if isinstance(value, aioca.CANothing):
        return ["CANothing", value.name, value.errorcode, value.ok, bool(value)]
    kind = f"{type(value).__module__}.{type(value).__name__}"
    if isinstance(value, cadef.CAException):
        return [kind, value.status, value.function.__name__]
    if isinstance(value, BaseException):
        return [kind]
    fields = {k: repr(v) for k, v in sorted(vars(value).items())}
    if isinstance(value, numpy.ndarray):
        shown = [str(value.dtype), value.shape, [repr(item) for item in value.tolist()]]
        shown += [value.flags.writeable, value.flags.owndata]
    else:
        shown = [repr(+value), type(+value).__name__]
    return [kind, shown, fields]


async def outcome(awaitable):
    """A result or the exception in its place."""
    try:
        return tell(await awaitable)
    except Exception as error:
        return tell(error)


async def until(condition, seconds=10.0):
    """Waits for something to become true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "nothing happened"
        await asyncio.sleep(0.005)


PVS = (
    "DOUBLE LONG SHORT CHAR ENUM BINARY STRING W:DOUBLE W:LONG W:SHORT W:CHAR W:STRING "
    "EMPTY NEVERSET"
).split()
DATATYPES = {
    "native": None,
    "codes": [0, 1, 2, 3, 4, 5, 6],
    "text": [
        dbr.DBR_CHAR_STR,
        dbr.DBR_CHAR_UNICODE,
        dbr.DBR_CHAR_BYTES,
        dbr.DBR_ENUM_STR,
    ],
    "special": [dbr.DBR_STSACK_STRING, dbr.DBR_CLASS_NAME],
    "python": [int, float, str, bytes, bool],
    "numpy": ["int16", numpy.uint8, numpy.dtype("float32"), "U", "S", "uint32"],
    "wrong": ["complex", object, "no such type", 35, 1234],
}


async def present(p, names):
    """Those of the names that the server has; not every server has all of them."""
    found = await aioca.connect([p + name for name in names], throw=False, timeout=1)
    return [name for name, outcome in zip(names, found, strict=True) if outcome.ok]


async def read_all(p, datatypes, names=PVS):
    names = await present(p, names)
    return {
        f"{name} {datatype} {form}": await outcome(
            aioca.caget(p + name, datatype=datatype, format=form)
        )
        for name in names
        for datatype in datatypes
        for form in (0, 1, 2)
    }


@scenario
async def read_native(p):
    return await read_all(p, [None])


@scenario
async def read_by_code(p):
    # The released one wraps what does not fit; a double as text has the PV's precision.
    return await read_all(p, DATATYPES["codes"])


@scenario
async def read_text(p):
    return await read_all(p, DATATYPES["text"])


@scenario
async def read_special(p):
    return await read_all(p, DATATYPES["special"])


@scenario
async def read_python_types(p):
    return await read_all(p, DATATYPES["python"])


@scenario
async def read_numpy_types(p):
    return await read_all(p, DATATYPES["numpy"])


@scenario
async def read_wrong_types(p):
    return await read_all(p, DATATYPES["wrong"], ["DOUBLE", "W:CHAR"])


@scenario
async def read_counts(p):
    return {
        f"{name} {count}": await outcome(aioca.caget(p + name, count=count))
        for name in await present(p, PVS)
        for count in (0, -1, 1, 2, 100)
    }


@scenario
async def read_wrong_format(p):
    return await outcome(aioca.caget(p + "DOUBLE", format=7))


@scenario
async def read_long_string(p):
    return [
        await outcome(aioca.caget(p + "STRING.VAL$")),
        await outcome(aioca.caget(p + "STRING.VAL$", format=1)),
        await outcome(aioca.caget(p + "STRING.VAL$", datatype=dbr.DBR_CHAR)),
        await outcome(aioca.caget(p + "STRING.NAME$")),
    ]


@scenario
async def lists(p):
    names = [p + "DOUBLE", p + "ENUM", p + "W:LONG"]
    return [
        await outcome(aioca.caget(names)),
        await outcome(aioca.caget(tuple(names))),
        await outcome(aioca.caget([])),
        await outcome(aioca.caput([], [])),
        await outcome(aioca.connect(names)),
        await outcome(aioca.connect([])),
        [str(info) for info in await aioca.cainfo(names)],
    ]


PUTS = {
    "DOUBLE": [1, 2.5, "3.5", True, numpy.float32(1.5), [4.0], "junk", b"2"],
    "LONG": [1, 2.9, "3", True, numpy.int64(7), [4], "junk", 2**40, -5],
    "ENUM": [1, "TWO", 0, "junk", 2.0],
    "STRING": ["text", b"bytes", 5, 1.5, "x" * 39, "x" * 40, "x" * 60, "\xe9\u20ac"],
    "W:DOUBLE": [[1, 2, 3], (4.5, 5.5), numpy.arange(10), range(4), 7, [1] * 11, "5"],
    "W:LONG": [[1, 2, 3], numpy.arange(3, dtype="uint16"), [2.7], ["1", "2"]],
    "W:CHAR": [[1, 2, 255], b"12", numpy.arange(5, dtype="int8")],
    "W:STRING": [["a", "b"], "one", numpy.array(["x", "yy"]), [b"q"], ["\xe9"]],
}


@scenario
async def writes(p):
    told = {}
    for name, values in PUTS.items():
        for value in values:
            told[f"{name} {type(value).__name__} {value!s}"] = [
                await outcome(aioca.caput(p + name, value, wait=True)),
                await outcome(aioca.caget(p + name)),
            ]
    return told


@scenario
async def writes_with_datatype(p):
    told = {}
    for name, value, datatype in [
        ("DOUBLE", 1.7, int),
        ("DOUBLE", "2.5", str),
        ("DOUBLE", 3, dbr.DBR_STRING),
        ("LONG", 4.5, float),
        ("ENUM", "ONE", str),
        ("ENUM", 2, dbr.DBR_ENUM),
        ("ENUM", 1, dbr.DBR_PUT_ACKT),
        ("ENUM", 0, dbr.DBR_PUT_ACKS),
        ("W:CHAR", "some text", dbr.DBR_CHAR_STR),
        ("W:CHAR", "\xe9", dbr.DBR_CHAR_STR),
        ("W:STRING", [1, 2], str),
        ("DOUBLE", 1, "complex"),
        ("DOUBLE", 1, dbr.DBR_ENUM_STR),
    ]:
        told[f"{name} {value!r} {datatype}"] = [
            await outcome(aioca.caput(p + name, value, datatype=datatype, wait=True)),
            await outcome(aioca.caget(p + name)),
        ]
    return told


@scenario
async def writes_of_wrong_values(p):
    return {
        what: await outcome(aioca.caput(p + name, value, wait=True, throw=throw))
        for what, name, value, throw in [
            ("two dimensions", "W:DOUBLE", [[1, 2], [3, 4]], True),
            ("two dimensions, throw=False", "W:DOUBLE", [[1, 2], [3, 4]], False),
            ("too big", "LONG", 2**40, False),
            ("too many", "W:LONG", [1] * 11, False),
            ("too long", "STRING", "x" * 40, False),
            ("refused", "REFUSES", 5, True),
            ("refused, throw=False", "REFUSES", 5, False),
            ("no write access", "DOUBLE.NAME", "x", True),
            ("no write access, throw=False", "DOUBLE.NAME", "x", False),
        ]
    }


@scenario
async def values_go_back(p):
    """What was read can be put, with its type and size."""
    told = {}
    for name in ("DOUBLE", "LONG", "ENUM", "STRING", "W:DOUBLE", "W:STRING"):
        value = await aioca.caget(p + name)
        told[name] = await outcome(aioca.caput(p + name, value, wait=True))
        again = await aioca.caget(p + name)
        told[name].append(bool(numpy.array_equal(+value, +again)))
    return told


@scenario
async def writes_to_lists(p):
    names = [p + "DOUBLE", p + "LONG"]

    async def then_read(*args, **options):
        return [await outcome(aioca.caput(*args, wait=True, **options)),
                await outcome(aioca.caget(names))]  # fmt: skip

    return {
        "one each": await then_read(names, [1.5, 2]),
        "tuple": await then_read(tuple(names), (2.5, 3)),
        "array": await then_read(names, numpy.array([4, 5])),
        "repeated": await then_read(names, 6, repeat_value=True),
        "one number": await then_read(names, 7),
        "one text": await then_read(names, "8"),
        "too few": await then_read(names, [1]),
        "too few, throw=False": await then_read(names, [1], throw=False),
        "one fails": await then_read([p + "REFUSES", *names], [9, 9, 9]),
        "one fails, throw=False": await then_read(
            [p + "REFUSES", *names], [10, 10, 10], throw=False
        ),
        "repeat for one": await outcome(aioca.caput(names[0], 1, repeat_value=True)),
    }


@scenario
async def timeouts(p):
    missing = p + "NO:SUCH:PV"
    told = {}
    for what, awaitable in {
        "get": aioca.caget(missing, timeout=0.05),
        "get, throw=False": aioca.caget(missing, timeout=0.05, throw=False),
        "put": aioca.caput(missing, 1, timeout=0.05),
        "put, throw=False": aioca.caput(missing, 1, timeout=0.05, throw=False),
        "connect": aioca.connect(missing, timeout=0.05),
        "connect, throw=False": aioca.connect(missing, timeout=0.05, throw=False),
        "connect, wait=False": aioca.connect(missing, wait=False),
        "info": aioca.cainfo(missing, timeout=0.05),
        "info, throw=False": aioca.cainfo(missing, timeout=0.05, throw=False),
        "deadline": aioca.caget(missing, timeout=(time.time() + 0.05,)),
        "past deadline": aioca.caget(missing, timeout=(time.time() - 10,)),
        "zero": aioca.caget(missing, timeout=0),
        "negative": aioca.caget(missing, timeout=-1),
        "list": aioca.caget([p + "DOUBLE", missing], timeout=0.05),
        "list, throw=False": aioca.connect(
            [p + "DOUBLE", missing], timeout=0.05, throw=False
        ),
        "slow put": aioca.caput(p + "SLOW", 1, wait=True, timeout=0.05),
    }.items():
        told[what] = await outcome(awaitable)
    return told


@scenario
async def exception_of_a_timeout(p):
    try:
        await aioca.caget(p + "NO:SUCH:PV", timeout=0.05)
    except aioca.CANothing as error:
        return [
            str(error),
            repr(error),
            type(error.__cause__).__name__,
            str(error.name == p + "NO:SUCH:PV"),
        ]


@scenario
async def nothing_objects(p):
    nothing = aioca.CANothing("X", 80)
    fine = aioca.CANothing("X")
    return [
        repr(nothing), str(nothing), bool(nothing), nothing.args,
        repr(fine), str(fine), bool(fine), fine.ok, fine.args,
        repr(pickle.loads(pickle.dumps(nothing))), repr(copy.copy(nothing)),
        nothing == aioca.CANothing("X", 80), isinstance(nothing, Exception),
        hasattr(nothing, "__iter__"),
        aioca.CANothing("X", errorcode=192).errorcode,
    ]  # fmt: skip


@scenario
async def wrong_names(p):
    return {
        what: await outcome(function(name))
        for what, name, function in [
            ("set", {p + "DOUBLE"}, aioca.connect),
            ("array", numpy.array([p + "DOUBLE"]), aioca.connect),
            ("dict", {}, aioca.connect),
        ]
    }


@scenario
async def scalars_keep_their_attributes(p):
    # The scenario before leaves no channel, so libca may be closing the circuit: it
    # then waits 10 s before it searches again.
    value = await aioca.caget(p + "DOUBLE", format=aioca.FORMAT_TIME, timeout=30)
    array = await aioca.caget(p + "W:DOUBLE", format=aioca.FORMAT_TIME)
    value.mine = 5
    return [
        vars(pickle.loads(pickle.dumps(value))) == vars(value),
        vars(copy.copy(value)) == vars(value),
        hasattr(array[:1], "name"),
        hasattr(array.copy(), "name"),
        hasattr(pickle.loads(pickle.dumps(array)), "name"),
        type(value.datetime).__name__,
        value.datetime.timestamp() == value.timestamp,
        value.timestamp == round(value.raw_stamp[0] + value.raw_stamp[1] * 1e-9, 6),
        array.__hash__ is None,
        type(array[:1]).__name__,
    ]


@scenario
async def information(p):
    infos = [await aioca.cainfo(p + name) for name in ("DOUBLE", "W:CHAR", "ENUM")]
    unknown = await aioca.cainfo(p + "NO:SUCH:PV", wait=False)
    listed = aioca.get_channel_infos()
    return [
        [str(info) for info in infos],
        [vars(info) for info in infos],
        str(unknown),
        {info.name: [info.connected, info.subscriber_count] for info in listed},
    ]


@scenario
async def shapes(p):
    """What inspect shows of the functions."""

    def shape(function):
        return [
            [q.name, str(q.kind), repr(q.default) if q.default is not q.empty else ""]
            for q in inspect.signature(function).parameters.values()
        ]

    names = ["caget", "caput", "connect", "cainfo"]
    return {
        name: [
            shape(getattr(aioca, name)),
            inspect.iscoroutinefunction(getattr(aioca, name)),
            getattr(aioca, name).__module__,
            getattr(aioca, name).__name__,
            callable(getattr(aioca, name).register),
        ]
        for name in names
    } | {
        "Subscription": shape(aioca.Subscription),
        "CANothing": shape(aioca.CANothing),
        "ChannelInfo": shape(aioca.ChannelInfo),
        "CAInfo": shape(aioca.CAInfo),
        "run": shape(aioca.run),
        "purge": shape(aioca.purge_channel_caches),
        "states": [aioca.Subscription.OPENING, aioca.Subscription.OPEN,
                   aioca.Subscription.CLOSED],
        "monitor": [q[0] for q in shape(aioca.camonitor)],
        "modules": [c.__module__ for c in (aioca.camonitor, aioca.run)],
        "extra": aioca.ca_extra_fields,
    }  # fmt: skip


# ---- monitors ----------------------------------------------------------------------


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
async def purge(p):
    got = []
    monitor = aioca.camonitor(p + "LONG", got.append)
    await until(lambda: got)
    aioca.purge_channel_caches()
    infos = aioca.get_channel_infos()
    value = await aioca.caget(p + "DOUBLE")
    return [monitor.state, infos, type(value).__name__]


@scenario
async def guarded_puts(p):
    """A guard that replaces caput sees every PV of a list."""
    seen, original = [], _catools.caput

    async def guard(pv, *args, **kwargs):
        seen.append([pv == p + "DOUBLE", args, kwargs])
        return await original(pv, *args, **kwargs)

    _catools.caput = guard
    try:
        result = await original([p + "DOUBLE", p + "LONG"], [1, 2], timeout=3)
    finally:
        _catools.caput = original
    return [seen, tell(result)]


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
