from libc.stdint cimport int64_t
from libcpp.vector cimport vector

from pcaspy.native._cpp.errors cimport translate_exception
from pcaspy.native._cpp.request cimport RequestPtr


cdef extern from "<chrono>" namespace "std::chrono" nogil:
    cdef cppclass nanoseconds:
        nanoseconds(int64_t) noexcept


cdef extern from "pv/request_queue.hpp" namespace "pcas" nogil:
    cdef cppclass RequestQueue:
        vector[RequestPtr] take(
            size_t, nanoseconds) except +translate_exception
        void interrupt() except +translate_exception
        size_t size() except +translate_exception

    cdef cppclass CompletionQueue:
        void flush() except +translate_exception
