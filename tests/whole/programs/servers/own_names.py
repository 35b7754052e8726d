"""Classes that use for themselves every name that is not pcaspy's.

`python own_names.py low` serves with the low-level layer, `simple` with SimpleServer.
"""

import sys

from pcaspy import Driver, SimplePV, SimpleServer, cas
from pcaspy.driver import PVInfo, manager

# Of members that a library of PVs may have; none of them is pcaspy's.
NAMES = """
alias address asks attached busy clear client close closed context count created current
data debug describe dispatcher driver end end_at_exit end_put engine events exists fits
fork_engine forget forget_threads given group groups handle handler host hosts in_use
index info_ init interested key kind length limit limits link links lock log logger
loop manager metadata mode name_ open opened options owner parent pending plain_read
plain_write port post post_value prepare prefix process_ put pvs queue queued reads
ready record refresh registry reset run running send server set set_access_group
set_puts_in_series set_reads_by_request set_wants_interest settings shut size snapshot
start started state states stats status stop store tag task tcp_port thread threads time
timer turn type udp_port unit units update used user value values wake wanted warned
writes _data _debug_level _dispatcher _engine _group _info _lock _name _pv _pvs
_registry _server _start _state _value _writes
""".split()


def in_the_way(*_args, **_kargs):
    """What nobody but the program itself may call."""
    raise RuntimeError("a name of the program was taken for one of pcaspy's")


def with_own_names(kind, attributes, hidden=()):
    """A subclass whose names of the list are attributes, or else methods."""
    names = [name for name in NAMES if name not in hidden]
    if not attributes:
        return type(kind.__name__, (kind,), dict.fromkeys(names, in_the_way))

    def init(self, *args, **kargs):
        for name in names:
            setattr(self, name, name)
        kind.__init__(self, *args, **kargs)
        for name in names:
            setattr(self, name, len(name))

    return type(kind.__name__, (kind,), {"__init__": init})


class Number(cas.casPV):
    """A number that is kept."""

    def __init__(self):
        self.kept = 1.5
        cas.casPV.__init__(self)

    def bestExternalType(self):
        """A double."""
        return cas.aitEnumFloat64

    def getName(self):
        """Its name, if somebody asks."""
        return "a number"

    def getValue(self, gdd):
        """What a client gets."""
        gdd.put(self.kept)
        return cas.S_casApp_success

    def write(self, context, gdd):
        """What a client puts."""
        self.kept = gdd.get()
        self.postEvent(cas.DBE_VALUE, gdd)
        return cas.S_casApp_success

    def writeNotify(self, context, gdd):
        """The same with a callback, later if it is 12."""
        if gdd.get() == 12:
            self.startAsyncWrite(context.ctx)
            self.write(context, gdd)
            self.endAsyncWrite(cas.S_casApp_success)
            return cas.S_casApp_asyncCompletion
        return self.write(context, gdd)


def low():
    """One server of each kind, with two PVs."""

    def named(kind, attributes):
        made = with_own_names(kind, attributes)
        if not attributes:  # a property hides what a base class would set

            class Named(made):
                """`name` belongs to the program."""

                @property
                def name(self):
                    """Nothing that a server could use."""
                    return in_the_way

                info = driver = interest = name

            return Named
        return made

    pvs = {f"OWN:{way}": named(Number, way)() for way in (0, 1)}

    class Server(cas.caServer):
        """Serves both."""

        def pvExistTest(self, context, addr, fullname):
            """Whether a name is served."""
            return cas.pverExistsHere if fullname in pvs else cas.pverDoesNotExistHere

        def pvAttach(self, context, fullname):
            """The PV of a name."""
            return pvs.get(fullname, cas.S_casApp_pvNotFound)

    servers = [with_own_names(Server, bool(int(sys.argv[2])))()]
    while servers:
        cas.process(0.05)


def simple():
    """A SimpleServer, and a driver on PVs that the program makes itself."""
    attributes = bool(int(sys.argv[2]))
    server = with_own_names(SimpleServer, attributes)()
    kind = with_own_names(SimplePV, attributes)
    for way in (0, 1):
        info = PVInfo({"value": 1.5})
        info.reason, info.name, info.port = str(way), f"OWN:{way}", "default"
        manager.pvs.setdefault("default", {})[info.reason] = kind(info.name, info)
        manager.pvf[info.name] = manager.pvs["default"][info.reason]

    class Own(Driver):
        """Takes everything."""

    driver = Own()
    while driver:
        server.process(0.05)


{"low": low, "simple": simple}[sys.argv[1]]()
