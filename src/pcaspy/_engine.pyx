# distutils: language = c++
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
from libc.stdint cimport uint16_t, uint32_t
from libcpp cimport bool as cbool
from libcpp.deque cimport deque
from libcpp.memory cimport unique_ptr
from libcpp.string cimport string
from libcpp.vector cimport vector

from pcaspy._cpp cimport access_security
from pcaspy._cpp.alarm_limits cimport AlarmLimits, check_alarm
from pcaspy._cpp.codec cimport DecodeTarget
from pcaspy._cpp.config cimport Config, config_from_environment
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
    now,
    restamped,
    snapshot_of,
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
)
from pcaspy._cpp.types cimport (
    ECA_GETFAIL,
    ECA_NORMAL,
    ECA_PUTFAIL,
    DbfType,
    EcaStatus,
    raw,
)

import logging
import time

from pcaspy.alarm import Alarm, Severity

NORMAL = ECA_NORMAL
GETFAIL = ECA_GETFAIL
PUTFAIL = ECA_PUTFAIL

_POSIX_TIME_AT_EPICS_EPOCH = 631152000
_set_logger = logging.getLogger("pcaspy.Driver.setParam")
_DBF_OF_AIT = {2: <int>DbfType.Char, 3: <int>DbfType.Short, 5: <int>DbfType.Enum,
               6: <int>DbfType.Long, 8: <int>DbfType.Float, 9: <int>DbfType.Double,
               11: <int>DbfType.String}
_DTYPE_OF_DBF = {<int>DbfType.Char: "u1", <int>DbfType.Short: "i2",
                 <int>DbfType.Enum: "u2", <int>DbfType.Long: "i4",
                 <int>DbfType.Float: "f4", <int>DbfType.Double: "f8"}
_IN_SNAPSHOT = object()     # Data's value is an array that is made when asked for
cdef size_t kTake = 256     # requests taken from the engine at a time
cdef double kSlice = 0.1    # seconds until signals and the engine's log are looked at


# ---- time stamps ---------------------------------------------------------------------

cdef class epicsTimeStamp:
    cdef public uint32_t secPastEpoch
    cdef public uint32_t nsec

    def __init__(self, *args):
        cdef TimeStamp t
        if not args:
            t = now()
            self.secPastEpoch, self.nsec = t.seconds, t.nanoseconds
        else:
            self.secPastEpoch, self.nsec = args

    @staticmethod
    def fromPosixTimeStamp(seconds, nsec=None):
        whole = int(seconds)
        if nsec is None:
            nsec = int(round((seconds - whole) * 1e9))
            whole, nsec = whole + nsec // 1_000_000_000, nsec % 1_000_000_000
        return epicsTimeStamp(whole - _POSIX_TIME_AT_EPICS_EPOCH, nsec)

    def __repr__(self):
        return f"epicsTimeStamp({self.secPastEpoch},{self.nsec})"

    def __str__(self):
        return f"{self.secPastEpoch}.{self.nsec}"

    def __reduce__(self):
        return epicsTimeStamp, (self.secPastEpoch, self.nsec)


cdef TimeStamp stamp_of(timestamp) except *:
    cdef TimeStamp t
    if timestamp is None:
        return now()
    if type(timestamp) is epicsTimeStamp:
        t.seconds = (<epicsTimeStamp>timestamp).secPastEpoch
        t.nanoseconds = (<epicsTimeStamp>timestamp).nsec
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


cdef AlarmState alarm_of(Fields fields, value, const NewSnapshot& snapshot):
    cdef AlarmState none
    none.status = none.severity = 0
    if fields.type == DbfType.Char and isinstance(value, (str, bytes)):
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
        text = value if type(value) is str else value_of(snapshot.get()[0])
        if text == info.mlst:
            return 0
        info.mlst = info.alst = text
        return kValueEvent | kLogEvent
    number = number_of(value, snapshot)
    if isinstance(info.mlst, str):     # an enum's first value, given as text
        info.mlst = info.alst = NAN
        mask = kValueEvent | kLogEvent
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
    """Base of SimplePV and casPV: owns the engine's PV."""
    cdef PvPtr pv
    cdef PyObject* data_         # the Data linked to this PV; borrowed, Data clears it
    cdef public InfoBase info
    cdef public object name
    cdef public object driver    # registered for this PV's port, or None
    cdef public bint plain_write  # puts need nothing but driver.write
    cdef public bint plain_read   # gets need nothing but driver.read
    cdef bint warned             # that a value had too many elements

    def open(self):
        """Makes the engine's PV from `name` and `info`; again, if those changed."""
        cdef Fields fields = self.info.fields
        cdef bytes name = self.name.encode("utf-8", "surrogateescape")
        self.disown()
        self.pv = create_pv(name, fields.type, fields.max_count, fields.metadata)
        self.pv.get().owner = <PyObject*>self
        self.pv.get().set_reads_by_request(True)
        if fields.values["asg"]:
            self.pv.get().set_access_group(fields.values["asg"].encode())

    cdef void disown(self) noexcept:
        if self.pv.get() and self.pv.get().owner == <PyObject*>self:
            self.pv.get().owner = NULL

    def __dealloc__(self):
        self.disown()

    @property
    def fits(self):
        """False when type or count changed since `open()`."""
        cdef Fields fields = self.info.fields
        return (self.pv.get().type() == fields.type
                and self.pv.get().max_count() == fields.max_count)

    @property
    def data(self):
        """The Data that holds this PV's value, or None before there is a driver."""
        return <object>self.data_ if self.data_ else None

    @property
    def interest(self):
        """True while a client subscribes."""
        return self.pv.get() != NULL and self.pv.get().has_subscriptions()

    def set_reads_by_request(self, bint on):
        self.pv.get().set_reads_by_request(on)

    def set_wants_interest(self, bint on):
        self.pv.get().set_wants_interest(on)

    @property
    def opened(self):
        """`open()` was called."""
        return self.pv.get() != NULL

    @property
    def in_use(self):
        """A channel or request refers to it."""
        return self.pv.get() != NULL and not self.pv.get().sole_ref()

    def set_access_group(self, group):
        """The group of access security whose rules hold for this PV."""
        cdef string name = bytes_of_text(group)
        with nogil:
            self.pv.get().set_access_group(name)

    def post_value(self, value, alarm, severity, epicsTimeStamp when, EventMask mask):
        """Sends a value with the events of `mask` to the subscribers.

        Raises:
            TypeError, ValueError: It does not fit.
        """
        self.pv.get().post(self.snapshot(value, alarm, severity, when), mask)

    cdef SnapshotPtr snapshot(
            self, value, alarm, severity, epicsTimeStamp when) except *:
        cdef Fields fields = self.info.fields
        cdef NewSnapshot made = self.convert(value, Strictness.Checked)
        made.get().time.seconds = when.secPastEpoch
        made.get().time.nanoseconds = when.nsec
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
            kind = ValueError if isinstance(error, ValueError) else TypeError
            raise kind(f"PV {self.name}: {shortened(value)} does not fit: {error}"
                       ) from error
        if cut and not self.warned:
            self.warned = True
            _set_logger.warning("%s: more than %d elements are left out",
                                self.name, fields.max_count)
        return made


cdef object shortened(value):
    text = repr(value)
    return text if len(text) <= 100 else text[:100] + "..."


cdef inline PvHandle handle_of(const PvPtr& pv):
    cdef Pv* engine_pv = (<PvPtr*>&pv).get()
    if engine_pv == NULL or engine_pv.owner == NULL:
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
    cdef list aliases            # further PVs of the same reason, or None
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
    cdef public bint udf

    def __init__(self):
        self.value_ = 0
        self.alarm_.status, self.alarm_.severity = 17, 3   # UDF, INVALID
        self.udf = True
        self.time_ = now()

    def __dealloc__(self):
        self.detach()

    cdef void detach(self) noexcept:
        if self.pv is not None and self.pv.data_ == <PyObject*>self:
            self.pv.data_ = NULL

    # ---- links, made by the driver's pvDB ----

    def link(self, PvHandle pv not None, list changed, overrides=(False,) * 3):
        """Holds the value of `pv` from now on; an unlinked Data brings its own."""
        self.detach()
        self.pv = pv
        pv.data_ = <PyObject*>self
        self.changed = changed
        self.own_value, self.own_alarm, self.own_update = overrides
        if self.flag_ and not self.queued:
            self.queue()
        self.store(self.value)

    def start(self, PvHandle pv not None, list changed, epicsTimeStamp when,
              overrides=(False,) * 3):
        """Links a new Data with the value that the PV's info starts with."""
        cdef Fields fields = pv.info.fields
        self.value_ = pv.info.value
        self.time_.seconds, self.time_.nanoseconds = when.secPastEpoch, when.nsec
        if (fields.first.get() == NULL or fields.first_value is not self.value_
                or fields.first_time.seconds != self.time_.seconds
                or fields.first_time.nanoseconds != self.time_.nanoseconds):
            fields.first = self.stamped(pv.convert(self.value_, Strictness.Checked),
                                        fields)
            fields.first_value, fields.first_time = self.value_, self.time_
        self.pv = pv
        pv.data_ = <PyObject*>self
        self.changed = changed
        self.own_value, self.own_alarm, self.own_update = overrides
        self.publish(fields.first)

    def alias(self, PvHandle pv not None):
        """Gives the value to `pv`, which has another name for the same reason, too."""
        if pv is self.pv:
            return
        if self.aliases is None:
            self.aliases = []
        self.aliases.append(pv)
        pv.data_ = <PyObject*>self
        self.publish_alias(pv)

    def unlink(self, PvHandle pv=None):
        """Lets go of `pv`, or of all PVs."""
        if pv is not None and pv is not self.pv:
            if self.aliases is not None and pv in self.aliases:
                self.aliases.remove(pv)
                pv.data_ = NULL
            return
        if self.queued:
            self.changed.remove(self)
            self.queued = False
        value = self.value       # an array leaves the snapshot
        self.value_ = value
        self.detach()
        self.pv = self.changed = None
        self.snapshot.reset()

    @property
    def handle(self):
        """The PV that this value belongs to, or None."""
        return self.pv

    def handles(self):
        """All PVs that have this value."""
        return [] if self.pv is None else [self.pv, *(self.aliases or ())]

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
        if (mask and self.aliases is None and not self.own_update
                and not self.pv.info.fields.scanned):
            mask |= self.mask_
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
        made = pv.convert(value, Strictness.Checked)
        info = pv.info
        if (type(value) is not float and isinstance(value, (str, bytes))
                and info.fields.type != DbfType.Char
                and info.fields.type != DbfType.String):
            value = value_of(made.get()[0])      # a label, or a number as text
        mask = info.checkValue(value) if self.own_value else deadband(info, value, made)
        if self.own_alarm:
            alarm.status, alarm.severity = info.checkAlarm(value)
        else:
            alarm = alarm_of(info.fields, value, made)
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

    def refresh(self):
        """Takes over changed fields of the info and marks a property event."""
        cdef NewSnapshot made
        cdef AlarmState alarm
        info = self.pv.info
        value = self.value
        made = self.pv.convert(value, Strictness.Lenient)
        if self.own_alarm:
            alarm.status, alarm.severity = info.checkAlarm(value)
        else:
            alarm = alarm_of(info.fields, value, made)
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
        if not self.flag_ or self.pv is None:
            return
        if self.pv.info.fields.scanned and not by_scan:
            return
        self.flag_ = False
        if self.own_update:
            self.pv.updateValue(self)
        else:
            self.send_now()
        self.mask_ = 0

    def send(self):
        """Posts the present value with the events of `mask`."""
        self.send_now()

    cdef send_now(self):
        cdef PvHandle pv
        if self.mask_ and self.pv is not None:
            self.pv.pv.get().post(self.snapshot, self.mask_)
            if self.aliases is not None:
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

    cdef SnapshotPtr stamped(self, NewSnapshot made, Fields fields):
        made.get().time = self.time_
        made.get().alarm = self.alarm_
        made.get().metadata = fields.metadata
        return SnapshotPtr(made)

    cdef publish(self, SnapshotPtr snapshot):
        """Gets are answered with `snapshot` from now on."""
        self.snapshot = snapshot
        self.pv.pv.get().set(snapshot)
        if self.aliases is not None:
            for pv in self.aliases:
                self.publish_alias(pv)

    cdef publish_alias(self, PvHandle pv):
        cdef Fields fields = pv.info.fields
        pv.pv.get().set(
            self.stamped(pv.convert(self.value, Strictness.Lenient), fields))

    cdef store(self, value):
        """Replaces value and snapshot, no event."""
        cdef NewSnapshot made
        if self.pv is None:
            self.value_ = value
            return
        made = self.pv.convert(value, Strictness.Checked)
        self.keep(value, made)
        self.publish(self.stamped(made, self.pv.info.fields))

    cdef restamp(self):
        cdef Fields fields
        if self.snapshot.get() != NULL:
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
        if self.read_failed:
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


def post_changed(list changed not None):
    """Posts all Data of a driver that wait, in the order in which they changed."""
    cdef Data data
    cdef list taken = changed[:]
    changed.clear()
    for data in taken:
        data.queued = False
    begin_batch()
    try:
        for data in taken:
            data.post_now(False)
    finally:
        end_batch()


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
    def notify(self):
        """A put callback waits."""
        return bool(self.here().notify)

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
        if self.request.get() != NULL:
            self.here().complete(status)
            self.request.reset()

    def complete_read(self, value):
        """Answers a get with what the driver's read returned.

        Raises:
            TypeError, ValueError: The value does not fit; the request stays open.
        """
        cdef PvHandle pv = handle_of(self.here().pv)
        cdef Data data = pv.data
        self.here().complete(ECA_NORMAL, data.read_result(pv, value))
        self.request.reset()

    def complete_value(self, value, alarm, severity, epicsTimeStamp when not None):
        """Answers a get with a value that is no parameter of a driver.

        Raises:
            TypeError, ValueError: The value does not fit; the request stays open.
        """
        cdef PvHandle pv = handle_of(self.request.get().pv)
        self.request.get().complete(
            ECA_NORMAL, pv.snapshot(value, alarm, severity, when))

    @property
    def asks_metadata(self):
        """A get wants units, limits or labels, or may need them."""
        cdef uint16_t wanted = raw(self.request.get().dbr_type)
        return wanted % 7 == 0 or wanted >= 21     # text, or DBR_GR and beyond

    def complete_attach(self, PvHandle pv not None):
        self.here().complete_attach(ECA_NORMAL, pv.pv)
        self.request.reset()

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
        elif name == "max_circuits":
            config.max_circuits = value
        elif name == "max_circuits_per_host":
            config.max_circuits_per_host = value
        elif name == "max_channels":
            config.max_channels = value
        elif name == "max_subscriptions":
            config.max_subscriptions = value
        elif name == "max_request":
            config.max_payload = value
        elif name == "max_response":
            config.max_response = value
        elif name == "max_output":
            config.output_high_water = value
        elif name == "max_open_requests":
            config.max_open_requests = value
        elif name == "max_open_bytes":
            config.max_open_bytes = value
        elif name == "max_queued_requests":
            config.max_queued_requests = value
        elif name == "max_queued_bytes":
            config.max_queued_bytes = value
        elif name == "max_deferred_puts":
            config.max_deferred_puts = value
        elif name == "max_searches_per_turn":
            config.max_searches_per_turn = value
        elif name == "max_log_rate":
            config.log_rate = value
        else:
            raise TypeError(f"there is no server option {name!r}")
    return 0


cdef class Server:
    """The engine: sockets, circuits and its loop thread."""
    cdef unique_ptr[EngineServer] server
    cdef deque[RequestPtr] left      # taken, not yet handled
    cdef object __weakref__
    cdef readonly list warnings      # what was wrong with the environment
    cdef readonly list interfaces    # the addresses that it is bound to; empty: all

    def __cinit__(self, dict options not None):
        cdef vector[string] warnings
        cdef Config config = config_from_environment(warnings)
        configure(config, options)
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
        """Before fork(): no engine thread holds a lock until one of the next two.

        Keeps the GIL, so that no Python thread comes to wait for these locks with it.
        """
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
        cdef dict counters = self.server.get().stats()
        return {name.decode(): count for name, count in counters.items()}

    def add(self, pvs):
        """Serves each PvHandle of `pvs`."""
        cdef PvHandle pv
        cdef vector[PvPtr] added
        cdef size_t i
        for pv in pvs:
            added.push_back(pv.pv)
        with nogil:
            for i in range(added.size()):
                self.server.get().add(added[i])

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
        read_failed(request); and once in a while turn().
        """
        cdef double end = time.monotonic() + delay
        cdef double wait
        cdef vector[RequestPtr] batch
        while True:
            wait = min(max(end - time.monotonic(), 0.0), kSlice)
            if self.left.empty():
                with nogil:
                    batch = self.server.get().requests().take(
                        kTake, nanoseconds(<long long>(wait * 1e9)))
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
        if self.left.empty():
            return
        while not self.left.empty():
            request = self.left.front()
            self.left.pop_front()
            before = swap_current_request(request.get())
            try:
                if direct:
                    handle_request(request, dispatcher)
                else:
                    dispatcher.handle(wrapped(request))
            finally:
                swap_current_request(before)
        with nogil:
            self.server.get().completions().flush()

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
    try:
        value = value_of(request.get().value.get()[0])
        result = pv.driver.write(pv.info.reason, value)
    except Exception:
        dispatcher.write_failed(wrapped(request))
    except BaseException:     # Ctrl-C
        request.get().complete(ECA_PUTFAIL)
        raise
    else:
        if result is True or result is None:
            if pv.data_ != NULL:
                (<Data>pv.data_).post_now(False)
            request.get().complete(ECA_NORMAL)
        else:
            dispatcher.written(wrapped(request), result)
    return 0


cdef int read(const RequestPtr& request, PvHandle pv, dispatcher) except -1:
    """A get that needs nothing but driver.read."""
    try:
        value = pv.driver.read(pv.info.reason)
        if value is None or pv.data_ == NULL:
            dispatcher.read_failed(wrapped(request), "read returned None")
        else:
            request.get().complete(
                ECA_NORMAL, (<Data>pv.data_).read_result(pv, value))
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
    return bool(access_security.has_inputs())


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
