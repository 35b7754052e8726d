from libcpp cimport bool as cbool

cdef extern from "<chrono>" namespace "std::chrono" nogil:
    cdef cppclass milliseconds:
        milliseconds(long long)


cdef extern from "client/waker.hpp" namespace "aioca" nogil:
    cdef cppclass Waker:
        int descriptor()
        cbool wait()
        void wait_at_most(milliseconds)
        void stop()
        void close()
