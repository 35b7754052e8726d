from libcpp cimport bool as cbool


cdef extern from "client/waker.hpp" namespace "aioca" nogil:
    cdef cppclass Waker:
        int descriptor()
        cbool wait()
        void stop()
        void close()
