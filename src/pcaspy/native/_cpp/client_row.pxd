from libc.stdint cimport uint64_t
from libcpp cimport bool
from libcpp.string cimport string
from libcpp.vector cimport vector

from pcaspy.native._cpp.request cimport ClientPtr
from pcaspy.native._cpp.snapshot cimport TimeStamp


cdef extern from "pv/client_row.hpp" namespace "pcas" nogil:
    cdef cppclass ClientRow:
        uint64_t number
        ClientPtr client
        size_t channels
        size_t subscriptions
        TimeStamp since
        size_t held
        size_t waiting
        uint64_t sent
        uint64_t received
        bool counts_bytes

    cdef cppclass ChannelRow:
        string pv
        size_t subscriptions
        bool readable
        bool writable

    cdef cppclass ChannelRows:
        bool found
        size_t total
        vector[ChannelRow] rows
