from aioca.native._cpp.channel cimport NativeChannel
from aioca.native._loop cimport Loop, Sink
from aioca.native._plan cimport Plan


cdef class Channel(Sink):
    cdef NativeChannel* native
    cdef readonly Loop owner
    cdef readonly str name
    cdef tuple only_name
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
    cdef int come_up(self) except -1
    cdef int tell_watchers(self) except -1
    cdef dict attributes_of(self, Plan plan)
    cdef object success(self)


cdef Channel channel_of(Loop loop, str name)
