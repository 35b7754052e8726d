from libc.stdint cimport int16_t, uint8_t, uint16_t, uint64_t
from libcpp.string cimport string
from libcpp.vector cimport vector

from pcaspy.native._cpp.errors cimport translate_exception
from pcaspy.native._cpp.types cimport DbfType


cdef extern from "dbr/metadata.hpp" namespace "pcas" nogil:
    cdef cppclass ColumnInfo:
        string name
        string label
        DbfType type

    cdef enum class DisplayForm "pcas::DisplayForm":
        Default, String, Binary, Decimal, Hex, Exponential, Engineering

    cdef cppclass ExactLimits:
        ExactLimits() noexcept
        uint64_t& operator[](size_t) noexcept

    cdef cppclass RecordDetails:
        double adel
        double mdel
        double hyst
        double scan_period
        double silent_limits[4]
        vector[uint16_t] state_severities

    cdef cppclass Metadata:
        Metadata() except +translate_exception
        string units
        string description
        string alarm_message
        void set_exact(const ExactLimits& limits) except +translate_exception
        DisplayForm form
        uint8_t limit_severities[4]
        int16_t precision
        int16_t string_precision
        double upper_disp
        double lower_disp
        double upper_alarm
        double upper_warning
        double lower_warning
        double lower_alarm
        double upper_ctrl
        double lower_ctrl
        vector[ColumnInfo] columns
        vector[string] states
        void set_details(const RecordDetails&) except +translate_exception

    cdef cppclass MetadataPtr:
        MetadataPtr() noexcept
        MetadataPtr(Metadata*) noexcept
        const Metadata* get() noexcept
