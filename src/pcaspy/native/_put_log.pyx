# distutils: language = c++
# cython: nonecheck=True
"""What clients have put, on its way from the engine to the one who writes it down."""

from collections import namedtuple

cimport cython
from libc.stdint cimport int64_t, uint64_t
from libcpp.vector cimport vector

from pcaspy.native._cpp.from_snapshot cimport value_of
from pcaspy.native._cpp.put_log cimport (
    EnginePutLog, PutLogPtr, PutRecord, Which)
from pcaspy.native._cpp.request_queue cimport nanoseconds
from pcaspy.native._cpp.snapshot cimport SnapshotPtr
from pcaspy.native._cpp.text cimport text_of
from pcaspy.native._server cimport Server

cdef double kEpoch = 631152000.0    # 1990-01-01 in seconds since 1970

# As PutOutcome counts them.
OUTCOMES = (
    "accepted", "refused", "failed", "out-of-limits", "not-done", "no-access",
    "readonly", "disabled", "bad-value", "too-large", "busy")
cdef dict kWhich = {
    "all": <int>Which.All,
    "accepted": <int>Which.Accepted,
    "trapwrite": <int>Which.Trapped,
}

Put = namedtuple("Put", (
    "time", "pv", "user", "host", "address", "protocol", "old", "old_size", "new",
    "new_size", "is_array", "outcome", "trapped", "more", "least", "most"))


@cython.final
cdef class PutLog:
    """The puts of one server. Those of one client to one PV within `burst` are one."""
    cdef PutLogPtr log

    def __init__(self, Server engine not None, which, double burst):
        """Call it before the server starts, once."""
        self.log = PutLogPtr(new EnginePutLog(
            <Which><int>kWhich[which], nanoseconds(<int64_t>(burst * 1e9))))
        engine.server.get().names().get().set_put_log(self.log)

    def open(self):
        self.log.get().open()

    def close(self):
        """What is put from now on counts as dropped; what there was can be taken."""
        self.log.get().close()

    def take(self, size_t most, double timeout):
        """[Put]: at most so many, and at once once it is closed.

        For one thread at a time. It does not hold the GIL while it waits.
        """
        cdef vector[PutRecord] records
        cdef int64_t wait = <int64_t>(timeout * 1e9)
        cdef size_t i
        with nogil:
            records = self.log.get().take(most, nanoseconds(wait))
        return [put_of(records[i]) for i in range(records.size())]

    @property
    def dropped(self):
        return self.log.get().dropped()

    def count_dropped(self, uint64_t puts):
        self.log.get().count_dropped(puts)

    def count_written(self, uint64_t puts):
        self.log.get().count_written(puts)


cdef object shown(const SnapshotPtr& value):
    return None if value.get() == NULL else value_of(value.get()[0])


def undecoded(text):
    """The value of which only the text for the engine's log is known."""
    if text[:1] == "'":
        return text[1:-1]
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() else number


cdef object put_of(const PutRecord& r):
    name = text_of(r.pv.get().name().data(), r.pv.get().name().size())
    if r.field[0] != 0:
        name += "." + r.field.decode()
    user = host = address = ""
    protocol = "ca"
    cdef object number, outcome = <int>r.outcome
    if r.client.get() != NULL:
        user = text_of(r.client.get().user.data(), r.client.get().user.size())
        host = text_of(r.client.get().host.data(), r.client.get().host.size())
        address = text_of(r.client.get().address.data(), r.client.get().address.size())
        number = <int>r.client.get().protocol
        protocol = ("ca", "pva", "control")[number]
    cdef object new_size = r.count
    if r.value.get() == NULL and not r.text.empty():
        new, new_size = undecoded(text_of(r.text.data(), r.text.size())), -1
    else:
        new = shown(r.value)
    return Put(
        kEpoch + r.time.seconds + r.time.nanoseconds * 1e-9, name, user, host, address,
        protocol, shown(r.before), r.before_count, new, new_size,
        r.pv.get().max_count() > 1, OUTCOMES[outcome], bool(r.trapped), r.more,
        shown(r.least), shown(r.most))
