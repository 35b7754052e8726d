"""How programs get values, their types and what comes with them."""

import numpy
from epicscorelibs.ca import dbr
from scenario import outcome, scenario

import aioca

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
