from libc.stdint cimport int64_t

from pcaspy.native._cpp.errors cimport translate_exception


cdef extern from "<chrono>" namespace "std::chrono" nogil:
    cdef cppclass nanoseconds:
        nanoseconds(int64_t) noexcept


cdef extern from "pv/request_queue.hpp" namespace "pcas" nogil:
    cdef cppclass RequestQueue:
        void interrupt() except +translate_exception
        size_t size() except +translate_exception
