from libc.stdint cimport uint16_t, uint32_t
from libcpp cimport bool as cbool


cdef extern from "dbr/types.hpp" namespace "pcas" nogil:
    cdef enum class DbfType "pcas::DbfType":
        String
        Short
        Float
        Enum
        Char
        Long
        Double
        Int8
        UInt8
        UInt16
        UInt32
        Int64
        UInt64
        Bool
        Structure

    cbool has_states(DbfType type) noexcept
    ctypedef uint32_t EcaStatus

    cdef cppclass DbrType:
        pass

    uint16_t raw(DbrType type) noexcept
    cbool needs_metadata(DbrType type) noexcept
    cbool is_acknowledgement(DbrType type) noexcept
    DbrType kDbrPutAckt

    uint32_t kMaxCount


cdef extern from "epicsTime.h" nogil:
    uint32_t POSIX_TIME_AT_EPICS_EPOCH "POSIX_TIME_AT_EPICS_EPOCH"


cdef extern from "caerr.h" nogil:
    EcaStatus ECA_NORMAL
    EcaStatus ECA_GETFAIL
    EcaStatus ECA_PUTFAIL
