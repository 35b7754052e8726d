from aioca.native._channel cimport Channel
from aioca.native._cpp.channel cimport NativeMonitor
from aioca.native._loop cimport Sink
from aioca.native._plan cimport Plan


cdef class Metadata:
    cdef NativeMonitor* native
    cdef Channel channel
    cdef Plan plan
    cdef dict fields        # None until they are known
    cdef object last        # the latest value, to be delivered with new metadata
    cdef bint refresh

    cdef int start(self, Sink subscriber) except -1
    cdef void disown(self) noexcept
    cdef void close(self) noexcept
    cdef bint look(self) except -1
    cdef int add_to(self, object value) except -1
    cdef object refreshed(self)


cdef Metadata metadata_of(Channel channel, object datatype, Plan values)
cdef object default_events(object format)
