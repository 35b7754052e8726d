from libc.stdint cimport uint16_t
from libcpp.vector cimport vector

from pcaspy.native._cpp.snapshot cimport AlarmState, Snapshot


cdef extern from "dbr/alarm_limits.hpp" namespace "pcas" nogil:
    cdef cppclass AlarmLimits:
        double lolo
        double low
        double high
        double hihi
        vector[uint16_t] states

    AlarmState check_alarm(const AlarmLimits&, const Snapshot&) noexcept
