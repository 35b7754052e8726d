from libcpp cimport bool
from libcpp.memory cimport shared_ptr

from pcaspy.native._cpp.errors cimport translate_exception
from pcaspy.native._cpp.request_queue cimport RequestQueue


cdef extern from "net/waker.hpp" namespace "pcas" nogil:
    ctypedef int SOCKET

    cdef cppclass Waker:
        Waker() except +translate_exception
        SOCKET fd() noexcept
        void wake() noexcept
        void on_io(bool readable, bool writable) except +translate_exception


cdef extern from "pcaspy/native/bell.hpp" namespace "pcas::py" nogil:
    void hang_bell(
        RequestQueue&, shared_ptr[Waker]) except +translate_exception
    void take_bell_down(RequestQueue&) except +translate_exception
