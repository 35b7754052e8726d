# distutils: language = c++
# cython: nonecheck=True
"""A parameter of a Driver: new values, their events, the user's view."""

cimport cython
from libc.math cimport NAN
from libc.stdint cimport uint16_t

from pcaspy.native._cpp.clock cimport now
from pcaspy.native._cpp.from_snapshot cimport value_of
from pcaspy.native._cpp.pv cimport (
    EventMask, begin_batch, end_batch, kAlarmEvent, kPropertyEvent)
from pcaspy.native._cpp.snapshot cimport (
    AlarmState, NewSnapshot, SnapshotPtr, TimeStamp)
from pcaspy.native._cpp.to_snapshot cimport Strictness
from pcaspy.native._cpp.types cimport DbfType
from pcaspy.native._handle cimport PvHandle, converted, moved
from pcaspy.native._links cimport Extra
from pcaspy.native._policy cimport deadband
from pcaspy.native._time cimport stamp_of
from pcaspy.native._value cimport StoredValue, fits, made_of, stores_nothing

from pcaspy.alarm import Alarm, Severity
from pcaspy.native._time import epicsTimeStamp

cdef extern from "pcaspy/native/attributes.hpp" namespace "pcas::py":
    void no_attributes_yet(Data data) noexcept


@cython.final
@cython.no_gc_clear      # __dealloc__ reaches the PV
cdef class Data(StoredValue):
    """A parameter of a Driver: value, alarm and time, and what waits to be posted."""

    def __cinit__(self):
        no_attributes_yet(self)

    def __init__(self):
        self.value_ = 0
        self.alarm_.status, self.alarm_.severity = 17, 3   # UDF, INVALID
        self.marks.udf = True
        self.time_ = now()

    def __dealloc__(self):
        self.detach()

    # ---- new values ----

    def set(self, value, timestamp=None):
        """A new value: what Driver.setParam does.

        Raises:
            TypeError, ValueError: The value does not fit the PV; nothing is changed.
        """
        cdef EventMask mask = self.take(value, stamp_of(timestamp))
        if self.pv is None:
            return
        self.publish(self.stored)
        if mask:
            self.mark(mask)
        if self.extra is not None:
            self.plan()

    cdef bint set_and_post(self, value, TimeStamp when) except -1:
        """`set` and `post`; where nothing is special, with one lock for both.

        Returns whether a server was overrun, as `post_now`.
        """
        cdef EventMask mask = self.take(value, when)
        cdef bint overrun
        if self.pv is None:
            return False
        if (mask and not (self.extra is not None and self.extra.aliases)
                and not self.marks.own_update and not self.pv.info.fields.scanned):
            mask |= self.mask_
            if not fits(self.pv, self.stored):
                raise moved(self.pv)
            self.mask_ = 0
            self.marks.flag = False
            overrun = self.pv.pv.get().post(self.stored, mask)
        else:
            self.publish(self.stored)
            if mask:
                self.mark(mask)
            overrun = self.post_now(False)
        if self.extra is not None:
            self.plan()
        return overrun

    cdef EventMask take(self, value, TimeStamp when) except? 0xff:
        """Keeps a new value, and returns the events that it is worth. Sends nothing."""
        cdef EventMask mask
        cdef AlarmState alarm
        cdef NewSnapshot made
        cdef PvHandle pv = self.pv
        if pv is None:
            self.value_, self.time_ = value, when
            self.images += 1
            return 0
        info = pv.info
        if value is None and stores_nothing(info.fields):
            made = made_of(pv, value, Strictness.Checked)
        else:
            made = converted(pv, value, Strictness.Checked)
        if info.fields.as_stored and value is not None:
            value = value_of(made.get()[0])      # as clients see it
        elif (type(value) is not float and isinstance(value, (str, bytes))
                and info.fields.type != DbfType.Char
                and info.fields.type != DbfType.String):
            value = value_of(made.get()[0])      # a label, or a number as text
        if self.marks.own_value:
            mask = info.checkValue(value)
        else:
            mask = deadband(info, value, made)
        if self.marks.own_alarm:
            alarm.status, alarm.severity = info.checkAlarm(value)
        else:
            alarm = self.judge(info.fields, value, made)
        if self.pv is None:          # what was called above has unlinked it
            self.value_, self.time_ = value, when
            return 0
        if self.pv is not pv:
            raise moved(pv)
        if self.set_alarm(alarm):
            mask |= kAlarmEvent
        self.time_ = when
        self.marks.read_failed = False
        self.keep(value, made)
        self.images += 1
        self.stored = self.stamped(made, info.fields)
        return mask

    def set_status(self, alarm=None, severity=None, str message not None=""):
        """Alarm and severity, None for as it is, and a message; the time stays."""
        cdef AlarmState state = self.alarm_
        if alarm is not None:
            state.status = alarm
        if severity is not None:
            state.severity = severity
        text = message or None
        before = None if self.extra is None else self.extra.message
        if not self.set_alarm(state) and text == before:
            return
        if text is not None:
            self.special()
        if self.extra is not None:
            self.extra.message, self.extra.fields = text, None
        self.marks.read_failed = False
        self.restamp()
        self.mark(kAlarmEvent)

    def look_again(self):
        """The delay of an alarm may be over, with the value as it was."""
        cdef Extra extra = self.extra
        cdef PvHandle pv = self.pv
        cdef AlarmState before
        if extra is None:
            return
        extra.planned = NAN
        if (pv is None or self.marks.own_alarm or not extra.begun
                or not fits(pv, self.stored)):
            return
        if not pv.info.fields.looks_back:    # it is another PV now
            return
        before = extra.judged
        extra.check(pv.info.fields, self.stored.get()[0], self.alarm_)
        # What the driver has set since stays.
        if (before.status == self.alarm_.status
                and before.severity == self.alarm_.severity
                and self.set_alarm(extra.judged)):
            self.time_ = later_of(self.time_, now())
            self.restamp()
            if self.marks.own_update:
                self.mark(kAlarmEvent)
                self.post_now(True)
            else:
                self.send_event(kAlarmEvent)
        self.plan()

    def fail_read(self):
        """READ, INVALID until a read succeeds or a value is set."""
        self.set_status(1, 3)
        self.marks.read_failed = True
        self.post_now(True)

    def refresh(self, bint look_at_alarm=True):
        """Takes over changed fields of the info and marks a property event."""
        cdef NewSnapshot made
        cdef AlarmState alarm
        cdef PvHandle pv = self.linked()
        info = pv.info
        value = self.shown()
        made = made_of(pv, value, Strictness.Lenient)
        if not look_at_alarm:
            alarm = self.alarm_
        elif self.marks.own_alarm:
            alarm.status, alarm.severity = info.checkAlarm(value)
        else:
            alarm = self.judge(info.fields, value, made)
        if self.pv is not pv:
            raise moved(pv)
        if self.set_alarm(alarm):
            self.mark(kAlarmEvent)
        self.keep(value, made)
        self.publish(self.stamped(made, info.fields))
        self.mark(kPropertyEvent)
        if self.extra is not None:
            self.plan()

    def post(self, bint by_scan=False):
        """Sends what waits to the subscribers; that of a scanned PV only `by_scan`.

        Who posts faster than the server delivers is made to wait a little.
        """
        if self.post_now(by_scan) and not by_scan:
            self.wait_for_servers()

    cdef bint post_now(self, bint by_scan) except -1:
        """The same; returns whether a server was overrun, and waits for none."""
        cdef PvHandle pv = self.pv
        cdef bint overrun = False
        if not self.marks.flag or pv is None:
            return False
        if pv.info.fields.scanned and not by_scan:
            return False
        self.marks.flag = False
        if self.marks.own_update:
            pv.updateValue(self)
        else:
            overrun = self.send_now()
        self.mask_ = 0
        return overrun

    cdef wait_for_servers(self):
        cdef PvHandle pv = self.pv
        if pv is None:
            return
        with nogil:
            pv.pv.get().wait_for_servers()

    def send(self):
        """Posts the present value with the events of `mask`."""
        self.send_now()

    cdef bint send_now(self) except -1:
        return self.mask_ != 0 and self.send_event(self.mask_)

    cdef bint send_event(self, EventMask mask) except -1:
        cdef PvHandle pv
        cdef bint overrun
        if self.pv is None or not fits(self.pv, self.stored):
            return False
        overrun = self.pv.pv.get().post(self.stored, mask)
        for pv in self.aliases():
            if pv.pv.get().type() == self.pv.pv.get().type():
                self.publish_alias(pv)
                pv.pv.get().post(pv.pv.get().snapshot(), mask)
        return overrun

    cdef SnapshotPtr read_result(self, PvHandle pv, value) except *:
        """What a get of `pv` is answered with when the driver's read gave `value`."""
        cdef NewSnapshot made = converted(
            pv, value,
            Strictness.Checked if pv.info.fields.exact else Strictness.Lenient)
        if self.marks.read_failed and self.pv is not None:
            self.marks.read_failed = False
            self.set_alarm(self.judge(pv.info.fields, value, made))
            self.restamp()
            self.mark(kAlarmEvent)
            self.post_now(False)
        return self.stamped(made, pv.info.fields)

    # ---- as programs see it ----

    @property
    def value(self):
        return self.shown()

    @value.setter
    def value(self, value):
        self.store(value)
        self.images += 1

    @property
    def udf(self):
        return bool(self.marks.udf)

    @udf.setter
    def udf(self, bint udf):
        self.marks.udf = udf

    @property
    def alarm(self):
        return self.alarm_.status

    @alarm.setter
    def alarm(self, uint16_t alarm):
        cdef AlarmState state = self.alarm_
        state.status = alarm
        self.set_alarm(state)
        self.restamp()

    @property
    def severity(self):
        return self.alarm_.severity

    @severity.setter
    def severity(self, uint16_t severity):
        cdef AlarmState state = self.alarm_
        state.severity = severity
        self.set_alarm(state)
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
        return bool(self.marks.flag)

    @flag.setter
    def flag(self, bint flag):
        self.marks.flag = flag
        if flag and not self.marks.queued:
            self.queue()

    def __repr__(self):
        return (f"value={self.shown()} alarm={Alarm.nameOf(self.alarm)} "
                f"severity={Severity.nameOf(self.severity)} flag={self.flag} "
                f"mask={self.mask} time={self.time}")


cdef TimeStamp later_of(TimeStamp a, TimeStamp b) noexcept:
    if a.seconds != b.seconds:
        return a if a.seconds > b.seconds else b
    return a if a.nanoseconds > b.nanoseconds else b


def post_changed(list changed not None):
    """Posts all Data of a driver that wait, in the order in which they changed.

    An exception out of `updateValue` is raised when all are posted: the first of them.
    """
    cdef Data data
    cdef Data overrun = None
    cdef list taken = changed[:]
    failure = None
    changed.clear()
    for data in taken:
        data.marks.queued = False
    begin_batch()
    try:
        for data in taken:
            try:
                if data.post_now(False):
                    overrun = data
            except BaseException as error:
                if failure is None:
                    failure = error
    finally:
        end_batch()
    if failure is not None:
        raise failure
    if overrun is not None:
        overrun.wait_for_servers()


def set_and_post(params not None, values not None, when):
    """Sets each reason of `values` in `params`, all to one time, and posts them."""
    cdef Data data
    cdef Data overrun = None
    cdef TimeStamp stamp = stamp_of(when)
    cdef dict known = <dict>params    # a subclass; looking up is a dict's
    begin_batch()
    try:
        for reason, value in values.items():
            found = known.get(reason)
            data = params[reason] if found is None else found   # raises: no such one
            if data.set_and_post(value, stamp):
                overrun = data
    finally:
        end_batch()
    if overrun is not None:
        overrun.wait_for_servers()
