from libc.stdint cimport uint16_t, uint32_t


cdef extern from "dbr/types.hpp" namespace "pcas" nogil:
    cdef enum class DbfType "pcas::DbfType":
        String
        Short
        Float
        Enum
        Char
        Long
        Double

    ctypedef uint32_t EcaStatus

    cdef cppclass DbrType:
        pass

    uint16_t raw(DbrType type) noexcept


cdef extern from "caerr.h" nogil:
    EcaStatus ECA_NORMAL
    EcaStatus ECA_GETFAIL
    EcaStatus ECA_PUTFAIL
