"""A library of PVs on `pcaspy.cas` alone: a server with a thread, PVs with properties.

Its names are those that such libraries use: `name`, `value`, `count`, `start`, `stop`,
`prefix`, `running`. None may be in the way of the classes below.
"""

import threading
import time

import numpy as np

from pcaspy import cas

cas.epicsTimeStamp.__repr__ = cas.epicsTimeStamp.__str__


class Later(Exception):
    """A put that ends later."""


class Undefined(Exception):
    """A PV without a value."""


def answered(function):
    """A method that fills a gdd, as the server calls it."""

    def method(self, gdd):
        try:
            function(self, gdd)
        except Undefined:
            return cas.S_casApp_undefined
        return cas.S_casApp_success

    return method


TYPES = {
    float: cas.aitEnumFloat64,
    int: cas.aitEnumInt32,
    str: cas.aitEnumString,
    list: cas.aitEnumEnum16,
    np.float64: cas.aitEnumFloat64,
    np.int32: cas.aitEnumInt32,
}


class Server(cas.caServer):
    """Serves the PVs that are added, in a thread of its own."""

    def __init__(self, prefix):
        cas.caServer.__init__(self)
        self._pvs = {}
        self._thread = None
        self._running = False
        self._prefix = prefix
        self.start()

    @property
    def prefix(self):
        """Before every name."""
        return self._prefix

    @property
    def running(self):
        """Whether the thread is at work."""
        return self._running

    def __getitem__(self, name):
        return self._pvs[name.removeprefix(self._prefix)]

    def __contains__(self, name):
        return name.removeprefix(self._prefix) in self._pvs

    def add(self, pv):
        """Serve a PV from now on."""
        self._pvs[pv.name] = pv

    def pvExistTest(self, context, addr, fullname):
        """Whether a name is served."""
        return cas.pverExistsHere if fullname in self else cas.pverDoesNotExistHere

    def pvAttach(self, context, fullname):
        """The PV of a name."""
        return self[fullname] if fullname in self else cas.S_casApp_pvNotFound

    def start(self):
        """Begin to serve."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, daemon=True)
            self._thread.start()

    def stop(self):
        """Serve no longer."""
        self._running = False
        self._thread.join()
        self._thread = None

    def _serve(self):
        self._running = True
        while self._running:
            cas.process(0.05)


class PV(cas.casPV):
    """A value with units, limits and a callback for puts."""

    def __init__(self, server, name, value, units="", limits=(0,) * 6, written=None):
        self._name, self._units, self.limits = name, units, limits
        self._written = written
        self._interest = False
        self._value, self._labels, self._count = value, [], 0
        self._type = TYPES.get(type(value))
        self._mask = cas.DBE_VALUE | cas.DBE_LOG
        if isinstance(value, list):
            self._labels, self._value = value, 0
            self._mask |= cas.DBE_PROPERTY
        if isinstance(value, np.ndarray):
            self._count = value.size
            self._type = TYPES[value.dtype.type]
        self._stamp = cas.epicsTimeStamp()
        cas.casPV.__init__(self)
        server.add(self)

    @property
    def name(self):
        """Its name behind the prefix."""
        return self._name

    @property
    def count(self):
        """Its greatest length; 0 if it is no array."""
        return self._count

    @property
    def value(self):
        """The value, posted when it is set."""
        return self._value

    @value.setter
    def value(self, value):
        if isinstance(value, cas.gdd):
            gdd, stamp = value, cas.epicsTimeStamp()
            gdd.getTimeStamp(stamp)
            self._stamp, self._value = stamp, gdd.get()
        else:
            gdd = cas.gdd()
            gdd.setPrimType(self._type)
            self._stamp, self._value = cas.epicsTimeStamp(), value
            self.fill(gdd)
        if self._interest:
            self.postEvent(self._mask, gdd)

    def __setitem__(self, index, value):
        self._value[index] = value
        self.value = self._value

    def interestRegister(self, *args):
        """Somebody subscribes."""
        self._interest = True
        return cas.S_casApp_success

    def interestDelete(self, *args):
        """Nobody subscribes any more."""
        self._interest = False
        return cas.S_casApp_success

    def write(self, context, value):
        """A put."""
        try:
            if self._written is not None:
                self._written(self, value.get())
        except Later:
            self.startAsyncWrite(context.ctx)
            return cas.S_casApp_asyncCompletion
        except ArithmeticError:
            return cas.S_casApp_success
        self.value = value
        return cas.S_casApp_success

    def writeNotify(self, context, value):
        """A put callback."""
        if self.hasAsyncWrite():
            return cas.S_casApp_postponeAsyncIO
        return self.write(context, value)

    def done(self):
        """End a put that was to end later."""
        if self.hasAsyncWrite():
            self.endAsyncWrite(cas.S_casApp_success)

    def fill(self, gdd):
        """Value, alarm and time of the PV."""
        if gdd.primitiveType() == cas.aitEnumInvalid:
            gdd.setPrimType(self._type)
        if self._value is None:
            raise Undefined
        gdd.put(self._value)
        gdd.setStatSevr(0, 0)
        gdd.setTimeStamp(self._stamp)

    getValue = answered(lambda self, gdd: self.fill(gdd))
    getPrecision = answered(lambda self, gdd: gdd.put(1))
    getUnits = answered(lambda self, gdd: gdd.put(self._units))
    getEnums = answered(lambda self, gdd: gdd.put(self._labels))
    getLowLimit = answered(lambda self, gdd: gdd.put(self.limits[0]))
    getHighLimit = answered(lambda self, gdd: gdd.put(self.limits[1]))
    getLowAlarmLimit = answered(lambda self, gdd: gdd.put(self.limits[2]))
    getHighAlarmLimit = answered(lambda self, gdd: gdd.put(self.limits[3]))
    getLowWarnLimit = answered(lambda self, gdd: gdd.put(self.limits[4]))
    getHighWarnLimit = answered(lambda self, gdd: gdd.put(self.limits[5]))

    def bestExternalType(self):
        """Its native type."""
        return self._type

    def maxDimension(self):
        """Scalar or array."""
        return 1 if self._count else 0

    def maxBound(self, dims):
        """Its length."""
        return self._count


def slow(pv, value):
    """12 takes a while."""
    if value == 12:
        threading.Timer(0.2, pv.done).start()
        raise Later


def poke(_pv, _value):
    """Change the others from inside."""
    server["array"][1:4] = 4
    server["text"].value = "poked"
    server["int"].value = 77
    server["enum"].value = 2
    server["none"].value = 3.5


server = Server("LOW:")
PV(server, "float", 0.0, units="test", limits=(-1, 1, 0.1, 0.5, 0.2, 0.4))
PV(server, "int", 5)
PV(server, "text", "test")
PV(server, "enum", ["a", "b", "c"])
PV(server, "async", 0.0, written=slow)
PV(server, "failing", 0.0, written=lambda pv, value: 1 / 0)
PV(server, "array", np.arange(10, dtype=np.int32))
PV(server, "floats", np.arange(10.0))
PV(server, "poke", 0.0, written=poke)
PV(server, "none", 0.0)._value = None
while True:
    time.sleep(1)
