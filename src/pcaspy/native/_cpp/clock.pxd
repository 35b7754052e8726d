from pcaspy.native._cpp.snapshot cimport TimeStamp


cdef extern from "pv/clock.hpp" namespace "pcas" nogil:
    TimeStamp now() noexcept
