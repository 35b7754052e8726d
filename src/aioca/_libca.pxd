from aioca._values cimport Plan
from aioca._native cimport Complaint, NativeChannel, Process, Queue


cdef class Sink:
    """What a loop's queue may name as ready."""
    cdef int on_ready(self) except -1


cdef class Loop:
    cdef Queue* queue
    cdef readonly object loop
    cdef readonly object thread
    cdef readonly dict channels
    cdef readonly set requests
    cdef list touched
    cdef list left_over
    cdef bint draining
    cdef object relay
    cdef double last_flush
    cdef bint flush_scheduled
    cdef list deadlines
    cdef object alarm
    cdef double alarm_at
    cdef long deadline_count

    cdef Channel channel(self, str name)
    cdef int want_flush(self) except -1
    cdef int touch(self, Sink request) except -1
    cdef int add_deadline(self, Sink request, double patience) except -1
    cdef int set_alarm(self) except -1
    cdef int submit_touched(self) except -1
    cdef complain(self, Complaint& complaint)
    cpdef int dispose(self) except -1


cdef class Channel(Sink):
    cdef NativeChannel* native
    cdef readonly Loop owner
    cdef readonly str name
    cdef readonly bint is_connected
    cdef readonly bint readable
    cdef readonly bint writable
    cdef readonly long native_type
    cdef readonly object element_count
    cdef bint long_string
    cdef dict waiters
    cdef set subscriptions
    cdef set watchers
    cdef object attributes_plan
    cdef dict attributes

    cdef void forget(self) noexcept
    cdef dict attributes_of(self, Plan plan)


cdef Loop current_loop()
cpdef int attach() except -1
cdef Process* shared_process() noexcept
