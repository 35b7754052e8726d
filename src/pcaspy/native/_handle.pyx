# distutils: language = c++
# cython: nonecheck=True
"""A served PV: the base of casPV, what is done with one, and the Data linked to it.

Threads: everything in these modules needs the GIL. What may wait or end threads in the
engine is called without it. `Pv.set`, `Pv.post` and `Request.complete` keep it: they
hold leaf locks for the time of a pointer swap, and a thread that gave the GIL up there
would wait for it behind each computing thread, and could let two values change places.
"""

import logging
import weakref

cimport cython
from cpython.ref cimport PyObject
from libcpp cimport bool as cbool
from libcpp.string cimport string

from pcaspy.native._cpp.pv cimport EventMask, Pv, create_pv
from pcaspy.native._cpp.snapshot cimport NewSnapshot, SnapshotPtr
from pcaspy.native._cpp.text cimport bytes_of_text
from pcaspy.native._cpp.to_snapshot cimport Strictness, snapshot_of
from pcaspy.native._cpp.types cimport ECA_NORMAL
from pcaspy.native._fields cimport Fields, InfoBase
from pcaspy.native._time cimport StampBase

cdef extern from "pcaspy/native/attributes.hpp" namespace "pcas::py":
    void no_attributes_yet(PvHandle pv) noexcept

_set_logger = logging.getLogger("pcaspy.Driver.setParam")


cdef class Claimant:
    """Who may serve a PV: a Server, as PVs know it."""

    cdef bint is_running(self) noexcept:
        return False


cdef class PvHandle:
    """Base of casPV: owns the engine's PV.

    It has no name that Python sees: those belong to users' classes. What is to be done
    with one, the functions behind it do.
    """

    def __cinit__(self):
        no_attributes_yet(self)

    cdef Pv* opened(self) except NULL:
        if self.pv.get() == NULL:
            raise ValueError(f"{type(self).__name__} {self.name!r} is not ready to be"
                             " served")
        return self.pv.get()

    cdef int open(self) except -1:
        cdef Fields fields = self.info.fields
        cdef string name = bytes_of_text(self.name)
        self.disown()
        self.pv = create_pv(name, fields.max_count, fields.unset)
        self.pv.get().owner = <PyObject*>self
        self.pv.get().set_reads_by_request(True)
        if fields.values["asg"]:
            set_access_group(self, fields.values["asg"])
        if fields.values["readonly"]:
            set_read_only(self, True)
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
        cdef cbool nothing = (
            self.data_ != NULL and (<Links>self.data_).nothing)
        if self.pv.get() != NULL:
            self.pv.get().set_reads_by_request(self.asks or nothing)

    cdef int claim(self, Claimant server) except -1:
        """From now on `server` serves it, and no other."""
        cdef Claimant before = None if self.server is None else self.server()
        self.opened()
        if before is server:
            return 0
        if (before is not None and before.is_running()
                and not self.pv.get().sole_ref()):
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
            if strictness == Strictness.Checked:
                strictness = fields.strictness
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


cdef class Links:
    """A Data's place among the PVs of a driver, and the events that wait for it."""

    def __cinit__(self):
        self.aliases = ()

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

    cdef join(self, PvHandle pv, Changed changed, overrides):
        """Belongs to `pv`, and joins the queue `changed` of its driver."""
        self.pv = pv
        pv.data_ = <PyObject*>self
        self.changed = changed
        self.own_value, self.own_alarm, self.own_update = overrides

    cdef leave(self):
        """Belongs to no PV, and waits in no queue."""
        if self.queued:
            self.queued = False
            if self in self.changed.waiting:
                self.changed.waiting.remove(self)
        self.detach()
        self.pv = self.changed = None
        self.aliases = ()

    cdef add_alias(self, PvHandle pv):
        """`pv` has another name for the same reason."""
        if not any([other is pv for other in self.aliases]):
            self.aliases += (pv,)
        pv.data_ = <PyObject*>self

    cdef drop_alias(self, PvHandle pv):
        """Undoes `add_alias`."""
        self.aliases = tuple([other for other in self.aliases if other is not pv])
        if pv.data_ == <PyObject*>self:
            pv.data_ = NULL

    cdef mark(self, EventMask mask):
        self.mask_ |= mask
        self.flag_ = True
        if not self.queued:
            self.queue()

    cdef queue(self):
        if self.changed is not None:
            self.changed.waiting.append(self)
            self.queued = True

    @property
    def handle(self):
        """The PV that this value belongs to, or None."""
        return self.pv

    def handles(self):
        """All PVs that have this value."""
        return [] if self.pv is None else [self.pv, *self.aliases]


def open_pv(PvHandle pv not None, str name not None, InfoBase info not None,
            bint given=False):
    """Makes the engine's PV; again, where there was one.

    Args:
        pv: The handle.
        name: The full name.
        info: What is known of it.
        given: Its methods need not be asked for what is in `info`.
    """
    pv.name, pv.info, pv.given = name, info, given
    pv.open()


def reopen_pv(PvHandle pv not None):
    """Makes the engine's PV again if type or count changed; returns whether."""
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
        ValueError: Its methods are not asked, and type or size differ.
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


def has_interest(PvHandle pv not None):
    """A client subscribes."""
    return pv.pv.get() != NULL and pv.pv.get().has_subscriptions()


def is_in_use(PvHandle pv not None):
    """A channel, a table or a request refers to it."""
    return pv.pv.get() != NULL and not pv.pv.get().sole_ref()


def wants_interest(PvHandle pv not None):
    """From now on Python is notified of the first and of the last subscription."""
    pv.opened().set_wants_interest(True)


def wire_pv(PvHandle pv not None, driver, bint plain_read, bint plain_write,
            bint in_series, bint asks, client_how=None):
    """Decides which ways the requests of a PV go.

    Args:
        pv: The handle.
        driver: Who answers, or None.
        plain_read: Gets need nothing but driver.read.
        plain_write: Puts need nothing but driver.write.
        in_series: Put callbacks are carried out one at a time, until each is completed.
        asks: Gets are for Python; they are anyway while there is no value.
        client_how: How driver.write gets the client; None: it does not.
    """
    pv.opened().set_puts_in_series(in_series)
    pv.driver, pv.client_how = driver, client_how
    pv.plain_read, pv.plain_write, pv.asks = plain_read, plain_write, asks
    pv.apply_reads()


def client_how(PvHandle pv not None):
    """How driver.write gets the client, as `wire_pv` was given it."""
    return pv.client_how


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


def set_read_only(PvHandle pv not None, bint on):
    """Makes it readonly for all clients, or not; connected clients are notified."""
    pv.opened()
    with nogil:
        pv.pv.get().set_read_only(on)


def post_value(PvHandle pv not None, value, alarm, severity, StampBase when not None,
               EventMask mask):
    """Sends a value with the events of `mask` to the subscribers.

    Who posts faster than the server delivers is made to wait a little.

    Raises:
        TypeError, ValueError: It does not fit.
    """
    if pv.opened().post(pv.snapshot(value, alarm, severity, when), mask):
        with nogil:
            pv.pv.get().wait_for_servers()


cdef object shortened(value):
    text = repr(value)
    return text if len(text) <= 100 else text[:100] + "..."


cdef object moved(PvHandle pv):
    return ValueError(f"PV {pv.name}: it was replaced while its value was set")
