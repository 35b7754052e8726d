"""A program that puts a manager, a registration and a scan of its own into pcaspy."""

import threading
import time

import pcaspy
from pcaspy import cas

EPICS_EPOCH = 631152000


class LockedManager(pcaspy.driver.Manager):
    """Nobody sees the drivers while one is replaced by another."""

    mutex = threading.Lock()

    def __getattribute__(self, name):
        if name == "_driver":
            return object.__getattribute__(self, "driver")
        if name == "driver":
            with object.__getattribute__(self, "mutex"):
                return object.__getattribute__(self, name)
        return object.__getattribute__(self, name)


manager = LockedManager()


def register(initialize):
    """Registers a driver with the manager above."""

    def wrapped(*args, **kwargs):
        driver = args[0]
        initialize(*args, **kwargs)
        manager._driver[driver.port] = driver

    return wrapped


def stamp():
    """The time, part by part."""
    now = time.time() - EPICS_EPOCH
    made = cas.epicsTimeStamp()
    made.secPastEpoch = int(now)
    made.nsec = int((now % 1) * 1e9)
    return made


def scan(self):
    """Asks the driver again and again."""
    while True:
        driver = manager.driver.get(self.info.port)
        if driver is not None and self.info.reason in driver.pvDB:
            driver.read(self.info.reason)
            entry = driver.getParamDB(self.info.reason)
            entry.mask, entry.time = cas.DBE_VALUE | cas.DBE_ALARM, stamp()
            self.updateValue(entry)
        time.sleep(self.info.scan)


pcaspy.driver.manager = manager
pcaspy.driver.registerDriver = register
pcaspy.SimplePV.scan = scan
values = {"A": 1.0}


class ReplacedDriver(pcaspy.Driver):
    """Made anew whenever there is another PV."""

    def __init__(self, before=None):
        self.pvDB = {}
        for reason, pv in manager.pvs.get(self.port, {}).items():
            self.pvDB[reason] = data = pcaspy.driver.Data()
            known = before is not None and reason in before.pvDB
            data.value = before.pvDB[reason].value if known else pv.info.value

    def read(self, reason):
        """The value from elsewhere."""
        self.setParam(reason, values.get(reason, 0.0))
        return self.getParam(reason)

    def write(self, reason, value):
        """Pass it on; ADD brings a PV that is scanned."""
        values[reason] = value
        if reason == "ADD":
            threading.Thread(target=add, args=("SCANNED", {"scan": value})).start()
        self.setParam(reason, value)
        return True


def add(name, fields):
    """One PV more, and a new driver that knows it."""
    global driver
    with manager.mutex:
        manager._driver.pop(driver.port, None)
        server.createPV(prefix="OWN:", pvdb={name: fields})
        driver = ReplacedDriver(before=driver)


server = pcaspy.SimpleServer()
driver = ReplacedDriver()
add("A", {})
add("ADD", {})
while True:
    server.process(0.05)
