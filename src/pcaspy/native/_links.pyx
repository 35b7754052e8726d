# distutils: language = c++
# cython: nonecheck=True
"""What links the Data of a driver with its PVs, and lets their events wait."""

from time import monotonic

cimport cython
from cpython.ref cimport PyObject
from libc.math cimport NAN
from libcpp cimport bool as cbool

from pcaspy.native._cpp.alarm_limits cimport AlarmHistory
from pcaspy.native._cpp.pv cimport EventMask
from pcaspy.native._cpp.snapshot cimport AlarmState, Snapshot
from pcaspy.native._fields cimport Fields
from pcaspy.native._handle cimport PvHandle, Way, opened, snapshot_for
from pcaspy.native._time cimport StampBase


@cython.final
cdef class Changed:
    """The Data of a driver that have events which wait to be posted.

    Args:
        later: ``later(data, due)`` has `Data.look_again` called then, in seconds of
            time.monotonic().
    """

    def __init__(self, later=None):
        self.waiting = []
        self.later = later


@cython.final
@cython.no_gc_clear      # a Data that ends reaches the PVs
cdef class Extra:
    """What few Data have: aliases, or an alarm that has a message or looks back."""

    def __cinit__(self):
        self.aliases = ()
        self.planned = NAN

    cdef AlarmState check(
            self, Fields fields, const Snapshot& snapshot, AlarmState now):
        """The alarm of a value of a PV that has the alarm `now`."""
        if not self.begun:
            self.begun = True
            self.history = AlarmHistory(fields.limits, now)
        self.judged = self.history.check(fields.limits, snapshot, monotonic())
        return self.judged


cdef class Links:
    """A Data's place among the PVs of a driver, and the events that wait for it."""

    cdef Extra special(self):
        """Its Extra, made at first."""
        if self.extra is None:
            self.extra = Extra()
        return self.extra

    cdef tuple aliases(self):
        return () if self.extra is None else self.extra.aliases

    cdef void detach(self) noexcept:
        """No PV says any more that this is its value. Runs no code of users."""
        cdef PvHandle pv
        if self.pv is not None and self.pv.data_ == <PyObject*>self:
            self.pv.data_ = NULL
        if self.extra is not None:
            for pv in self.extra.aliases:
                if pv.data_ == <PyObject*>self:
                    pv.data_ = NULL

    cdef PvHandle linked(self):
        """The PV that it belongs to."""
        if self.pv is None:
            raise ValueError("this Data belongs to no PV of a driver")
        return self.pv

    cdef join(self, PvHandle pv, Changed changed, overrides):
        """Belongs to `pv`, and joins the queue `changed` of its driver."""
        self.pv = pv
        pv.data_ = <PyObject*>self
        self.changed = changed
        value, alarm, update = overrides
        self.marks.own_value, self.marks.own_alarm = value, alarm
        self.marks.own_update = update

    cdef leave(self):
        """Belongs to no PV, and waits in no queue."""
        if self.marks.queued:
            self.marks.queued = False
            if self in self.changed.waiting:
                self.changed.waiting.remove(self)
        self.detach()
        self.pv = self.changed = None
        if self.extra is not None:
            self.extra.aliases = ()

    cdef add_alias(self, PvHandle pv):
        """`pv` has another name for the same reason."""
        cdef Extra extra = self.special()
        if not any([other is pv for other in extra.aliases]):
            extra.aliases += (pv,)
        pv.data_ = <PyObject*>self

    cdef drop_alias(self, PvHandle pv):
        """Undoes `add_alias`."""
        if self.extra is not None:
            self.extra.aliases = tuple(
                [other for other in self.extra.aliases if other is not pv])
        if pv.data_ == <PyObject*>self:
            pv.data_ = NULL

    cdef mark(self, EventMask mask):
        self.mask_ |= mask
        self.marks.flag = True
        if not self.marks.queued:
            self.queue()

    cdef queue(self):
        if self.changed is not None:
            self.changed.waiting.append(self)
            self.marks.queued = True

    @property
    def handle(self):
        """The PV that this value belongs to, or None."""
        return self.pv

    def handles(self):
        """All PVs that have this value."""
        return [] if self.pv is None else [self.pv, *self.aliases()]


cdef void apply_reads(PvHandle pv) noexcept:
    cdef cbool nothing = (
        pv.data_ != NULL and (<Links>pv.data_).marks.nothing)
    if pv.pv.get() != NULL:
        pv.pv.get().set_reads_by_request(pv.marks.asks or nothing)


def wire_pv(PvHandle pv not None, Way way not None, bint plain_read,
            bint plain_write, bint in_series, bint asks):
    """Decides which ways the requests of a PV go.

    Args:
        pv: The handle.
        way: To the driver that answers, or to none.
        plain_read: Gets need nothing but driver.read.
        plain_write: Puts need nothing but driver.write.
        in_series: Put callbacks are carried out one at a time, until each is completed.
        asks: Gets are for Python; they are anyway while there is no value.
    """
    opened(pv).set_puts_in_series(in_series)
    pv.way = None if way.driver is None else way
    pv.marks.plain_read, pv.marks.plain_write = plain_read, plain_write
    pv.marks.asks = asks
    apply_reads(pv)


def data_of(PvHandle pv not None):
    """The Data that holds its value, or None before there is a driver."""
    return linked_data(pv)


def client_how(PvHandle pv not None):
    """How driver.write gets the client, as its `Way` says."""
    return None if pv.way is None else pv.way.client_how


def post_value(PvHandle pv not None, value, alarm, severity, StampBase when not None,
               EventMask mask):
    """Sends a value with the events of `mask` to the subscribers.

    Who posts faster than the server delivers is made to wait a little.

    Raises:
        TypeError, ValueError: It does not fit.
    """
    if opened(pv).post(snapshot_for(pv, value, alarm, severity, when), mask):
        with nogil:
            pv.pv.get().wait_for_servers()
