from libc.stdint cimport uint32_t

from pcaspy.native._cpp.clock cimport now
from pcaspy.native._cpp.snapshot cimport TimeStamp


cdef class StampBase:
    cdef uint32_t seconds
    cdef uint32_t nanos


cdef TimeStamp stamp_of_another(timestamp) except *


cdef inline TimeStamp stamp_of(timestamp) except *:
    """What a program gives as a time; None: now."""
    cdef TimeStamp t
    if timestamp is None:
        return now()
    if isinstance(timestamp, StampBase):
        t.seconds = (<StampBase>timestamp).seconds
        t.nanoseconds = (<StampBase>timestamp).nanos
        return t
    return stamp_of_another(timestamp)
