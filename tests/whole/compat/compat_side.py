"""A pcaspy program that does what it is told: `python compat_side.py`.

Runs with the released package and with ours.
"""

import logging
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parent))


from compat_commands import TURN, obey
from compat_values import build, shown

import pcaspy
from pcaspy import Driver, SimpleServer, cas
from pcaspy.driver import manager


class Refused(Exception):
    """What a program's own read or write raises."""


def driver_class(program, calls):
    """The Driver of a program: overrides what the program says, and notes calls."""
    reads, writes = program.get("read"), program.get("write")

    class Told(Driver):
        port = program["port"]

    def read(self, reason):
        what = reads.get(reason, "param")
        calls.append(["read", reason])
        if isinstance(what, dict):
            return build(what["return"])
        if what == "none":
            return None
        if what == "raise":
            raise Refused(reason)
        if what == "set":
            self.setParam(reason, len(calls))
            self.updatePV(reason)
        return self.getParam(reason)

    def write(self, reason, value):
        calls.append(["write", reason, shown(value)])
        what = writes.get(reason, "accept")
        if isinstance(what, dict) and "other" in what:
            self.setParam(what["other"], value)
            self.updatePVs()
            return True
        if isinstance(what, dict):
            return build(what["return"])
        if what == "raise":
            raise Refused(reason)
        if what in ("accept", "none", "false_after", "complete", "update"):
            self.setParam(reason, value)
        if what == "update":
            self.updatePVs()
        if what == "complete":
            self.callbackPV(reason)
        return {"none": None, "false": False, "false_after": False}.get(what, True)

    if reads is not None:
        Told.read = read
    if writes is not None:
        Told.write = write
    return Told


class Side:
    """The commands, one method for each; the first argument of most is a reason."""

    def __init__(self):
        self.server = SimpleServer()
        rules = os.environ.get("COMPAT_RULES")
        if rules:
            self.server.initAccessSecurityFile(rules, P=os.environ["COMPAT_PREFIX"])
        mark = {"type": "int", "port": "mark", "asg": "mark" if rules else ""}
        self.server.createPV("COMPAT:", {"MARK": mark})

        class MarkDriver(Driver):
            port = "mark"

        self.mark_driver = MarkDriver()
        self.calls = []
        self.programs = {}
        self.driver = None
        self.prefix = self.port = ""

    # ---- a program's life ----

    def begin(self, prefix, program):
        """PVs and driver of a program; the last one's are left as they are."""
        self.calls = []
        self.prefix = prefix
        self.port = program["port"] = f"port of {prefix}"
        self.server.createPV(prefix, self.entries(program["pvs"]))
        if program.get("driver", True):
            self.driver = driver_class(program, self.calls)()
        else:
            self.driver = None

    def entries(self, pvs):
        return {
            reason: {"port": self.port, **{k: build(v) for k, v in fields.items()}}
            for reason, fields in pvs.items()
        }

    def create(self, pvs):
        self.server.createPV(self.prefix, self.entries(pvs))

    def renew_driver(self, program):
        self.driver = driver_class({**program, "port": self.port}, self.calls)()

    # ---- what a program does ----

    def set(self, reason, value, stamp=None):
        args = () if stamp is None else (cas.epicsTimeStamp(*stamp),)
        self.driver.setParam(reason, build(value), *args)

    def set_data(self, reason, name, value):
        setattr(self.driver.getParamDB(reason), name, build(value))

    def update(self, reason=None):
        if reason is None:
            self.driver.updatePVs()
        else:
            self.driver.updatePV(reason)

    def status(self, reason, alarm=None, severity=None):
        self.driver.setParamStatus(reason, alarm, severity)

    def enums(self, reason, enums, states=None):
        self.driver.setParamEnums(reason, enums, states)

    def info(self, reason, info):
        self.driver.setParamInfo(reason, {k: build(v) for k, v in info.items()})

    def callback(self, reason):
        self.driver.callbackPV(reason)

    def get(self, reason):
        return shown(self.driver.getParam(reason))

    def get_info(self, reason, keys=None):
        return shown(self.driver.getParamInfo(reason, keys))

    def state(self, reason):
        data = self.driver.pvDB[reason]
        told = [data.alarm, data.severity, data.flag, data.mask, data.udf]
        return [shown(data.value), *told]

    def forget_name(self, reason):
        del manager.pvf[self.prefix + reason]

    def forget_reason(self, reason):
        del manager.pvs[self.port][reason]

    def forget_data(self, reason):
        del self.driver.pvDB[reason]

    def forget_driver(self):
        del manager.driver[self.port]

    def rename(self, reason, name):
        manager.pvf[self.prefix + name] = manager.pvf[self.prefix + reason]

    def info_of(self, reason, field):
        return shown(getattr(manager.pvs[self.port][reason].info, field))

    def check(self, reason, value):
        """What the PV's own checks say of a value."""
        info = manager.pvs[self.port][reason].info
        return [info.checkValue(build(value)), list(info.checkAlarm(build(value)))]

    def run(self, lines):
        """Any statements, for what no other command does; `result` is told."""
        names = {"side": self, "driver": self.driver, "pcaspy": pcaspy, "cas": cas}
        names["manager"], names["build"] = manager, build
        exec("\n".join(lines), names)
        return shown(names.get("result"))

    # ---- for the harness ----

    def settle(self):
        """Lets the server do all that clients have asked for up to now."""
        for _ in range(4):
            self.server.process(TURN)

    def mark(self, number):
        """Posts the mark behind everything that was posted before."""
        self.settle()
        self.mark_driver.setParam("MARK", number)
        self.mark_driver.updatePVs()
        self.settle()

    def take_calls(self):
        calls, self.calls[:] = list(self.calls), []
        return calls


logging.basicConfig(level=logging.ERROR)
side = Side()
obey(side, side.server.process, {"version": pcaspy.__version__})
