"""A caServer that does what it is told: `python compat_low_server.py`.

Runs with the released package and with ours. Each PV's class overrides what the program
says, and nothing else.
"""

import logging
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parent))


from compat_commands import TURN, obey
from compat_values import build, shown

from pcaspy import cas

FILLED = """
getPrecision getUnits getEnums getHighLimit getLowLimit getHighAlarmLimit
getLowAlarmLimit getHighWarnLimit getLowWarnLimit
""".split()


class Refused(Exception):
    """What a program's own method raises."""


def answer(how):
    """A status of the server library, or what else a method may return."""
    if how == "raise":
        raise Refused
    if isinstance(how, str):
        return getattr(cas, f"S_casApp_{how}")
    return how


def held_by(gdd):
    """What a gdd holds; characters as numbers, which getValue can put."""
    if gdd.primitiveType() not in (1, 2):
        return gdd.get()
    if gdd.isScalar():
        return int(gdd.getConvertNumeric())
    return [int(n) for n in gdd.getNumericArray(gdd.getDataSizeElements())]


def pv_class(spec, calls):
    """The class of a PV: methods for what the program says of it."""

    def get_value(self, gdd):
        if spec.get("prim"):
            gdd.setPrimType(spec["prim"])
        if self.held is not None:
            gdd.put(self.held)
        gdd.setStatSevr(*self.alarm)
        gdd.setTimeStamp()
        return answer(spec["getValue"])

    def read(self, ctx, gdd):
        calls.append(["read", self.reason])
        return kind.__mro__[1].read(self, ctx, gdd)

    def taken(self, name, how, ctx, gdd):
        calls.append([name, self.reason, gdd.primitiveType(), shown(gdd.get())])
        if how == "busy":
            if self.hasAsyncWrite():
                return cas.S_casApp_postponeAsyncIO
            self.startAsyncWrite(ctx.ctx)
            self.held = held_by(gdd)
            return cas.S_casApp_asyncCompletion
        status = answer("success" if how == "post" else how)
        self.held = held_by(gdd)
        if how == "post":
            gdd.setStatSevr(*self.alarm)
            gdd.setTimeStamp()
            self.postEvent(cas.DBE_VALUE | cas.DBE_LOG, gdd)
        return status

    def write(self, ctx, gdd):
        return taken(self, "write", spec["write"], ctx, gdd)

    def write_notify(self, ctx, gdd):
        return taken(self, "writeNotify", spec["writeNotify"], ctx, gdd)

    def filling(name):
        value, status = spec[name]

        def method(self, gdd):
            gdd.put(build(value))
            return answer(status)

        return method

    def register(self):
        calls.append(["interestRegister", self.reason])
        return answer(spec["interest"])

    def delete(self):
        calls.append(["interestDelete", self.reason])

    methods = {
        "getValue": get_value,
        "read": read,
        "write": write,
        "writeNotify": write_notify,
        "bestExternalType": lambda self: spec["bestExternalType"],
        "maxDimension": lambda self: spec["maxDimension"],
        "maxBound": lambda self, dimension: spec["maxBound"],
        **{name: filling(name) for name in FILLED if name in spec},
    }
    members = {name: method for name, method in methods.items() if name in spec}
    if "interest" in spec:
        members.update(interestRegister=register, interestDelete=delete)
    members["getName"] = lambda self: self.reason
    kind = type("Told", (cas.casPV,), members)
    return kind


class Mark(cas.casPV):
    """A number that is posted behind everything else."""

    number = 0

    def getName(self):
        """Its name."""
        return "COMPAT:MARK"

    def bestExternalType(self):
        """A long."""
        return cas.aitEnumInt32

    def getValue(self, gdd):
        """The last one."""
        gdd.put(self.number)
        return cas.S_casApp_success


class Server(cas.caServer):
    """The PVs of the program that runs."""

    def __init__(self):
        super().__init__()
        self.found = {"COMPAT:MARK": Mark()}

    def pvExistTest(self, context, addr, fullname):
        """Whether a name is served."""
        there = fullname in self.found
        return cas.pverExistsHere if there else cas.pverDoesNotExistHere

    def pvAttach(self, context, fullname):
        """The PV of a name."""
        found = self.found.get(fullname, cas.S_casApp_pvNotFound)
        return answer(found) if isinstance(found, str) else found


class Side:
    """The commands, one method for each."""

    def __init__(self):
        self.server = Server()
        self.calls = []
        self.pvs = {}

    def begin(self, prefix, program):
        """PVs of a program; the last one's stay."""
        self.calls = []
        self.pvs = {}
        for reason, spec in program["pvs"].items():
            if isinstance(spec, str):  # pvAttach answers with a status
                self.server.found[prefix + reason] = spec
                continue
            pv = pv_class(spec, self.calls)()
            pv.reason, pv.held, pv.alarm = reason, build(spec.get("value")), (0, 0)
            self.pvs[reason] = self.server.found[prefix + reason] = pv

    def post(self, reason, value, mask, prim=0, alarm=(0, 0)):
        """An event of a PV."""
        pv = self.pvs[reason]
        gdd = cas.gdd()
        if prim:
            gdd.setPrimType(prim)
        gdd.put(build(value))
        pv.held, pv.alarm = build(value), tuple(alarm)
        gdd.setStatSevr(*alarm)
        gdd.setTimeStamp()
        pv.postEvent(mask, gdd)

    def end(self, reason, status):
        """An asynchronous write ends."""
        pv = self.pvs[reason]
        busy = bool(pv.hasAsyncWrite())
        pv.endAsyncWrite(answer(status))
        return [busy, bool(pv.hasAsyncWrite())]

    # ---- for the harness ----

    def settle(self):
        """Lets the server do all that clients have asked for up to now."""
        for _ in range(4):
            cas.process(TURN)

    def mark(self, number):
        """Posts the mark behind everything that was posted before."""
        self.settle()
        Mark.number = number
        gdd = cas.gdd()
        gdd.setPrimType(cas.aitEnumInt32)
        gdd.put(number)
        gdd.setTimeStamp()
        self.server.found["COMPAT:MARK"].postEvent(cas.DBE_VALUE, gdd)
        self.settle()

    def take_calls(self):
        """What was called since the last time."""
        calls, self.calls[:] = list(self.calls), []
        return calls


logging.basicConfig(level=logging.CRITICAL)
obey(Side(), cas.process, {})
