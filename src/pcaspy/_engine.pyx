# distutils: language = c++
# cython: nonecheck=True
"""Binding of the C++ Channel Access server engine.

The order of this file: time stamps, what a PV is (Fields, InfoBase), a served PV
(PvHandle), its value (Data), a request for Python (Request), the server (Server).

Threads: everything here needs the GIL. What may wait or end threads in the engine is
called without it. `Pv.set`, `Pv.post` and `Request.complete` keep it: they hold leaf
locks for the time of a pointer swap, and a thread that gave the GIL up there would
wait for it behind each computing thread, and could let two values change places.
"""

cimport cython
from cpython.exc cimport PyErr_CheckSignals
from cpython.ref cimport PyObject
from libc.math cimport NAN, fabs
from libc.stdint cimport uint16_t, uint32_t, uint64_t
from libcpp cimport bool as cbool
from libcpp.deque cimport deque
from libcpp.map cimport map
from libcpp.memory cimport unique_ptr
from libcpp.string cimport string
from libcpp.vector cimport vector

from pcaspy._cpp cimport access_security
from pcaspy._cpp.alarm_limits cimport AlarmLimits, check_alarm
from pcaspy._cpp.clock cimport now
from pcaspy._cpp.codec cimport DecodeTarget
from pcaspy._cpp.config cimport (
    Config, LimitTable, config_from_environment, limit_table, set_limit)
from pcaspy._cpp.counters cimport CounterKind, CounterTable, counter_table
from pcaspy._cpp.current_request cimport current_request, swap_current_request
from pcaspy._cpp.instances cimport Counted, instance_name, living
from pcaspy._cpp.log cimport LogRecord
from pcaspy._cpp.metadata cimport Metadata, MetadataPtr
from pcaspy._cpp.pv cimport (
    EventMask,
    Pv,
    PvPtr,
    begin_batch,
    create_pv,
    end_batch,
    kAlarmEvent,
    kLogEvent,
    kPropertyEvent,
    kValueEvent,
)
from pcaspy._cpp.py_bridge cimport (
    Strictness,
    bytes_of,
    holds_exactly,
    snapshot_of,
    snapshot_of_nothing,
    text_of,
    value_of,
)
from pcaspy._cpp.request cimport (
    ClientIdentity,
    ClientPtr,
    EngineRequest,
    RequestKind,
    RequestPtr,
)
from pcaspy._cpp.request_queue cimport nanoseconds
from pcaspy._cpp.server cimport EngineServer
from pcaspy._cpp.snapshot cimport (
    AlarmState,
    NewSnapshot,
    SnapshotPtr,
    TimeStamp,
    restamped,
)
from pcaspy._cpp.types cimport (
    ECA_GETFAIL,
    ECA_NORMAL,
    ECA_PUTFAIL,
    POSIX_TIME_AT_EPICS_EPOCH,
    DbfType,
    EcaStatus,
    kMaxCount,
    needs_metadata,
)

cdef extern from "Python.h":
    object PyObject_GenericGetDict(object, void*)
    Py_ssize_t Py_REFCNT(PyObject*)

import logging
import time
import weakref
from math import isfinite
from operator import index

from pcaspy.alarm import Alarm, Severity

NORMAL = ECA_NORMAL
GETFAIL = ECA_GETFAIL
PUTFAIL = ECA_PUTFAIL

MAX_COUNT = kMaxCount
EPICS_EPOCH = POSIX_TIME_AT_EPICS_EPOCH    # POSIX seconds at 1990-01-01
_set_logger = logging.getLogger("pcaspy.Driver.setParam")
_DBF_OF_AIT = {2: <int>DbfType.Char, 3: <int>DbfType.Short, 5: <int>DbfType.Enum,
               6: <int>DbfType.Long, 8: <int>DbfType.Float, 9: <int>DbfType.Double,
               11: <int>DbfType.String}
_DTYPE_OF_DBF = {<int>DbfType.Char: "u1", <int>DbfType.Short: "i2",
                 <int>DbfType.Enum: "u2", <int>DbfType.Long: "i4",
                 <int>DbfType.Float: "f4", <int>DbfType.Double: "f8"}
_IN_SNAPSHOT = object()     # Data's value is an array that is made when asked for
cdef size_t kMostTaken = 256  # requests taken from the engine at a time,
cdef double kTaken = 0.003    # as many as take about so long, in seconds
cdef double kSlice = 0.1    # seconds until signals and the engine's log are looked at


# ---- time stamps ---------------------------------------------------------------------

cdef class StampBase:
    """The two numbers of an epicsTimeStamp, where the binding finds them quickly."""
    cdef uint32_t seconds
    cdef uint32_t nanos

    @property
    def secPastEpoch(self):
        return self.seconds

    @secPastEpoch.setter
    def secPastEpoch(self, seconds):
        self.seconds = index(seconds)

    @property
    def nsec(self):
        return self.nanos

    @nsec.setter
    def nsec(self, nsec):
        self.nanos = index(nsec)


class epicsTimeStamp(StampBase):
    """A time: seconds since 1990 and nanoseconds. Without arguments: now.

    Both numbers may be set; programs derive from it and change its methods.
    """

    def __init__(self, *args):
        cdef StampBase me = self
        cdef TimeStamp t
        if not args:
            t = now()
            me.seconds, me.nanos = t.seconds, t.nanoseconds
            return
        try:
            seconds, nsec = args
            me.seconds, me.nanos = index(seconds), index(nsec)
        except (OverflowError, TypeError, ValueError):
            raise TypeError(f"epicsTimeStamp wants seconds and nanoseconds, or nothing,"
                            f" not {args!r}") from None

    @staticmethod
    def fromPosixTimeStamp(seconds, nsec=None):
        whole, nsec = since_1970(seconds, nsec)
        whole -= EPICS_EPOCH
        return epicsTimeStamp(whole & 0xffffffff, nsec) if whole >= 0 else (
            epicsTimeStamp(0, 0))

    def __repr__(self):
        return f"epicsTimeStamp({self.secPastEpoch},{self.nsec})"

    def __str__(self):
        return f"{self.secPastEpoch}.{self.nsec}"

    def __reduce__(self):
        return type(self), (self.secPastEpoch, self.nsec)


cdef tuple since_1970(seconds, nsec):
    """Whole seconds and nanoseconds; what is no time at all is 0."""
    if nsec is not None:
        return index(seconds), index(nsec)
    if not isinstance(seconds, (int, float)):
        raise TypeError(f"{seconds!r} is no number of seconds")
    seconds = float(seconds)
    if not isfinite(seconds):
        return 0, 0
    return int(seconds), int((seconds - int(seconds)) * 1e9)


cdef TimeStamp stamp_of(timestamp) except *:
    cdef TimeStamp t
    if timestamp is None:
        return now()
    if isinstance(timestamp, StampBase):
        t.seconds = (<StampBase>timestamp).seconds
        t.nanoseconds = (<StampBase>timestamp).nanos
        return t
    try:
        t.seconds, t.nanoseconds = timestamp.secPastEpoch, timestamp.nsec
    except AttributeError:
        raise TypeError(
            f"timestamp must be an epicsTimeStamp, not {timestamp!r}") from None
    return t


# ---- what a PV is --------------------------------------------------------------------

@cython.final
cdef class Fields:
    """All fields of a pvdb entry but its value; immutable, shared by equal PVs.

    `values` holds them as PVInfo shows them; `given` names those that were given.
    """
    cdef readonly dict values
    cdef readonly frozenset given
    cdef DbfType type
    cdef uint32_t max_count
    cdef double mdel
    cdef double adel
    cdef readonly bint scanned
    cdef readonly bint asyn
    cdef AlarmLimits limits
    cdef MetadataPtr metadata
    # The first snapshot of the PVs with the same value that a driver took together.
    cdef SnapshotPtr first
    cdef object first_value
    cdef TimeStamp first_time

    def __init__(self, dict values not None, frozenset given not None):
        self.values = values
        self.given = given
        self.type = <DbfType><int>_DBF_OF_AIT[values["type"]]
        self.max_count = values["count"]
        self.mdel = values["mdel"]
        self.adel = values["adel"]
        self.scanned = values["scan"] > 0
        self.asyn = values["asyn"]
        self.limits.low, self.limits.high = self.pair("low", "high")
        self.limits.lolo, self.limits.hihi = self.pair("lolo", "hihi")
        for state in values["states"]:
            self.limits.states.push_back(state)
        self.metadata = self.make_metadata()

    def pair(self, low, high):
        """Both alarm limits as they are checked: NaN if absent or not in order."""
        a = self.values[low] if low in self.given else NAN
        b = self.values[high] if high in self.given else NAN
        return (NAN, NAN) if a >= b else (a, b)

    cdef MetadataPtr make_metadata(self) except *:
        cdef Metadata* m = new Metadata()
        cdef MetadataPtr made = MetadataPtr(m)
        v = self.values
        m.units = v["unit"].encode("utf-8", "surrogateescape")
        m.precision = int(v["prec"])
        m.string_precision = int(v["prec"]) if "prec" in self.given else 4
        m.upper_disp = m.upper_ctrl = v["hilim"]
        m.lower_disp = m.lower_ctrl = v["lolim"]
        m.upper_alarm, m.upper_warning = v["hihi"], v["high"]
        m.lower_warning, m.lower_alarm = v["low"], v["lolo"]
        for text in v["enums"]:
            m.states.push_back(text.encode("utf-8", "surrogateescape"))
        return made

    cdef DecodeTarget target(self):
        cdef DecodeTarget to
        to.type, to.max_count = self.type, self.max_count
        to.metadata = self.metadata.get()
        return to

    def check(self, value):
        """Raises TypeError or ValueError if `value` cannot be one of such a PV."""
        cdef cbool cut = False
        snapshot_of(value, self.target(), Strictness.Checked, cut)

    def alarm(self, value):
        """(alarm, severity) of `value`."""
        cdef cbool cut = False
        cdef NewSnapshot made = snapshot_of(
            value, self.target(), Strictness.Checked, cut)
        cdef AlarmState state = alarm_of(self, value, made)
        return state.status, state.severity


cdef class InfoBase:
    """Base of PVInfo: what is a PV's own beside the shared fields."""
    cdef public Fields fields
    cdef public object reason
    cdef public object name
    cdef public object value
    cdef public object mlst      # the value last marked for monitors
    cdef public object alst      # the value last marked for archivers
    cdef dict __dict__           # what programs add

    def _added(self):
        return PyObject_GenericGetDict(self, NULL)


cdef AlarmState alarm_of(Fields fields, value, const NewSnapshot& snapshot):
    cdef AlarmState none
    none.status = none.severity = 0
    if value is None:
        return none
    return check_alarm(fields.limits, snapshot.get()[0])


cdef object number_of(value, const NewSnapshot& snapshot):
    """`value` if it is a plain number, else the one that the snapshot holds."""
    if type(value) is float or type(value) is int:
        return value
    return value_of(snapshot.get()[0])


cdef EventMask deadband(InfoBase info, value, const NewSnapshot& snapshot) except? 0xff:
    """The events that a change to `value` is worth."""
    cdef Fields fields = info.fields
    cdef double new, last
    cdef EventMask mask = 0
    if fields.max_count > 1 or fields.type == DbfType.Char:
        return kValueEvent | kLogEvent
    if fields.type == DbfType.String:
        text = value
        if type(value) is not str and value is not None:
            text = value_of(snapshot.get()[0])
        if text == info.mlst:
            return 0
        info.mlst = info.alst = text
        return kValueEvent | kLogEvent
    number = number_of(value, snapshot)
    if info.mlst is None or isinstance(info.mlst, str):    # of an enum, a label
        info.mlst = info.alst = NAN
        mask = kValueEvent | kLogEvent
    try:
        new = number
    except OverflowError:        # stored as the largest that there is
        number = value_of(snapshot.get()[0])
        new = number
    last = info.mlst
    if fabs(last - new) > fields.mdel or mask:
        mask |= kValueEvent
        info.mlst = number
    last = info.alst
    if fabs(last - new) > fields.adel or mask == (kValueEvent | kLogEvent):
        mask |= kLogEvent
        info.alst = number
    return mask


# ---- a served PV ---------------------------------------------------------------------

cdef class PvHandle:
    """Base of casPV: owns the engine's PV.

    It has no name that Python sees: those belong to users' classes. What is to be done
    with one, the functions behind it do.
    """
    cdef PvPtr pv
    cdef PyObject* data_         # the Data linked to this PV; borrowed, Data clears it
    cdef InfoBase info           # None before open_pv
    cdef object name             # the full name, a str; None before it is known
    cdef object driver           # registered for this PV's port, or None
    cdef object writes           # what its asynchronous writes are kept in, or None
    cdef object group            # of access security, where setAccessSecurityGroup said
    cdef object server           # weak reference to the Server that it is served by
    cdef bint plain_write        # puts need nothing but driver.write
    cdef bint plain_read         # gets need nothing but driver.read
    cdef bint given              # made with its info: nobody need ask its methods
    cdef bint asks               # gets are for Python
    cdef bint warned             # that a value had too many elements

    cdef Pv* opened(self) except NULL:
        if self.pv.get() == NULL:
            raise ValueError(f"{type(self).__name__} {self.name!r} is not ready to be"
                             " served")
        return self.pv.get()

    cdef int open(self) except -1:
        cdef Fields fields = self.info.fields
        cdef bytes name = self.name.encode("utf-8", "surrogateescape")
        self.disown()
        self.pv = create_pv(name, fields.type, fields.max_count, fields.metadata)
        self.pv.get().owner = <PyObject*>self
        self.pv.get().set_reads_by_request(True)
        if fields.values["asg"]:
            set_access_group(self, fields.values["asg"])
        return 0

    cdef bint fits(self, Fields fields) except -1:
        """Type and count are those that the engine's PV was made for."""
        return (self.opened().type() == fields.type
                and self.opened().max_count() == fields.max_count)

    cdef void disown(self) noexcept:
        if self.pv.get() and self.pv.get().owner == <PyObject*>self:
            self.pv.get().owner = NULL

    def __dealloc__(self):
        self.disown()

    cdef void apply_reads(self) noexcept:
        cdef cbool nothing = self.data_ != NULL and (<Data>self.data_).nothing
        if self.pv.get() != NULL:
            self.pv.get().set_reads_by_request(self.asks or nothing)

    cdef int claim(self, Server server) except -1:
        """From now on `server` serves it, and no other."""
        cdef Server before = None if self.server is None else self.server()
        self.opened()
        if before is server:
            return 0
        if before is not None and before.server.get().running() and (
                not self.pv.get().sole_ref()):
            raise ValueError(f"PV {self.name} is served by another server")
        self.server = weakref.ref(server)
        return 0

    cdef SnapshotPtr snapshot(
            self, value, alarm, severity, StampBase when) except *:
        cdef Fields fields = self.info.fields
        cdef NewSnapshot made
        if not self.fits(fields):
            raise ValueError(f"PV {self.name} has another type or size now, which holds"
                             " for new channels")
        made = self.convert(value, Strictness.Checked)
        made.get().time.seconds = when.seconds
        made.get().time.nanoseconds = when.nanos
        made.get().alarm.status, made.get().alarm.severity = alarm, severity
        made.get().metadata = fields.metadata
        return SnapshotPtr(made)

    cdef NewSnapshot convert(self, value, Strictness strictness) except *:
        """A new snapshot of `value`, not yet stamped."""
        cdef cbool cut = False
        cdef Fields fields = self.info.fields
        cdef NewSnapshot made
        try:
            made = snapshot_of(value, fields.target(), strictness, cut)
        except (TypeError, ValueError, OverflowError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"PV {self.name}: {shortened(value)} does not fit: {error}"
                       ) from error
        if cut and not self.warned:
            self.warned = True
            _set_logger.warning("%s: more than %d elements are left out",
                                self.name, fields.max_count)
        return made


def open_pv(PvHandle pv not None, str name not None, InfoBase info not None,
            bint given=False):
    """Makes the engine's PV; again, where there was one.

    Args:
        pv: The handle.
        name: The full name.
        info: What is known of it.
        given: Nobody need ask its methods for what is in `info`.
    """
    pv.name, pv.info, pv.given = name, info, given
    pv.open()


def reopen_pv(PvHandle pv not None):
    """Makes the engine's PV anew if type or count changed; whether that was so."""
    if pv.fits(pv.info.fields):
        return False
    pv.open()
    return True


def is_open(PvHandle pv not None):
    """`open_pv` was called."""
    return pv.pv.get() != NULL


def is_given(PvHandle pv not None):
    """It was made with its info."""
    return pv.given


def name_of(PvHandle pv not None):
    """The full name; None before it is known."""
    return pv.name


def set_name(PvHandle pv not None, str name not None):
    """What logs and tables call it."""
    pv.name = name


def info_of(PvHandle pv not None):
    """What is known of it: a PVInfo, or None."""
    return pv.info


def set_info(PvHandle pv not None, InfoBase info not None):
    """Replaces what is known of it.

    Raises:
        ValueError: Nobody need ask its methods, and type or size are others.
    """
    if pv.given and not pv.fits(info.fields):
        raise ValueError(f"PV {pv.name} cannot get another type or size so")
    pv.info = info


def driver_of(PvHandle pv not None):
    """Who answers for it, or None."""
    return pv.driver


def data_of(PvHandle pv not None):
    """The Data that holds its value, or None before there is a driver."""
    return linked_data(pv)


cdef inline Data linked_data(PvHandle pv):
    """As `data_of`; a Data that is just being deleted is none."""
    if pv.data_ == NULL or Py_REFCNT(pv.data_) == 0:
        return None
    return <Data>pv.data_


def has_interest(PvHandle pv not None):
    """A client subscribes."""
    return pv.pv.get() != NULL and pv.pv.get().has_subscriptions()


def is_in_use(PvHandle pv not None):
    """A channel, a table or a request refers to it."""
    return pv.pv.get() != NULL and not pv.pv.get().sole_ref()


def wants_interest(PvHandle pv not None):
    """From now on Python is told of the first and of the last subscription."""
    pv.opened().set_wants_interest(True)


def wire_pv(PvHandle pv not None, driver, bint plain_read, bint plain_write,
            bint in_series, bint asks):
    """Decides which ways the requests of a PV go.

    Args:
        pv: The handle.
        driver: Who answers, or None.
        plain_read: Gets need nothing but driver.read.
        plain_write: Puts need nothing but driver.write.
        in_series: Put callbacks are carried out one at a time, until each is completed.
        asks: Gets are for Python; they are anyway while there is no value.
    """
    pv.opened().set_puts_in_series(in_series)
    pv.driver = driver
    pv.plain_read, pv.plain_write, pv.asks = plain_read, plain_write, asks
    pv.apply_reads()


def end_put(PvHandle pv not None):
    """The driver is done with the put callback that it was asked to carry out."""
    pv.opened().end_put(ECA_NORMAL)


def writes_of(PvHandle pv not None, make):
    """What its asynchronous writes are kept in, made by ``make()`` at first."""
    if pv.writes is None:
        pv.writes = make()
    return pv.writes


def access_group_of(PvHandle pv not None):
    """What `setAccessSecurityGroup` was given; None: it was not called."""
    return pv.group


def remember_access_group(PvHandle pv not None, str group not None):
    """The group that a channel will find."""
    pv.group = group


def set_access_group(PvHandle pv not None, group):
    """The group of access security whose rules hold for this PV."""
    cdef string name = bytes_of_text(group)
    pv.opened()
    with nogil:
        pv.pv.get().set_access_group(name)


def post_value(PvHandle pv not None, value, alarm, severity, StampBase when not None,
               EventMask mask):
    """Sends a value with the events of `mask` to the subscribers.

    Raises:
        TypeError, ValueError: It does not fit.
    """
    pv.opened().post(pv.snapshot(value, alarm, severity, when), mask)


cdef object moved(PvHandle pv):
    return ValueError(f"PV {pv.name}: it was replaced while its value was set")


cdef object shortened(value):
    text = repr(value)
    return text if len(text) <= 100 else text[:100] + "..."


cdef inline PvHandle handle_of(const PvPtr& pv):
    cdef Pv* engine_pv = (<PvPtr*>&pv).get()
    # Without references it is being destroyed; that may let go of the GIL.
    if (engine_pv == NULL or engine_pv.owner == NULL
            or Py_REFCNT(<PyObject*>engine_pv.owner) == 0):
        return None
    return <PvHandle>engine_pv.owner


# ---- a PV's value --------------------------------------------------------------------

@cython.final
@cython.no_gc_clear      # __dealloc__ reaches the PV
cdef class Data:
    """A parameter of a Driver: value, alarm and time, and what waits to be posted."""
    cdef object value_
    cdef SnapshotPtr snapshot    # null while not linked to a PV
    cdef PvHandle pv
    cdef tuple aliases           # further PVs of the same reason
    cdef list changed            # the driver's Data with events that wait, or None
    cdef TimeStamp time_
    cdef AlarmState alarm_
    cdef EventMask mask_
    cdef cbool flag_
    cdef cbool queued            # is in `changed`
    cdef cbool own_value         # the info overrides checkValue,
    cdef cbool own_alarm         # checkAlarm;
    cdef cbool own_update        # the PV overrides updateValue
    cdef cbool read_failed       # the alarm says so, until something else is known
    cdef cbool nothing           # the value is None: gets fail
    cdef dict __dict__
    cdef public bint udf

    def __cinit__(self):
        self.aliases = ()

    def __init__(self):
        self.value_ = 0
        self.alarm_.status, self.alarm_.severity = 17, 3   # UDF, INVALID
        self.udf = True
        self.time_ = now()

    def __dealloc__(self):
        self.detach()

    cdef void detach(self) noexcept:
        """No PV says any more that this is its value. Runs no code of users."""
        cdef PvHandle pv
        if self.pv is not None and self.pv.data_ == <PyObject*>self:
            self.pv.data_ = NULL
        for pv in self.aliases:
            if pv.data_ == <PyObject*>self:
                pv.data_ = NULL

    cdef PvHandle linked(self):
        """The PV that it belongs to."""
        if self.pv is None:
            raise ValueError("this Data belongs to no PV of a driver")
        return self.pv

    # ---- links, made by the driver's pvDB ----

    def link(self, PvHandle pv not None, list changed, overrides=(False,) * 3):
        """Holds the value of `pv` from now on; an unlinked Data brings its own."""
        pv.opened()
        value = self.value       # an array leaves the snapshot
        self.value_ = value
        self.snapshot.reset()
        self.detach()
        self.pv = pv
        pv.data_ = <PyObject*>self
        self.changed = changed
        self.own_value, self.own_alarm, self.own_update = overrides
        if self.flag_ and not self.queued:
            self.queue()
        self.store(self.value)

    def start(self, PvHandle pv not None, list changed, StampBase when not None,
              overrides=(False,) * 3):
        """Links a new Data with the value that the PV's info starts with."""
        cdef Fields fields = pv.info.fields
        pv.opened()
        self.value_ = pv.info.value
        self.time_.seconds, self.time_.nanoseconds = when.seconds, when.nanos
        if (fields.first.get() == NULL or fields.first_value is not self.value_
                or fields.first_time.seconds != self.time_.seconds
                or fields.first_time.nanoseconds != self.time_.nanoseconds):
            fields.first = self.stamped(made_of(pv, self.value_, Strictness.Checked),
                                        fields)
            fields.first_value, fields.first_time = self.value_, self.time_
        self.pv = pv
        pv.data_ = <PyObject*>self
        self.changed = changed
        self.own_value, self.own_alarm, self.own_update = overrides
        self.publish(fields.first)
        self.note_nothing()

    def alias(self, PvHandle pv not None):
        """Gives the value to `pv`, which has another name for the same reason, too."""
        if pv is self.pv:
            return
        pv.opened()
        self.linked()
        if not any([other is pv for other in self.aliases]):
            self.aliases += (pv,)
        pv.data_ = <PyObject*>self
        self.publish_alias(pv)
        pv.apply_reads()

    def unlink(self, PvHandle pv=None):
        """Lets go of `pv`, or of all PVs."""
        if pv is not None and pv is not self.pv:
            self.aliases = tuple([other for other in self.aliases if other is not pv])
            if pv.data_ == <PyObject*>self:
                pv.data_ = NULL
            return
        if self.queued:
            self.queued = False
            if self in self.changed:
                self.changed.remove(self)
        value = self.value       # an array leaves the snapshot
        self.value_ = value
        self.detach()
        self.pv = self.changed = None
        self.aliases = ()
        self.snapshot.reset()

    @property
    def handle(self):
        """The PV that this value belongs to, or None."""
        return self.pv

    def handles(self):
        """All PVs that have this value."""
        return [] if self.pv is None else [self.pv, *self.aliases]

    # ---- values ----

    def set(self, value, timestamp=None):
        """A new value: what Driver.setParam does.

        Raises:
            TypeError, ValueError: The value does not fit the PV; nothing is changed.
        """
        cdef EventMask mask = self.take(value, stamp_of(timestamp))
        if self.pv is None:
            return
        self.publish(self.snapshot)
        if mask:
            self.mark(mask)

    cdef set_and_post(self, value, TimeStamp when):
        """`set` and `post`; where nothing is special, with one lock for both."""
        cdef EventMask mask = self.take(value, when)
        if self.pv is None:
            return
        if (mask and not self.aliases and not self.own_update
                and not self.pv.info.fields.scanned):
            mask |= self.mask_
            if not fits(self.pv, self.snapshot):
                raise moved(self.pv)
            self.mask_ = 0
            self.flag_ = False
            self.pv.pv.get().post(self.snapshot, mask)
            return
        self.publish(self.snapshot)
        if mask:
            self.mark(mask)
        self.post_now(False)

    cdef EventMask take(self, value, TimeStamp when) except? 0xff:
        """Keeps a new value, and returns the events that it is worth. Tells nobody."""
        cdef EventMask mask
        cdef AlarmState alarm
        cdef NewSnapshot made
        cdef PvHandle pv = self.pv
        if pv is None:
            self.value_, self.time_ = value, when
            return 0
        info = pv.info
        if value is None and stores_nothing(info.fields):
            made = made_of(pv, value, Strictness.Checked)
        else:
            made = pv.convert(value, Strictness.Checked)
        if (type(value) is not float and isinstance(value, (str, bytes))
                and info.fields.type != DbfType.Char
                and info.fields.type != DbfType.String):
            value = value_of(made.get()[0])      # a label, or a number as text
        mask = info.checkValue(value) if self.own_value else deadband(info, value, made)
        if self.own_alarm:
            alarm.status, alarm.severity = info.checkAlarm(value)
        else:
            alarm = alarm_of(info.fields, value, made)
        if self.pv is None:          # what was called above has unlinked it
            self.value_, self.time_ = value, when
            return 0
        if self.pv is not pv:
            raise moved(pv)
        if (alarm.status != self.alarm_.status
                or alarm.severity != self.alarm_.severity):
            self.alarm_ = alarm
            mask |= kAlarmEvent
        self.time_ = when
        self.read_failed = False
        self.keep(value, made)
        self.snapshot = self.stamped(made, info.fields)
        return mask

    def set_status(self, alarm=None, severity=None):
        """Alarm and severity, None for as it is; the time stays."""
        cdef AlarmState state = self.alarm_
        if alarm is not None:
            state.status = alarm
        if severity is not None:
            state.severity = severity
        if (state.status != self.alarm_.status
                or state.severity != self.alarm_.severity):
            self.alarm_ = state
            self.read_failed = False
            self.restamp()
            self.mark(kAlarmEvent)

    def fail_read(self):
        """READ, INVALID until a read succeeds or a value is set."""
        self.set_status(1, 3)
        self.read_failed = True
        self.post_now(True)

    def refresh(self, bint look_at_alarm=True):
        """Takes over changed fields of the info and marks a property event."""
        cdef NewSnapshot made
        cdef AlarmState alarm
        cdef PvHandle pv = self.linked()
        info = pv.info
        value = self.value
        made = made_of(pv, value, Strictness.Lenient)
        if not look_at_alarm:
            alarm = self.alarm_
        elif self.own_alarm:
            alarm.status, alarm.severity = info.checkAlarm(value)
        else:
            alarm = alarm_of(info.fields, value, made)
        if self.pv is not pv:
            raise moved(pv)
        if self.alarm_.status != alarm.status or self.alarm_.severity != alarm.severity:
            self.alarm_ = alarm
            self.mark(kAlarmEvent)
        self.keep(value, made)
        self.publish(self.stamped(made, info.fields))
        self.mark(kPropertyEvent)

    def post(self, bint by_scan=False):
        """Sends what waits to the subscribers; that of a scanned PV only `by_scan`."""
        self.post_now(by_scan)

    cdef post_now(self, bint by_scan):
        cdef PvHandle pv = self.pv
        if not self.flag_ or pv is None:
            return
        if pv.info.fields.scanned and not by_scan:
            return
        self.flag_ = False
        if self.own_update:
            pv.updateValue(self)
        else:
            self.send_now()
        self.mask_ = 0

    def send(self):
        """Posts the present value with the events of `mask`."""
        self.send_now()

    cdef send_now(self):
        cdef PvHandle pv
        if self.mask_ and self.pv is not None and fits(self.pv, self.snapshot):
            self.pv.pv.get().post(self.snapshot, self.mask_)
            for pv in self.aliases:
                if pv.pv.get().type() == self.pv.pv.get().type():
                    self.publish_alias(pv)
                    pv.pv.get().post(pv.pv.get().snapshot(), self.mask_)

    cdef void keep(self, value, const NewSnapshot& made):
        """Remembers the value as given; its owner may change lists and arrays."""
        if type(value) is float or type(value) is int or type(value) is str:
            self.value_ = value
        elif isinstance(value, list):
            self.value_ = list(value)
        elif hasattr(value, "__array_interface__") and hasattr(value, "copy"):
            if (type(value).__name__ == "ndarray"
                    and holds_exactly(value, made.get()[0])):
                self.value_ = _IN_SNAPSHOT
            else:
                self.value_ = value.copy()
        else:
            self.value_ = value
        self.note_nothing()

    cdef void note_nothing(self) noexcept:
        cdef PvHandle pv
        if self.nothing == (self.value_ is None):
            return
        self.nothing = self.value_ is None
        if self.pv is not None:
            self.pv.apply_reads()
        for pv in self.aliases:
            pv.apply_reads()

    cdef SnapshotPtr stamped(self, NewSnapshot made, Fields fields):
        made.get().time = self.time_
        made.get().alarm = self.alarm_
        made.get().metadata = fields.metadata
        return SnapshotPtr(made)

    cdef publish(self, SnapshotPtr snapshot):
        """Gets are answered with `snapshot` from now on."""
        if not fits(self.pv, snapshot):
            raise moved(self.pv)
        self.snapshot = snapshot
        self.pv.pv.get().set(snapshot)
        for pv in self.aliases:
            self.publish_alias(pv)

    cdef publish_alias(self, PvHandle pv):
        cdef Fields fields = pv.info.fields
        cdef SnapshotPtr snapshot = self.stamped(
            made_of(pv, self.value, Strictness.Lenient), fields)
        if fits(pv, snapshot):
            pv.pv.get().set(snapshot)

    cdef store(self, value):
        """Replaces value and snapshot, no event."""
        cdef NewSnapshot made
        cdef PvHandle pv
        if self.pv is None:
            self.value_ = value
            return
        pv = self.pv
        made = made_of(pv, value, Strictness.Checked)
        if self.pv is not pv:
            raise moved(pv)
        self.keep(value, made)
        self.publish(self.stamped(made, pv.info.fields))

    cdef restamp(self):
        cdef Fields fields
        if self.pv is not None and fits(self.pv, self.snapshot):
            fields = self.pv.info.fields
            self.publish(restamped(
                self.snapshot.get()[0], self.time_, self.alarm_, fields.metadata))

    cdef mark(self, EventMask mask):
        self.mask_ |= mask
        self.flag_ = True
        if not self.queued:
            self.queue()

    cdef queue(self):
        if self.changed is not None:
            self.changed.append(self)
            self.queued = True

    cdef SnapshotPtr read_result(self, PvHandle pv, value) except *:
        """What a get of `pv` is answered with when the driver's read gave `value`."""
        cdef NewSnapshot made = pv.convert(value, Strictness.Lenient)
        if self.read_failed and self.pv is not None:
            self.read_failed = False
            self.alarm_ = alarm_of(pv.info.fields, value, made)
            self.restamp()
            self.mark(kAlarmEvent)
            self.post_now(False)
        return self.stamped(made, pv.info.fields)

    # ---- as programs see it ----

    @property
    def value(self):
        if self.value_ is _IN_SNAPSHOT:
            import numpy
            dtype = _DTYPE_OF_DBF[<int>self.snapshot.get().type()]
            self.value_ = numpy.frombuffer(bytes_of(self.snapshot.get()[0]), dtype)
        return self.value_

    @value.setter
    def value(self, value):
        self.store(value)

    @property
    def alarm(self):
        return self.alarm_.status

    @alarm.setter
    def alarm(self, uint16_t alarm):
        self.alarm_.status = alarm
        self.restamp()

    @property
    def severity(self):
        return self.alarm_.severity

    @severity.setter
    def severity(self, uint16_t severity):
        self.alarm_.severity = severity
        self.restamp()

    @property
    def time(self):
        return epicsTimeStamp(self.time_.seconds, self.time_.nanoseconds)

    @time.setter
    def time(self, timestamp):
        self.time_ = stamp_of(timestamp)
        self.restamp()

    @property
    def mask(self):
        return self.mask_

    @mask.setter
    def mask(self, EventMask mask):
        self.mask_ = mask

    @property
    def flag(self):
        return bool(self.flag_)

    @flag.setter
    def flag(self, bint flag):
        self.flag_ = flag
        if flag and not self.queued:
            self.queue()

    def __repr__(self):
        return (f"value={self.value} alarm={Alarm.nameOf(self.alarm)} "
                f"severity={Severity.nameOf(self.severity)} flag={self.flag} "
                f"mask={self.mask} time={self.time}")


cdef bint fits(PvHandle pv, const SnapshotPtr& snapshot) noexcept:
    """Whether `pv` may have that value: code of users may just have changed it."""
    return (snapshot.get() != NULL
            and snapshot.get().type() == pv.pv.get().type()
            and snapshot.get().count() <= pv.pv.get().max_count())


cdef bint stores_nothing(Fields fields) noexcept:
    """setParam takes None: of text and arrays; a number is compared with the last."""
    return fields.max_count > 1 or fields.type == DbfType.String


cdef NewSnapshot made_of(PvHandle pv, value, Strictness strictness) except *:
    """A new snapshot of a Data's value, which may be None."""
    cdef Fields fields = pv.info.fields
    if value is None:
        return snapshot_of_nothing(fields.target())
    return pv.convert(value, strictness)


def post_changed(list changed not None):
    """Posts all Data of a driver that wait, in the order in which they changed.

    An exception out of `updateValue` is raised when all are posted: the first of them.
    """
    cdef Data data
    cdef list taken = changed[:]
    failure = None
    changed.clear()
    for data in taken:
        data.queued = False
    begin_batch()
    try:
        for data in taken:
            try:
                data.post_now(False)
            except BaseException as error:
                if failure is None:
                    failure = error
    finally:
        end_batch()
    if failure is not None:
        raise failure


def set_and_post(params not None, values not None, when):
    """Sets each reason of `values` in `params`, all to one time, and posts them."""
    cdef Data data
    cdef TimeStamp stamp = stamp_of(when)
    cdef dict known = <dict>params    # a subclass; looking up is a dict's
    begin_batch()
    try:
        for reason, value in values.items():
            data = known[reason]
            data.set_and_post(value, stamp)
    finally:
        end_batch()


# ---- requests for Python -------------------------------------------------------------

@cython.final
cdef class Request:
    """What a client wants and only Python can do; completed once, from any thread.

    Completion lets go of it: a log record that keeps an exception, and with that this
    object, keeps nothing of the engine.
    """
    cdef RequestPtr request

    cdef EngineRequest* here(self) except NULL:
        if self.request.get() == NULL:
            raise ValueError("the request is completed")
        return self.request.get()

    @property
    def kind(self):
        """One of "write", "read", "exists", "attach" and "interest"."""
        return ("write", "read", "exists", "attach", "interest")[
            <int>self.here().kind]

    @property
    def pv(self):
        return handle_of(self.here().pv)

    @property
    def name(self):
        """The name that is asked for (exists, attach)."""
        cdef const string* name = &self.here().name
        return text_of(name.data(), name.size())

    @property
    def value(self):
        """The value of a put, as Driver.write gets it."""
        return value_of(self.here().value.get()[0])

    @property
    def characters(self):
        """All elements of a put to a char PV as bytes; None for other types."""
        if self.here().value.get().type() != DbfType.Char:
            return None
        return bytes_of(self.here().value.get()[0])

    @property
    def notify(self):
        """A put callback waits."""
        return bool(self.here().notify)

    @property
    def in_series(self):
        """The next put callback to its PV waits until this one is completed."""
        return bool(self.here().in_series)

    @property
    def interest(self):
        """The first subscription came (True) or the last one went (False)."""
        return bool(self.here().interest)

    @property
    def trapped(self):
        """Access security wants this put logged."""
        return bool(self.here().trapped)

    @property
    def client(self):
        """(user, host, address) of the client, as far as it is known."""
        return identity(self.here().client)

    def call(self, function, *args):
        """``function(*args)``, which may ask `current_client` for this client."""
        cdef RequestPtr held = RequestPtr(self.here())    # completion lets go of it
        cdef const EngineRequest* before = swap_current_request(held.get())
        try:
            return function(*args)
        finally:
            swap_current_request(before)

    @property
    def completed(self):
        return self.request.get() == NULL or bool(self.here().completed())

    def complete(self, EcaStatus status):
        """The first completion counts."""
        if self.request.get() == NULL:
            return
        if status == ECA_NORMAL and self.here().kind == RequestKind.Read:
            raise ValueError("a get is completed with a value")
        self.here().complete(status)
        self.request.reset()

    def complete_read(self, value):
        """Answers a get with what the driver's read returned.

        Raises:
            TypeError, ValueError: The value does not fit; the request stays open.
        """
        cdef PvHandle pv = handle_of(self.here().pv)
        cdef Data data = None if pv is None else linked_data(pv)
        cdef SnapshotPtr made
        if data is None:
            raise ValueError("the PV has no parameter any more")
        made = data.read_result(pv, value)
        self.here().complete(ECA_NORMAL, made)
        self.request.reset()

    def complete_value(self, value, alarm, severity, StampBase when not None):
        """Answers a get with a value that is no parameter of a driver.

        Raises:
            TypeError, ValueError: The value does not fit; the request stays open.
        """
        cdef PvHandle pv = handle_of(self.here().pv)
        cdef SnapshotPtr made
        if pv is None:
            raise ValueError("the PV is gone")
        made = pv.snapshot(value, alarm, severity, when)
        self.here().complete(ECA_NORMAL, made)

    @property
    def asks_metadata(self):
        """A get wants units, limits or labels, or may need them."""
        return bool(needs_metadata(self.here().dbr_type))

    def complete_attach(self, PvHandle pv not None, Server server not None):
        """Makes the channel that is asked for, one of `server`, on `pv`.

        Raises:
            ValueError: Another server has it.
        """
        pv.claim(server)
        self.here().complete_attach(ECA_NORMAL, pv.pv)
        self.request.reset()

    def carry_out(self):
        """The driver is asked to do it: from now on `PvHandle.end_put` may mean it."""
        self.here().carry_out()

    def defer(self):
        if self.request.get() != NULL:
            self.here().defer()


cdef object identity(const ClientPtr& client):
    cdef const ClientIdentity* c = client.get()
    if c == NULL:
        return "", "", ""
    return (text_of(c.user.data(), c.user.size()),
            text_of(c.host.data(), c.host.size()),
            text_of(c.address.data(), c.address.size()))


def current_client():
    """(user, host, address) of whom this thread reads or writes for now, or None."""
    cdef const EngineRequest* request = current_request()
    return None if request == NULL else identity(request.client)


cdef object wrapped(const RequestPtr& request):
    cdef Request made = Request.__new__(Request)
    made.request = request
    return made


# ---- the server ----------------------------------------------------------------------

cdef string bytes_of_text(text):
    return text.encode("utf-8", "surrogateescape")


cdef vector[string] texts(items):
    cdef vector[string] made
    for item in items:
        made.push_back(bytes_of_text(item))
    return made


def limits():
    """(name, standard, least, most, of what, what happens at it) of each limit."""
    cdef LimitTable table = limit_table()
    return [(table[i].name.decode(), table[i].standard, table[i].least, table[i].most,
             table[i].of.decode(), table[i].then.decode())
            for i in range(table.size())]


def counters():
    """(name, kind, meaning) of each counter of `Server.stats`."""
    cdef CounterTable table = counter_table()
    kinds = {CounterKind.NOW: "now", CounterKind.EVER: "ever",
             CounterKind.TROUBLE: "trouble"}
    return [(table[i].name.decode(), kinds[table[i].kind], table[i].meaning.decode())
            for i in range(table.size())]


cdef int configure(Config& config, dict options) except -1:
    """Sets the members of `config` that `options` names."""
    for name, value in options.items():
        if name == "udp_port":
            config.udp_port = value
        elif name == "tcp_port":
            config.tcp_port = value
        elif name == "interfaces":
            config.interfaces = texts(value)
        elif name == "ignored":
            config.ignored = texts(value)
        elif name == "beacon_addresses":
            config.beacon_addresses = texts(value)
        elif name == "auto_beacon_addresses":
            config.auto_beacon_addresses = value
        elif name == "beacon_port":
            config.beacon_port = value
        elif name == "beacon_period":
            config.beacon_period = value
        elif name == "multicast_ttl":
            config.multicast_ttl = value
        elif not set_limit(config, name.encode(), value):
            raise TypeError(f"there is no server option {name!r}")
    return 0


cdef class Server:
    """The engine: sockets, circuits and its loop thread."""
    cdef unique_ptr[EngineServer] server
    cdef deque[RequestPtr] left      # taken, not yet handled
    cdef size_t take                 # how many to take at a time
    cdef object __weakref__
    cdef readonly list warnings      # what was wrong with the environment
    cdef readonly list interfaces    # the addresses that it is bound to; empty: all

    def __cinit__(self, dict options not None):
        cdef vector[string] warnings
        cdef Config config = config_from_environment(warnings)
        configure(config, options)
        self.take = 16
        self.warnings = [text.decode(errors="replace") for text in warnings]
        self.interfaces = [text.decode() for text in config.interfaces]
        self.server.reset(new EngineServer(config))

    def __dealloc__(self):
        with nogil:
            self.left.clear()
            self.server.reset()

    def start(self):
        with nogil:
            self.server.get().start()

    def close(self):
        with nogil:
            self.server.get().close()
        self.left.clear()

    def prepare_fork(self):
        """Before fork(): until one of the next two no other thread holds its locks."""
        with nogil:
            self.server.get().prepare_fork()

    def after_fork_in_parent(self):
        self.server.get().after_fork_in_parent()

    def after_fork_in_child(self):
        """Forgets loop and circuits, which are the parent's."""
        self.server.get().after_fork_in_child()
        self.left.clear()

    @property
    def running(self):
        return bool(self.server.get().running())

    @property
    def tcp_port(self):
        return self.server.get().tcp_port()

    @property
    def udp_port(self):
        return self.server.get().udp_port()

    def stats(self):
        cdef map[string, uint64_t] counters
        with nogil:
            counters = self.server.get().stats()
        return {item.first.decode(): item.second for item in counters}

    def add(self, pvs):
        """Serves each PvHandle of `pvs`."""
        cdef PvHandle pv
        cdef vector[PvPtr] added
        cdef size_t i
        for pv in pvs:
            pv.claim(self)
            added.push_back(pv.pv)
        with nogil:
            for i in range(added.size()):
                self.server.get().add(added[i])

    def add_as(self, name, PvHandle pv not None):
        """Serves `pv` under that name, too."""
        cdef string key = bytes_of_text(name)
        if "\0" in name:
            raise ValueError(f"PV {name!r}: a name without NUL is allowed")
        pv.claim(self)
        with nogil:
            self.server.get().add(key, pv.pv)

    def remove(self, name):
        cdef string key = bytes_of_text(name)
        cdef cbool removed
        with nogil:
            removed = self.server.get().remove(key)
        return bool(removed)

    def set_search_by_request(self, bint on):
        self.server.get().set_search_by_request(on)

    def set_attach_by_request(self, bint on):
        self.server.get().set_attach_by_request(on)

    def interrupt(self):
        """Wakes those who wait in process()."""
        with nogil:
            self.server.get().requests().interrupt()

    def process(self, double delay, dispatcher):
        """Handles requests for `delay` seconds, or until the server is closed.

        Plain puts and gets go straight to their driver. Everything else goes to
        `dispatcher`: handle(request), write_failed(request), written(request, result),
        read_failed(request); failed(request) after an exception out of one of these;
        and once in a while turn().
        """
        cdef double end = time.monotonic() + delay
        cdef double wait
        cdef vector[RequestPtr] batch
        while True:
            wait = min(max(end - time.monotonic(), 0.0), kSlice)
            if self.left.empty():
                with nogil:
                    batch = self.server.get().requests().take(
                        self.take, nanoseconds(<long long>(wait * 1e9)))
                self.left.insert(self.left.end(), batch.begin(), batch.end())
            self.handle_all(dispatcher)
            PyErr_CheckSignals()
            dispatcher.turn(self.drain_log())
            if not self.server.get().running() or time.monotonic() >= end:
                break

    cdef handle_all(self, dispatcher):
        """Handles what was taken. What an exception leaves waits for the next call."""
        cdef bint direct = dispatcher.allows_direct()
        cdef const EngineRequest* before
        cdef RequestPtr request
        cdef size_t taken = self.left.size()
        if taken == 0:
            return
        cdef double begin = time.monotonic()
        while not self.left.empty():
            request = self.left.front()
            self.left.pop_front()
            before = swap_current_request(request.get())
            try:
                if direct:
                    handle_request(request, dispatcher)
                else:
                    dispatcher.handle(wrapped(request))
            except Exception:
                dispatcher.failed(wrapped(request))
            finally:
                swap_current_request(before)
        self.adapt(taken, time.monotonic() - begin)
        with nogil:
            self.server.get().completions().flush()

    cdef void adapt(self, size_t taken, double seconds) noexcept:
        """What came meanwhile from others waits for no more than was taken."""
        if seconds > kTaken:
            self.take = max(<size_t>1, <size_t>(taken * kTaken / seconds))
        elif taken == self.take:
            self.take = min(2 * self.take, kMostTaken)

    def drain_log(self):
        """[(level, text)] of what the engine has to tell."""
        cdef vector[LogRecord] records = self.server.get().log().drain()
        return [(<int>records[i].level, records[i].text.decode(errors="replace"))
                for i in range(records.size())]


cdef int handle_request(const RequestPtr& request, dispatcher) except -1:
    cdef PvHandle pv = handle_of(request.get().pv)
    cdef RequestKind kind = request.get().kind
    if pv is None or pv.driver is None or pv.data_ == NULL:
        dispatcher.handle(wrapped(request))
    elif (kind == RequestKind.Write and pv.plain_write
            and not request.get().trapped):
        write(request, pv, dispatcher)
    elif kind == RequestKind.Read and pv.plain_read:
        read(request, pv, dispatcher)
    else:
        dispatcher.handle(wrapped(request))
    return 0


cdef int write(const RequestPtr& request, PvHandle pv, dispatcher) except -1:
    """A put that needs nothing but driver.write and the post after it."""
    cdef Data data
    driver, reason = pv.driver, pv.info.reason    # held while they run
    try:
        value = value_of(request.get().value.get()[0])
        result = driver.write(reason, value)
    except Exception:
        dispatcher.write_failed(wrapped(request))
    except BaseException:     # Ctrl-C
        request.get().complete(ECA_PUTFAIL)
        raise
    else:
        if result is True or result is None:
            data = linked_data(pv)
            if data is not None:
                data.post_now(False)
            request.get().complete(ECA_NORMAL)
        else:
            dispatcher.written(wrapped(request), result)
    return 0


cdef int read(const RequestPtr& request, PvHandle pv, dispatcher) except -1:
    """A get that needs nothing but driver.read; that is scanned needs not even this."""
    cdef Data data = linked_data(pv)
    cdef SnapshotPtr made
    driver, reason = pv.driver, pv.info.reason    # held while they run
    try:
        value = data.value if pv.info.fields.scanned else driver.read(reason)
        data = linked_data(pv)
        if value is None:
            dispatcher.read_failed(wrapped(request), "read returned None")
        elif data is None:
            dispatcher.read_failed(wrapped(request), "it has no parameter any more")
        else:
            made = data.read_result(pv, value)
            request.get().complete(ECA_NORMAL, made)
    except Exception:
        dispatcher.read_failed(wrapped(request))
    except BaseException:     # Ctrl-C
        request.get().complete(ECA_GETFAIL)
        raise
    return 0


# ---- access security -----------------------------------------------------------------

def load_access_rules(bytes text not None, source, definitions, bint by_address):
    """Replaces the rules of the process; the warnings about them.

    Raises:
        ValueError: The text is not valid; the old rules stay.
    """
    cdef string rules = text
    cdef string name = bytes_of_text(source)
    cdef string macros = bytes_of_text(definitions)
    cdef access_security.HostIs host_is = (
        access_security.HostIs.Peer if by_address else access_security.HostIs.Claimed)
    cdef vector[string] warnings
    with nogil:
        warnings = access_security.load_rules(rules, name, macros, host_is)
    return [warning.decode(errors="replace") for warning in warnings]


def has_access_inputs():
    """The rules in force have inputs."""
    cdef cbool has
    with nogil:
        has = access_security.has_inputs()
    return bool(has)


def start_access_inputs(library):
    """Connects the inputs of the rules; `library` is the path of libdbCore.

    Raises:
        RuntimeError: The library cannot be loaded, or this is a forked process.
    """
    cdef string path = bytes_of_text(library)
    with nogil:
        access_security.start_inputs(path)


def stop_access_inputs():
    with nogil:
        access_security.stop_inputs()


def access_prepare_fork():
    """Before fork(), after all servers did the same."""
    with nogil:
        access_security.prepare_fork()


def access_after_fork(bint in_child):
    """After fork(), before the servers."""
    if in_child:
        access_security.after_fork_in_child()
    else:
        access_security.after_fork_in_parent()


# ---- for tests -----------------------------------------------------------------------

def instance_counts():
    """How many objects of each engine class are alive: {name: count}."""
    return {instance_name(<Counted>i).decode(): living(<Counted>i)
            for i in range(<int>Counted.kCount)}
