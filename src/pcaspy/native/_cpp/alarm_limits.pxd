from libc.stdint cimport uint16_t
from libcpp cimport bool
from libcpp.vector cimport vector

from pcaspy.native._cpp.snapshot cimport AlarmState, Snapshot


cdef extern from "dbr/alarm_limits.hpp" namespace "pcas" nogil:
    cdef enum class Limit "pcas::Limit":
        Hihi, Lolo, High, Low

    cdef cppclass AlarmLimits:
        double at[4]
        uint16_t severity[4]
        double hysteresis
        double delay
        vector[uint16_t] states
        bool look_back() noexcept

    cdef cppclass AlarmHistory:
        AlarmHistory() noexcept
        AlarmHistory(const AlarmLimits&, AlarmState) noexcept
        AlarmState check(const AlarmLimits&, const Snapshot&, double now) noexcept
        double due() noexcept

    AlarmState check_alarm(const AlarmLimits&, const Snapshot&) noexcept
