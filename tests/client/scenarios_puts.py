"""How programs put values."""

import numpy
from epicscorelibs.ca import dbr
from scenario import outcome, scenario, tell

import aioca
from aioca import _catools

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
