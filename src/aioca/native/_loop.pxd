from aioca.native._cpp.queue cimport Complaint, Queue


cdef class Sink:
    """What a loop's queue may name as ready."""
    cdef int on_ready(self) except -1


cdef class Loop:
    cdef Queue* queue
    cdef readonly object loop
    cdef readonly object thread
    cdef unsigned long thread_id
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

    cdef int note_thread(self) except -1
    cdef bint is_of_another_thread(self) except -1
    cdef int want_flush(self) except -1
    cdef int touch(self, Sink request) except -1
    cdef int add_deadline(self, Sink request, double patience) except -1
    cdef int set_alarm(self) except -1
    cdef int submit_touched(self) except -1
    cdef int resume(self, object future) except -1
    cdef complain(self, Complaint& complaint)
    cpdef int dispose(self) except -1


cdef Loop current_loop()
cdef object call_in(object context, object function, object argument)
