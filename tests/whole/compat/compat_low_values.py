"""What is done to values of the low-level layer on both packages.

A case is a list of statements on a gdd called `g`. After each the side tells what came
of it and what the gdd then says of itself.
"""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

SIDE = Path(__file__).with_name("compat_low_side.py")
Json = Any
Case = tuple[str, ...]

NUMBERS = """
0 1 -1 2.7 -2.7 True 255 256 -129 40000 65536 70000 -70000 2147483647 2147483648 3e9
-3e9 1e10 1e300 -1e300 5e-324 1<<70 float('nan') float('inf') 0.00005 12345.678
9999.99999 np.float32(.5) np.float64(-2.5) np.int8(-3) np.uint8(200) np.int16(-300)
np.uint16(65535) np.int32(7) np.uint32(4000000000) np.int64(5) np.uint64(5)
np.bool_(True)
""".split()
TEXTS = [
    *("''", "'sc'", "'3'", "'-7'", "'5.9'", "'+2'", "'.5'", "'5.'", "'1e3'", "'0x10'"),
    *("'12abc'", "'  5'", "'5 6'", "'Inf'", "'nan'", "'70000'", "'-70000'", "'300'"),
    *("'99999999999'", "'zero'", "'abc\\0d'", "'\\xe4'", "'\\u1234'", "'x' * 60"),
    *("'y' * 300", "'a'", "'0x'", "'1e999'", "'4,5'", "'True'"),
]
SEQUENCES = [
    *("[1, 2.9]", "[3e9]", "[True]", "(1, 2)", "range(3)", "[]", "()", "['a', 'b']"),
    *("['1', '2']", "['a', 1]", "[1, 'a']", "[None]", "[[1]]", "b'ab'", "b''"),
    *("bytearray(b'ab')", "('x',)", "['z' * 50]", "['\\u1234']", "[1e300, -1]"),
    *("[b'q', b'r']", "[np.float32(1.5)]"),
]
ARRAYS = [
    *(f"np.array([1, 0, 2], '{t}')" for t in "i1 u1 i2 u2 i4 u4 i8 u8 f4 f8 ?".split()),
    *(
        "np.array([200], 'u1')",
        "np.array([65535], 'u2')",
        "np.array([4000000000],'u4')",
    ),
    *("np.array([-3], 'i1')", "np.array([[1, 2], [3, 4]], 'f8')", "np.arange(6.)[::2]"),
    *("np.array(['p', 'q'])", "np.array([], 'f8')", "np.array([1.5, 2.5], '>f8')"),
    *("np.array([1, 'a'], object)",),
]
OTHERS = [
    *("None", "{1: 2}", "{1, 2}", "object()", "1+2j", "np.array(3)", "np.str_('ab')"),
    *("np.datetime64(5, 's')", "iter([1])", "cas.gdd", "memoryview(b'ab')"),
]
GDDS = [
    *("cas.gdd()", "made(3.7)", "made(5, 3)", "made(70000, 6)", "made('8x')"),
    *("made('on')", "made([4, 5])", "made(['p', 'q'])", "made(2, 5)", "made(66, 2)"),
]
PRIMS = range(12)
STARTS: dict[str, Case] = {
    "untyped": (),
    **{f"prim {p}": (f"g.setPrimType({p})", f"g.put({p + 60})") for p in PRIMS if p},
    "text": ("g.put('12ab')",),
    "fixed text": ("g.setPrimType(10)", "g.put('xy')"),
    "doubles": ("g.put([1, 2, 3.5])",),
    "texts": ("g.put(['a', 'bc'])",),
    "bytes": ("g.put(np.array([72, 105, 0], 'u1'))",),
    "longs": ("g.put(np.array([1, 2, 3], 'i4'))",),
    "floats": ("g.put(np.array([1, 2, 3], 'f4'))",),
    "nothing": ("g.setPrimType(9)", "g.put([])"),
    "prototype": ("g.setDimension(1)", "g.setBound(0, 0, 5)"),
}
CALLS = [
    *(f"getNumericArray({n})" for n in (0, 1, 2, 5)),
    *(f"getStringArray({n})" for n in (0, 1, 2, 5)),
    *(f"getCharArray({n})" for n in (0, 1, 2, 5)),
    *("getConvertNumeric()", "getConvertString()", "get()", "clear()", "reference()"),
    *("setDimension(0)", "setDimension(1)", "setDimension(1, None)", "setDimension(2)"),
    *("setBound(0, 0, 2)", "setBound(0, 0, 0)", "setBound(1, 0, 2)", "getBound(0)"),
    *("setBound(0, 1, 2)", "setBound(0, 0, -1)", "getBound(1)", "getBound(-1)"),
    *(f"setPrimType({p})" for p in PRIMS),
    *("setPrimType('x')", "setPrimType(None)", "setApplType(5)", "applicationType()"),
    *("putNumeric(3)", "putNumeric('a')", "putNumeric(None)", "putConvertNumeric(3.7)"),
    *("putConvertNumeric('3')", "putConvertNumeric(None)", "putConvertNumeric(3e9)"),
    *("putString('qq')", "putString(5)", "putConvertString('8')"),
    *("putConvertString('no')", "putConvertString(5)", "isContainer()", "isAtomic()"),
    *("setStat(3)", "setStat(70000)", "setStat(-1)", "setStat('a')", "setStat(2.5)"),
    *("setSevr(2)", "setSevr(None)", "setStatSevr(3, 2)", "setStatSevr(3)"),
    *("setStatSevr(70000, 2)", "getStat()", "getSevr()", "setStatus(0)"),
    *("setTimeStamp(cas.epicsTimeStamp(1, 2))", "setTimeStamp(3.5)"),
    *("setTimeStamp(None)", "putDD(5)", "put()", "put(1, 2)"),
]
STAMPS = """
() (1,2) (1,) (1.5,2) (-1,0) (2**32,0) (1,2,3) ('a',1) (0,2**32-1) (None,None)
(True,False)
""".split()
POSIX = """
(1.0,) (1,) (631152000.5,) (631152001.25,) (1e10,) (-5.0,) (631152000,5)
(631152000,1999999999) (1.5,5) (2**40,) ('a',) (None,) () (1,2,3) (5e9,)
(4926119296.0,) (float('nan'),) (631152001,-1) (631152001,2**31) (True,)
(1700000000.123456789,)
""".split()
SETS = "5 -1 2**32 1.5 'a' None True".split()
OTHER_CALLS = [
    *(f"cas.is_sequence({v})" for v in (*SEQUENCES, *ARRAYS[:3], *OTHERS, "5", "'a'")),
    *(f"cas.str2char({v})" for v in ("'ab'", "'\\xe4'", "3", "b'a'", "None")),
    *(f"cas.epicsTimeStamp{args}" for args in STAMPS if args != "()"),
    *(f"cas.epicsTimeStamp.fromPosixTimeStamp{args}" for args in POSIX),
    *("cas.asInitFile(3, 4)", "cas.process('x')", "cas.process(None)"),
    "str(cas.epicsTimeStamp(1, 2))",
    "repr(cas.epicsTimeStamp(1, 2))",
    "cas.epicsTimeStamp(1, 2) == cas.epicsTimeStamp(1, 2)",
    "type('S', (cas.epicsTimeStamp,), {})(4, 5)",
    "cas.gdd.createDD(3).applicationType()",
    "cas.gdd.createDD(3).primitiveType()",
    "(lambda s: [made(1).getTimeStamp(s), str(s)])(cas.epicsTimeStamp(9, 9))",
]


def tables() -> list[Case]:
    """Each value into each type, each call on each kind of gdd."""
    values = [*NUMBERS, *TEXTS, *SEQUENCES, *ARRAYS, *OTHERS, *GDDS]
    cases: list[Case] = []
    for prim in PRIMS:
        typed = (f"g.setPrimType({prim})",) if prim else ()
        cases += [(*typed, f"g.put({value})") for value in values]
    cases += [(*STARTS["prototype"], f"g.put({value})") for value in values]
    for start in STARTS.values():
        cases += [(*start, f"g.{call}") for call in CALLS]
    cases += [(call,) for call in OTHER_CALLS]
    changing = "(lambda s: [setattr(s, '{}', {}), str(s)])(cas.epicsTimeStamp(1, 2))"
    cases += [(changing.format(n, v),) for n in ("nsec", "secPastEpoch") for v in SETS]
    return cases


def sequences(count: int, seed: Any) -> list[Case]:
    """Some calls and puts after each other."""
    choose = random.Random(seed)
    # What begins at another element than the first is no value of Channel Access.
    calls = [call for call in CALLS if call != "setBound(0, 1, 2)"]
    puts = [*NUMBERS, *TEXTS, *SEQUENCES[:6], *ARRAYS[:11], *GDDS]

    def step() -> str:
        if choose.random() < 0.5:
            return f"g.put({choose.choice(puts)})"
        return f"g.{choose.choice(calls)}"

    return [
        (*choose.choice(list(STARTS.values())), *(step() for _ in range(4)))
        for _ in range(count)
    ]


def lines_of(case: Case) -> list[str]:
    """The program of a case."""
    lines = ["g, result = cas.gdd(), []"]
    for statement in case:
        lines.append(f"told_now = told(lambda: {statement})")
        lines.append("result.append([told_now, state(g)])")
    return lines


def run(python: str, cases: Sequence[Case]) -> list[Json]:
    """What each case told on one side, as a list of [result, state]; None: it died."""
    done = subprocess.run(
        [python, str(SIDE)],
        input="".join(json.dumps(lines_of(case)) + "\n" for case in cases),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def run_both(
    released: str, ours: str, cases: Sequence[Case]
) -> list[tuple[Case, Json, Json]]:
    """Each case with what the released package told, and ours."""
    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(lambda python: run(python, cases), (released, ours)))
    return list(zip(cases, *told, strict=True))
