cdef extern from "client/callbacks.hpp" namespace "aioca" nogil:
    void install_exception_handler()
