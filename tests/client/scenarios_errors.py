"""What programs are told when something is wrong, and about channels."""

import copy
import inspect
import pickle
import time

import numpy
from epicscorelibs.ca import cadef
from scenario import outcome, scenario

import aioca


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
            # Released programs may look at how it begins.
            str(error).startswith(f"{error.name}: {cadef.ca_message(80)}"),
            repr(error).startswith(f"CANothing({error.name!r}, "),
            type(error.__cause__).__name__,
            str(error.name == p + "NO:SUCH:PV"),
        ]


@scenario
async def nothing_objects(p):
    nothing = aioca.CANothing("X", 80)
    fine = aioca.CANothing("X")
    return [
        str(nothing), bool(nothing), nothing.args,
        str(fine), bool(fine), fine.ok, fine.args,
        vars(pickle.loads(pickle.dumps(nothing))), vars(copy.copy(nothing)),
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
async def names_that_libca_refuses(p):
    """Told, not raised, where nothing is to be thrown; the rest of a list is served."""
    quiet = {"throw": False}
    # Both clients do this to the same PV, one after the other.
    await aioca.caput(p + "LONG", 1, wait=True)
    return {
        what: await outcome(call)
        for what, call in {
            "get": aioca.caget(""),
            "get, throw=False": aioca.caget("", **quiet),
            "put": aioca.caput("", 1),
            "put, throw=False": aioca.caput("", 1, **quiet),
            "put with wait": aioca.caput("", 1, wait=True, **quiet),
            "connect, throw=False": aioca.connect("", **quiet),
            "connect, wait=False": aioca.connect("", wait=False, **quiet),
            "info, throw=False": aioca.cainfo("", **quiet),
            "list": aioca.caget([p + "LONG", ""]),
            "get of a list": aioca.caget([p + "LONG", "", p + "SHORT"], **quiet),
            "put of a list": aioca.caput(["", p + "LONG"], [1, 5], **quiet),
            "what was put": aioca.caget(p + "LONG"),
            "connect of a list": aioca.connect([p + "LONG", ""], **quiet),
            "a list without wait": aioca.connect(["", p + "LONG"], wait=False, **quiet),
        }.items()
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
