"""What values of the low-level layer do: `python compat_low_side.py < cases`.

Each line is a case: lines of Python that set `result`. They run in processes of their
own, for the released package may end them. A line is told for each: what came of it, or
that its process died.
"""

import json
import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
from compat_values import build, shown

from pcaspy import cas

SECONDS = 20
TOGETHER = 30
answers = os.fdopen(os.dup(1), "w")
with open(os.devnull, "w") as nowhere:  # what the library prints when it dies
    os.dup2(nowhere.fileno(), 1)
    os.dup2(nowhere.fileno(), 2)


def made(value, prim=0):
    """A gdd of a type, with a value, an alarm and a time."""
    held = cas.gdd()
    if prim:
        held.setPrimType(prim)
    held.put(value)
    held.setStatSevr(3, 2)
    held.setTimeStamp(cas.epicsTimeStamp(5, 6))
    return held


def told(function):
    """What a call returns; an exception by its class."""
    try:
        result = function()
    except Exception as error:
        return {"raised": type(error).__name__}
    if isinstance(result, cas.epicsTimeStamp):
        return ["stamp", result.secPastEpoch, result.nsec]
    return shown(result)


def bound(held):
    """How many elements there may be; of a scalar only that there are none."""
    status, _, count = held.getBound(0)
    return [status, count] if held.dimension() else status


def state(held):
    """All that a gdd says of itself."""
    return {
        "prim": held.primitiveType(),
        "dim": held.dimension(),
        "size": told(held.getDataSizeElements),
        "scalar": bool(held.isScalar()),
        "get": told(held.get),
        "bound": told(lambda: bound(held)),
        "alarm": told(held.getStatSevr),
        "time": told(held.getTimeStamp),
    }


def run(lines):
    """One case."""
    names = {"cas": cas, "np": np, "build": build, "made": made, "told": told}
    names.update(state=state)
    try:
        exec("\n".join(lines), names)
    except Exception as error:
        return {"raised": type(error).__name__, "text": str(error)[:200]}
    return names.get("result")


def in_a_process(cases):
    """What came of some cases in one process; less than all if it ended before."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        signal.alarm(SECONDS)
        with os.fdopen(writing, "w") as pipe:
            for lines in cases:
                pipe.write(json.dumps(run(lines)) + "\n")
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        told = [line for line in pipe if line.endswith("\n")]
    _, status = os.waitpid(child, 0)
    return told if not status else []


def answer(cases):
    """Tells what came of each; where a process ended, each gets one of its own."""
    told = in_a_process(cases)
    if len(told) < len(cases):
        alone = [in_a_process([lines]) for lines in cases]
        told = [one[0] if one else json.dumps({"died": True}) + "\n" for one in alone]
    answers.writelines(told)
    answers.flush()


given = [json.loads(line) for line in sys.stdin]
for start in range(0, len(given), TOGETHER):
    answer(given[start : start + TOGETHER])
