"""A library on top of `SimplePV`: PVs with callbacks and a value of their own."""

import threading
import time

import pcaspy
from pcaspy import SimplePV, cas
from pcaspy.tools import ServerThread


class Rejected(Exception):
    """A callback does not take a value."""


class CallbackPV(SimplePV):
    """Runs callbacks at each put; `value` reads and posts."""

    def __init__(self, prefix, basename, info):
        self.prefix = prefix
        self.basename = basename
        self.full_name = prefix + basename
        SimplePV.__init__(self, self.full_name, info)
        self.driver = None
        self._callbacks = []
        self._later = []

    def add_callback(self, function):
        """Called with each value that a client puts; may raise `Rejected`."""
        self._callbacks.append(function)

    def add_later(self, function):
        """Called when a put callback has begun; ends it with `completed`."""
        self._later.append(function)

    def check(self, value):
        """Whether every callback takes a value."""
        try:
            for function in self._callbacks:
                function(self, value)
        except Rejected:
            return False
        return True

    @property
    def value(self):
        """The parameter behind the PV."""
        return self.driver.pvDB[self.basename].value

    @value.setter
    def value(self, value):
        entry = self.driver.pvDB[self.basename]
        self.driver.setParam(self.basename, value)
        if entry.flag and self.info.scan == 0:
            self.updateValue(entry)
            entry.flag = False

    def take(self, gdd):
        """Check and store what a client has put."""
        value = gdd.get()
        accepted = self.check(value)
        if accepted:
            self.driver.setParam(self.basename, value)
        entry = self.driver.getParamDB(self.info.reason)
        if accepted:
            self.updateValue(entry)
        else:
            entry.severity = pcaspy.Severity.INVALID_ALARM
            entry.alarm = pcaspy.Alarm.WRITE_ALARM
        return accepted

    def write(self, context, value):
        """A put that is not waited for."""
        self.take(value)
        return cas.S_casApp_success

    def writeNotify(self, context, value):
        """A put callback."""
        if self.hasAsyncWrite():
            return cas.S_casApp_postponeAsyncIO
        accepted = self.take(value)
        if accepted and self.info.asyn:
            self.startAsyncWrite(context.ctx)
            for function in self._later:
                function(self, value.get())
            return cas.S_casApp_asyncCompletion
        return cas.S_casApp_success

    def completed(self):
        """End the put callback."""
        self.endAsyncWrite(cas.S_casApp_success)


class Server(pcaspy.SimpleServer):
    """Finds its PVs in the manager's tables."""

    def __init__(self):
        pcaspy.SimpleServer.__init__(self)
        self.manager = pcaspy.driver.manager
        self.pvs = None

    def __del__(self):
        cas.asCaStop()

    def pvExistTest(self, context, addr, fullname):
        """Whether a name is served."""
        found = fullname in self.manager.pvf
        return cas.pverExistsHere if found else cas.pverDoesNotExistHere

    def pvAttach(self, context, fullname):
        """The PV of a name."""
        return self.manager.pvf.get(fullname, cas.S_casApp_pvNotFound)

    def create(self, prefix, basename, fields):
        """Make a PV and enter it into the tables."""
        info = pcaspy.PVInfo(fields)
        info.reason = basename
        info.name = prefix + basename
        self.pvs = self.manager.pvs.setdefault(info.port, {})
        pv = CallbackPV(prefix, basename, info)
        self.manager.pvf[info.name] = pv
        self.pvs[basename] = pv
        return pv

    def process(self, seconds):
        """Overridden, as the library does."""
        cas.process(seconds)


class LibraryDriver(pcaspy.Driver):
    """Learns of PVs that were added after it was made."""

    port = "library"

    def __init__(self, pvs):
        self.pvs = pvs
        super().__init__()

    def learn(self):
        """A parameter for each PV that has none yet."""
        for reason, pv in pcaspy.driver.manager.pvs[self.port].items():
            if reason not in self.pvDB:
                data = pcaspy.driver.Data()
                data.value = pv.info.value
                self.pvDB[reason] = data


class Library:
    """A server in a thread, to which PVs are added one by one."""

    def __init__(self, prefix):
        self.prefix = prefix
        self.server = Server()
        self.driver = None
        self.thread = None

    def add(self, name, **fields):
        """A new PV."""
        pv = self.server.create(self.prefix, name, {**fields, "port": "library"})
        if self.driver is None:
            self.driver = LibraryDriver(self.server.pvs)
        else:
            self.driver.learn()
        pv.driver = self.driver
        return pv

    def run(self):
        """Serve from now on."""
        self.thread = ServerThread(self.server)
        self.thread.daemon = True
        self.thread.start()


def reject_negative(_pv, value):
    """A callback that does not take everything."""
    if value < 0:
        raise Rejected


library = Library("LIB:")
checked = library.add("CHECKED", prec=2)
checked.add_callback(reject_negative)
mirror = library.add("MIRROR", type="int")
checked.add_callback(lambda _pv, value: setattr(mirror, "value", int(value)))
library.run()
slow = library.add("SLOW", asyn=True)
slow.add_later(lambda pv, _value: threading.Timer(0.2, pv.completed).start())
label = library.add("LABEL", type="string", value="first")
slow.add_callback(lambda _pv, value: setattr(label, "value", f"at {value:g}"))
while True:
    time.sleep(1)
