from libc.stdint cimport uint32_t

from pcaspy.native._cpp.metadata cimport Metadata
from pcaspy.native._cpp.types cimport DbfType


cdef extern from "dbr/codec.hpp" namespace "pcas" nogil:
    cdef cppclass DecodeTarget:
        DbfType type
        uint32_t max_count
        const Metadata* metadata
