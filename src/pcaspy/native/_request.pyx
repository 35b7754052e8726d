# distutils: language = c++
# cython: nonecheck=True
"""A request for Python: what a client wants, and how it is answered."""

cimport cython
from libc.stdint cimport uint16_t
from libcpp.string cimport string

from pcaspy.native._cpp.current_request cimport current_request, swap_current_request
from pcaspy.native._cpp.field_source cimport FieldOf, FieldOfPtr, field_of
from pcaspy.native._cpp.from_snapshot cimport bytes_of, value_of
from pcaspy.native._cpp.pv cimport PvCompanionPtr, PvPtr
from pcaspy.native._cpp.request cimport (
    ClientIdentity, ClientPtr, EngineRequest, PutOutcome, RequestKind, RequestPtr)
from pcaspy.native._cpp.snapshot cimport SnapshotPtr
from pcaspy.native._cpp.text cimport text_of
from pcaspy.native._cpp.types cimport (
    ECA_GETFAIL, ECA_NORMAL, ECA_PUTFAIL, DbfType, DbrType, EcaStatus,
    is_acknowledgement, kDbrPutAckt, needs_metadata, raw)
from pcaspy.native._data cimport Data, data_linked_to
from pcaspy.native._handle cimport (
    Claimant, PvHandle, claim, handle_of, record_of, snapshot_for)
from pcaspy.native._time cimport StampBase

NORMAL = ECA_NORMAL
GETFAIL = ECA_GETFAIL
PUTFAIL = ECA_PUTFAIL


@cython.final
cdef class Request:
    """What a client wants and only Python can do; completed once, from any thread.

    Completion releases it: a log record that keeps an exception, and with that this
    object, keeps nothing of the engine.
    """
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
        """The PV, or the one that it is a field of."""
        pv = handle_of(self.here().pv)
        return record_of(self.here().pv) if pv is None else pv

    @property
    def field(self):
        """The name of the field of `pv` that is meant; None: its value."""
        cdef PvCompanionPtr companion
        if self.here().pv.get() == NULL:
            return None
        companion = self.here().pv.get().companion()
        if companion.get() == NULL or companion.get().field() == NULL:
            return None
        return companion.get().field().decode()

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
    def acknowledges(self):
        """A put that is about the alarm, not the value: "ACKT", "ACKS"; else ""."""
        cdef DbrType type = self.here().dbr_type
        if self.here().kind != RequestKind.Write or not is_acknowledgement(type):
            return ""
        return "ACKT" if raw(type) == raw(kDbrPutAckt) else "ACKS"

    def acknowledge(self):
        """Carries such a put out; subscribers to alarms get an event."""
        cdef int value = self.value
        if self.acknowledges == "ACKT":
            self.here().pv.get().set_transient_alarms(value != 0)
        else:
            self.here().pv.get().acknowledge(<uint16_t>value)
        self.complete(ECA_NORMAL)

    @property
    def client(self):
        """(user, host, address, protocol) of the client, as far as known.

        The protocol is "ca", "pva" or "control".
        """
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

    cdef SnapshotPtr seen(self, const SnapshotPtr& made) except *:
        """A value of the PV as its client sees it, which may do so through filters."""
        cdef PvCompanionPtr companion = self.here().pv.get().companion()
        if companion.get() == NULL:
            return made
        return companion.get().shown(made)

    def complete_read(self, value):
        """Answers a get with what the driver's read returned.

        Raises:
            TypeError, ValueError: The value does not fit; the request stays open.
        """
        cdef PvHandle pv = self.pv
        cdef Data data = None if pv is None else data_linked_to(pv)
        cdef SnapshotPtr made
        if data is None:
            raise ValueError("the PV has no parameter any more")
        made = data.read_result(pv, value)
        self.here().complete(ECA_NORMAL, self.seen(made))
        self.request.reset()

    def complete_value(self, value, alarm, severity, StampBase when not None):
        """Answers a get with a value that is no parameter of a driver.

        Raises:
            TypeError, ValueError: The value does not fit; the request stays open.
        """
        cdef PvHandle pv = self.pv
        cdef SnapshotPtr made
        if pv is None:
            raise ValueError("the PV is gone")
        made = snapshot_for(pv, value, alarm, severity, when)
        self.here().complete(ECA_NORMAL, self.seen(made))

    @property
    def asks_metadata(self):
        """A get wants units, limits or labels, or may need them."""
        return bool(needs_metadata(self.here().dbr_type))

    def complete_attach(self, PvHandle pv not None, Claimant server not None):
        """Makes the channel that is asked for, one of `server`, on `pv`.

        Raises:
            ValueError: Another server has it.
        """
        claim(pv, server)
        self.attach(pv.pv)

    cdef int attach(self, const PvPtr& pv) except -1:
        """Makes the channel that is asked for."""
        self.here().complete_attach(ECA_NORMAL, pv)
        self.request.reset()
        return 0

    cdef FieldOf* field_put(self) except NULL:
        cdef FieldOfPtr field = field_of(self.here().pv.get()[0])
        if field.get() == NULL:
            raise ValueError("it is no put to a field")
        return field.get()    # its PV is the request's

    def field_put_begins(self):
        """What is done from now on is done for this put to a field."""
        self.field_put().put_begins()

    def field_put_done(self):
        """It is carried out: subscribers of the field get an event."""
        self.field_put().put_done(self.here().value)

    def begin(self):
        """Python turns to it, perhaps not for the first time."""
        self.here().begin()

    def fails_refused(self):
        """If it fails, the put log says that the driver has refused it."""
        if self.request.get() != NULL:
            self.here().set_failure(PutOutcome.Refused)

    def fails_out_of_limits(self):
        """If it fails, the put log says that its value was out of limits."""
        if self.request.get() != NULL:
            self.here().set_failure(PutOutcome.OutOfLimits)

    def carry_out(self):
        """The driver is asked to do it: from now on `PvHandle.end_put` may mean it."""
        self.here().carry_out()

    def defer(self):
        if self.request.get() != NULL:
            self.here().defer()


cdef object identity(const ClientPtr& client):
    cdef const ClientIdentity* c = client.get()
    if c == NULL:
        return "", "", "", "ca"
    cdef int protocol = <int>c.protocol
    return (text_of(c.user.data(), c.user.size()),
            text_of(c.host.data(), c.host.size()),
            text_of(c.address.data(), c.address.size()),
            ("ca", "pva", "control")[protocol])


def current_client():
    """The same of the client of this thread's read or write, or None."""
    cdef const EngineRequest* request = current_request()
    return None if request == NULL else identity(request.client)


cdef object wrapped(const RequestPtr& request):
    cdef Request made = Request.__new__(Request)
    made.request = request
    return made
