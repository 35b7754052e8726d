"""A program that calls everything with anything: `random_api.py SEED SECONDS`.

Whatever pcaspy makes goes into a pool; a step calls a method of a thing from the pool,
or sets or deletes an attribute or item, with arguments from the pool. Callbacks of
drivers, PVs and odd values take steps of their own, with all that they may remove. A
client is at work meanwhile. Exceptions are Python's right; a crash or a hang is not.
"""

import contextlib
import faulthandler
import gc
import logging
import random
import struct
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np

from pcaspy import Alarm, Driver, PVInfo, Severity, SimplePV, SimpleServer, cas
from pcaspy.driver import Data, manager
from pcaspy.tools import ServerThread
from support import wire
from support.wire import Circuit, event_request, pack

PVDB = {
    "A": {"prec": 2, "high": 5, "hihi": 8, "mdel": 1, "hyst": 1, "alarm_delay": 0.01},
    "I": {"type": "int", "asyn": True},
    "E": {"type": "enum", "enums": ["x", "y"], "states": [0, 2]},
    "S": {"type": "string", "value": "s"},
    "C": {"type": "char", "count": 20, "value": "text"},
    "W": {"count": 50, "value": [1, 2]},
    "T": {"type": "float", "scan": 0.01},
    "G": {"type": "short", "asg": "x"},
    "N": {"type": "int64", "high": 2**60, "mdel": 1},
    "U": {"type": "uint8", "count": 30},
    "B": {"type": "bool"},
    "X": {"type": "text", "count": 50, "value": "text"},
}
REASONS = list(PVDB)
TYPES = ("int", "string", "enum", "float", "int64", "uint16", "bool", "text")
NAMES = ["P:" + reason for reason in REASONS] + ["L:1", "L:2"]
# What waits, ends the program, or says much.
LEFT_OUT = {
    "join",
    "process",
    "serve",
    "show",
    "run",
    "serve_forever",
    "setDaemon",
    "daemon",
    "sleep",
}


class Program:
    """The pool and the dice."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.pool = []
        self.servers = []  # always there
        self.steps = 0
        self.depth = 0
        self.kept = threading.local()

    def step(self):
        """One call, whatever comes of it; a step may be taken inside a step."""
        inside = getattr(self.kept, "depth", 0)
        if inside > 2:
            return
        self.kept.depth = inside + 1
        self.steps += 1
        try:
            kind, weights = zip(*STEPS.items(), strict=True)
            self.keep(self.random.choices(kind, weights)[0](self))
        except Exception as error:
            # The text may be that of a thing whose methods were replaced.
            with contextlib.suppress(Exception):
                str(error)
        finally:
            self.kept.depth = inside

    def sometimes(self, chance=0.3):
        """A step, or none."""
        if self.random.random() < chance:
            self.step()

    def keep(self, thing):
        """Into the pool, where it takes the place of another thing."""
        if isinstance(thing, KINDS):
            if len(self.pool) < 60:
                self.pool.append(thing)
            else:
                self.pool[self.random.randrange(60)] = thing

    def thing(self, *kinds):
        """One from the pool."""
        there = [*self.servers, *self.pool]
        found = [thing for thing in there if isinstance(thing, kinds or KINDS)]
        return self.random.choice(found) if found else None

    def value(self):
        """Anything."""
        pick = self.random.choice
        kind = self.random.randrange(12)
        if kind < 4:
            return pick(PLAIN)
        if kind == 4:
            return Odd(self)
        if kind == 5:
            return [pick(PLAIN), Odd(self), pick(PLAIN)]
        if kind == 6:
            dtype = pick("bBhHiIlLfd?")
            return np.arange(self.random.randrange(60)).astype(dtype)[:: pick((1, 2))]
        if kind == 7:
            return pick(REASONS + NAMES)
        if kind == 8:
            return self.random.randrange(-3, 40)
        if kind == 9:
            return {pick(REASONS): {"type": pick(TYPES)}}
        return self.thing()


class Odd:
    """A value whose conversions take steps, and whose end gives up the GIL."""

    def __init__(self, program):
        self.program = program

    def __float__(self):
        self.program.sometimes()
        return 1.5

    def __index__(self):
        self.program.sometimes()
        return 2

    def __len__(self):
        self.program.sometimes()
        return 2

    def __getitem__(self, index):
        self.program.sometimes()
        if index > 1:
            raise IndexError
        return 1

    def __str__(self):
        self.program.sometimes()
        return "odd"

    __repr__ = __str__

    def __eq__(self, other):
        self.program.sometimes()
        return self is other

    __hash__ = object.__hash__

    def __del__(self):
        time.sleep(0)
        self.program.sometimes(0.05)


class Wild(Driver):
    """Takes steps in read and write."""

    program = None

    def read(self, reason):
        self.program.sometimes()
        return self.program.random.choice(
            (super().read(reason), None, Odd(self.program))
        )

    def write(self, reason, value):
        self.program.sometimes()
        with contextlib.suppress(KeyError, TypeError, ValueError):
            self.setParam(reason, value)
        self.program.sometimes()
        return self.program.random.choice((True, False, None, 7, Odd(self.program)))


class Later(Driver):
    """Answers puts and gets later."""

    program = None

    async def write(self, reason, value):
        self.program.sometimes()
        self.setParam(reason, value)

    async def read(self, reason):
        self.program.sometimes()
        return self.getParam(reason)


class WildPV(SimplePV):
    """Takes steps in its own hooks."""

    program = None

    def updateValue(self, value):
        self.program.sometimes()
        super().updateValue(value)

    def __del__(self):
        time.sleep(0)


class WildInfo(PVInfo):
    """Takes steps when values are checked."""

    program = None

    def checkValue(self, value):
        self.program.sometimes()
        return super().checkValue(value)

    def checkAlarm(self, value):
        self.program.sometimes()
        return super().checkAlarm(value)


class LowPV(cas.casPV):
    """A PV of the low level that answers as the dice say."""

    program = None

    def getValue(self, value):
        self.program.sometimes()
        value.put(self.program.value())
        return cas.S_casApp_success

    def write(self, context, value):
        self.program.sometimes()
        if self.program.random.random() < 0.3:
            self.startAsyncWrite(context)
            return cas.S_casApp_asyncCompletion
        return self.program.random.choice(
            (cas.S_casApp_success, cas.S_casApp_postponeAsyncIO, cas.S_casApp_noSupport)
        )

    writeNotify = write

    def bestExternalType(self):
        return cas.aitEnumFloat64


class LowServer(cas.caServer):
    """Finds its PVs as the dice say."""

    program = None

    def pvExistTest(self, context, addr, fullname):
        self.program.sometimes()
        return cas.pverExistsHere

    def pvAttach(self, context, fullname):
        self.program.sometimes()
        return self.program.thing(cas.casPV) or cas.S_casApp_pvNotFound


KINDS = (
    SimpleServer,
    cas.caServer,
    Driver,
    Data,
    cas.casPV,
    cas.gdd,
    cas.epicsTimeStamp,
    PVInfo,
    dict,
)
PLAIN = [
    None,
    0,
    1,
    -1,
    2.5,
    1e300,
    float("nan"),
    10**30,
    10**400,
    True,
    "",
    "x",
    "7",
    "long " * 20,
    b"bytes",
    b"\0\xff",
    (),
    [],
    [1.0, "a", None],
    ["a", "b"],
    np.float32(2),
    np.int64(5),
    np.array([], "d"),
    np.array(3.0),
    object(),
    Alarm.HIGH_ALARM,
    Severity.INVALID_ALARM,
    lambda *args: 1,
]


# ---- steps ----


def call(program):
    """A public method of a thing."""
    thing = program.thing()
    names = [n for n in dir(thing) if n[0] != "_" and n not in LEFT_OUT]
    method = getattr(thing, program.random.choice(names))
    if not callable(method):
        return method
    return method(*(program.value() for _ in range(program.random.randrange(4))))


def plausible(program):
    """A method of a driver, with arguments that it may take."""
    driver, pick = program.thing(Driver), program.random.choice
    reason = pick(REASONS)
    return pick(
        (
            lambda: driver.setParam(reason, program.value()),
            lambda: driver.updatePVs(),
            lambda: driver.updatePV(reason),
            lambda: driver.callbackPV(reason),
            lambda: driver.setParams({r: program.value() for r in REASONS}),
            lambda: driver.setParamStatus(
                reason, pick((None, 3, 17)), pick((0, 2)), pick(("", "a message"))
            ),
            lambda: driver.setParamInfo(
                reason, {pick(("hyst", "alarm_delay", "hsv")): pick((0, 1, 0.01))}
            ),
            lambda: driver.setParamEnums("E", ["p", "q", "r"][: pick((1, 3))]),
            lambda: driver.setParamInfo(
                reason,
                {pick(("count", "type", "high", "prec", "scan")): program.value()},
            ),
            lambda: driver.getParamDB(reason),
            lambda: driver.pvDB,
            lambda: driver.pvDB.pop(reason),
            lambda: driver.pvDB.update({reason: Data()}),
        )
    )()


def attribute(program):
    """Sets or deletes an attribute."""
    thing = program.thing()
    names = [n for n in dir(thing) if n[0] != "_" and n not in LEFT_OUT]
    name = program.random.choice(names)
    if program.random.random() < 0.2:
        delattr(thing, name)
    else:
        setattr(thing, name, program.value())


def table(program):
    """Edits what the manager knows."""
    pick = program.random.choice
    tables = [manager.pvf, manager.pvs, manager.driver, *manager.pvs.values()]
    chosen = pick(tables)
    keys = [*list(chosen), *REASONS, *NAMES]
    action = program.random.randrange(8)
    if action == 0:
        chosen.pop(pick(keys), None)
    elif action == 1:
        chosen[pick(keys)] = program.thing(cas.casPV, Driver)
    elif action == 2 and program.random.random() < 0.1:
        chosen.clear()
    elif action == 3:
        chosen[pick(keys)] = program.value()
    return pick([chosen, *chosen.values()])


def make(program):
    """A new thing."""
    pick = program.random.choice
    kind = pick((Wild, Later, Driver, WildPV, LowPV, Data, cas.gdd, cas.epicsTimeStamp))
    if kind in (Data, cas.epicsTimeStamp, LowPV):
        return kind()
    if kind is cas.gdd:
        return cas.gdd(16, pick(range(12)))
    if kind is WildPV:
        info = pick((PVInfo, WildInfo))(dict(PVDB[pick(REASONS)]))
        info.reason = pick(REASONS)
        info.name = "P:" + info.reason
        pv = kind(info.name, info)
        if "default" in manager.pvs and program.random.random() < 0.5:
            manager.pvs["default"][info.reason] = manager.pvf[info.name] = pv
        return pv
    return kind()


def entries(program):
    """Serves PVs again."""
    server = program.thing(SimpleServer)
    reasons = program.random.sample(REASONS, 3)
    server.createPV("P:", {reason: PVDB[reason] for reason in reasons})
    if "default" not in manager.driver:
        return Wild()
    return manager.driver["default"]


def turn(program):
    """Handles requests."""
    cas.process(program.random.choice((0, 0.001, 0.01)))


def rest(program):
    """Something that is seldom done."""
    pick = program.random.random()
    if pick < 0.2:
        gc.collect()
    elif pick < 0.4:
        thread = ServerThread(program.servers[0])
        thread.daemon = True
        thread.start()
        thread.stop()
        thread.join()
    elif pick < 0.7:
        program.pool[:] = program.random.sample(program.pool, len(program.pool) // 2)
    else:
        server = program.thing(cas.caServer, SimpleServer)
        server.close()
        server.start()


STEPS = {call: 40, plausible: 30, attribute: 8, table: 5, make: 8, entries: 4, turn: 20}
STEPS[rest] = 1


# ---- the client ----


def client(program, port, stop):
    """Gets, puts, subscriptions and leaves, in a thread."""
    dice = random.Random(program.random.random())
    while not stop.is_set():
        with contextlib.suppress(AssertionError, OSError, wire.Silence):
            visit(dice, port(), stop)
        stop.wait(0.01)


def visit(dice, port, stop):
    with Circuit(("127.0.0.1", port)) as circuit:
        for cid, name in enumerate(NAMES):
            circuit.send(wire.create_request(name, cid))
        sids = [1]
        for n in range(dice.randrange(10, 300)):
            if stop.is_set():
                return
            with contextlib.suppress(BlockingIOError, wire.Silence):
                message = circuit.receive(0.001)
                if message.command == wire.CREATE_CHAN:
                    sids.append(message.p2)
            sid, type_ = dice.choice(sids), dice.randrange(39)
            data = struct.pack(">d", n) + b"7\0" * dice.randrange(5)
            put = dice.choice((6, 6, 6, 35, 36))
            circuit.send(
                dice.choice(
                    (
                        pack(wire.READ_NOTIFY, type=type_, count=1, p1=sid, p2=n),
                        pack(wire.WRITE, data, type=put, count=1, p1=sid, p2=n),
                        pack(wire.WRITE_NOTIFY, data, type=put, count=1, p1=sid, p2=n),
                        event_request(sid, n, type_),
                    )
                )
            )


def main():
    seed, seconds = int(sys.argv[1]), float(sys.argv[2])
    faulthandler.enable()
    faulthandler.dump_traceback_later(seconds + 120, exit=True)
    logging.getLogger("pcaspy").addHandler(logging.NullHandler())
    logging.getLogger("pcaspy").propagate = False
    program = Program(seed)
    for kind in (Wild, Later, WildPV, WildInfo, LowPV, LowServer):
        kind.program = program
    gc.set_threshold(1 + seed % 50)
    options = {"port": 0, "interfaces": ["127.0.0.1"], "auto_beacon_addresses": False}
    servers = program.servers = [SimpleServer(**options)]
    servers[0].createPV("P:", PVDB)
    if seed % 2:
        low = {**options, "udp_port": 0, "tcp_port": 0}
        del low["port"]
        servers.append(LowServer(**low))
    program.pool += [Wild() if seed % 3 else Driver()]
    stop = threading.Event()
    threads = [
        threading.Thread(
            target=client, args=(program, lambda s=s: s.tcp_port, stop), daemon=True
        )
        for s in servers
    ]
    for thread in threads:
        thread.start()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        program.step()
    stop.set()
    for thread in threads:
        thread.join()
    print(program.steps)


main()
