"""A server of pcaspy's low-level layer: `python lowlevel_server.py PREFIX [ACF]`.

Its PVs do everything themselves. The methods of Commands are what a test can tell it.
"""

import logging
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from pcaspy import Alarm, Severity, cas
from support.child_side import answer_commands_in_thread, say

STATES = ["Off", "On", "Broken"]


class Base(cas.casPV):
    """Keeps a gdd and posts what is written."""

    kind = cas.aitEnumFloat64
    count = 1
    start = 0

    def __init__(self, name):
        super().__init__()
        self.name = name
        self.value = cas.gdd()
        self.value.setPrimType(self.kind)
        self.value.put(self.start)
        self.value.setTimeStamp()
        self.interest_calls = []
        self.log = []

    def bestExternalType(self):
        return self.kind

    def maxDimension(self):
        return 1 if self.count > 1 else 0

    def maxBound(self, dimension):
        return self.count

    def getValue(self, value):
        value.putDD(self.value)
        return cas.S_casApp_success

    def write(self, context, value):
        self.log.append([context.user, context.host, value.get()])
        self.value.put(value)
        self.value.setTimeStamp()
        self.postEvent(cas.DBE_VALUE | cas.DBE_LOG, self.value)
        return cas.S_casApp_success

    def interestRegister(self):
        self.interest_calls.append("register")
        return cas.S_casApp_success

    def interestDelete(self):
        self.interest_calls.append("delete")


class Number(Base):
    """A double with units, precision and limits, and an alarm above 10."""

    start = 3.25

    def write(self, context, value):
        high = value.get() > 10
        self.value.put(value.get())
        self.value.setStatSevr(
            Alarm.HIHI_ALARM if high else Alarm.NO_ALARM,
            Severity.MAJOR_ALARM if high else Severity.NO_ALARM,
        )
        self.value.setTimeStamp()
        self.postEvent(cas.DBE_VALUE | cas.DBE_ALARM, self.value)
        return cas.S_casApp_success

    def getUnits(self, value):
        value.put("mm")
        return cas.S_casApp_success

    def getPrecision(self, value):
        value.put(2)
        return cas.S_casApp_success

    def getHighLimit(self, value):
        value.put(20)
        return cas.S_casApp_success

    def getLowLimit(self, value):
        value.put(-20)
        return cas.S_casApp_success

    def getHighAlarmLimit(self, value):
        value.put(10)
        return cas.S_casApp_success


class Enum(Base):
    kind = cas.aitEnumEnum16

    def getEnums(self, value):
        value.put(STATES)
        return cas.S_casApp_success


class Array(Base):
    kind = cas.aitEnumInt32
    count = 10
    start = (1, 2, 3)


class Floats(Base):
    kind = cas.aitEnumFloat32
    count = 4
    start = (0.5, 1.5)


class Text(Base):
    kind = cas.aitEnumString
    start = "hello"


class LongText(Base):
    kind = cas.aitEnumUint8
    count = 100
    start = "a long text"


class Refuses(Base):
    def write(self, context, value):
        return cas.S_casApp_noSupport


class Async(Base):
    """Ends a put callback when it is told to, one at a time."""

    kind = cas.aitEnumInt32

    def writeNotify(self, context, value):
        self.log.append(value.get())
        if self.hasAsyncWrite():
            return cas.S_casApp_postponeAsyncIO
        self.startAsyncWrite(context)
        self.value.put(value.get())
        return cas.S_casApp_asyncCompletion


class AtOnce(Base):
    """Ends its asynchronous put before write() returns."""

    def writeNotify(self, context, value):
        self.startAsyncWrite(context)
        self.value.put(value.get())
        self.endAsyncWrite(cas.S_casApp_success)
        return cas.S_casApp_asyncCompletion


class Wrong(Base):
    """Does in each call what should not be done, by the number that is put."""

    def getValue(self, value):
        raise RuntimeError("getValue does not work")

    def write(self, context, value):
        what = int(value.get())
        if what == 1:
            raise RuntimeError("write does not work")
        if what == 2:
            return cas.S_casApp_asyncCompletion  # nothing was started
        if what == 3:
            return cas.S_casApp_postponeAsyncIO  # nothing is in progress
        if what == 4:
            self.startAsyncWrite(context)
            self.startAsyncWrite(context)
        if what == 5:
            self.startAsyncWrite("no context")
        if what == 6:
            self.postEvent(cas.DBE_VALUE, 7)
        if what == 7:
            self.endAsyncWrite(cas.S_casApp_success)  # nothing is in progress
        return cas.S_casApp_success


class NoNumber(Base):
    """Puts what is no number into a double."""

    def getValue(self, value):
        value.put("not a number")
        return cas.S_casApp_success


class BadType(Base):
    def bestExternalType(self):
        return 99


class BadBound(Base):
    count = 1 << 40


class Bare(cas.casPV):
    """Says nothing about itself: a string."""

    def getValue(self, value):
        value.put(7)
        return cas.S_casApp_success


CLASSES = {
    "NUMBER": Number,
    "ENUM": Enum,
    "ARRAY": Array,
    "FLOATS": Floats,
    "TEXT": Text,
    "LONGTEXT": LongText,
    "REFUSES": Refuses,
    "ASYNC": Async,
    "ATONCE": AtOnce,
    "WRONG": Wrong,
    "NONUMBER": NoNumber,
    "BADTYPE": BadType,
    "BADBOUND": BadBound,
}


class Server(cas.caServer):
    """Its PVs, and made on demand: NEW:anything, RAISES, WEIRD."""

    def __init__(self, prefix):
        super().__init__()
        self.prefix = prefix
        self.pvs = {name: kind(prefix + name) for name, kind in CLASSES.items()}
        self.pvs["GUARDED"] = Array(prefix + "GUARDED")
        self.pvs["GUARDED"].setAccessSecurityGroup("guarded")
        self.asked = []

    def pvExistTest(self, context, addr, fullname):
        self.asked.append(addr.stringConvert(128))
        if not fullname.startswith(self.prefix):
            return cas.pverDoesNotExistHere
        name = fullname[len(self.prefix) :]
        known = name in self.pvs or name.startswith(("NEW:", "RAISES", "WEIRD", "BARE"))
        return cas.pverExistsHere if known else cas.pverDoesNotExistHere

    def pvAttach(self, context, fullname):
        name = fullname[len(self.prefix) :]
        if name == "RAISES":
            raise RuntimeError("pvAttach does not work")
        if name == "WEIRD":
            return "neither a PV nor a status"
        if name.startswith("NEW:"):
            return Text(fullname)
        if name == "BARE":
            return Bare()
        return self.pvs.get(name, cas.S_casApp_pvNotFound)


class Commands:
    """What a test can tell this server; runs in the command thread."""

    def __init__(self, server):
        self.server = server

    def __call__(self, do, **arguments):
        return getattr(self, do)(**arguments)

    def post(self, name, value, mask=cas.DBE_VALUE):
        pv = self.server.pvs[name]
        pv.value.put(value)
        pv.value.setTimeStamp()
        pv.postEvent(mask, pv.value)

    def end(self, name, good=True):
        status = cas.S_casApp_success if good else cas.S_casApp_undefined
        self.server.pvs[name].endAsyncWrite(status)

    def log(self, name):
        return self.server.pvs[name].log

    def busy(self, name):
        return self.server.pvs[name].hasAsyncWrite()

    def interest(self, name):
        return self.server.pvs[name].interest_calls

    def group(self, name, group):
        self.server.pvs[name].setAccessSecurityGroup(group)

    def threads(self):
        return threading.active_count()


def main():
    prefix, *rules = sys.argv[1:]
    logging.basicConfig(level=logging.WARNING)
    if rules:
        assert cas.asInitFile(rules[0], f"P={prefix}") == cas.S_casApp_success
        cas.asCaStart()
    server = Server(prefix)
    server.start()
    say("READY", {"tcp_port": server.tcp_port, "udp_port": server.udp_port})
    ended = answer_commands_in_thread(Commands(server))
    while not ended.is_set():
        cas.process(0.05)


if __name__ == "__main__":
    main()
