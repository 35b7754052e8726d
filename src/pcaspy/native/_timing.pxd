cimport cython
from libc.stdint cimport uint64_t

from pcaspy.native._cpp.request cimport EngineRequest


# What a thread is at in `Server.process`. It is on its stack, and the GIL guards it.
cdef struct Turn:
    const EngineRequest* request    # that is handled; NULL for none
    double since                     # in seconds of a steady clock
    uint64_t number                  # of the request, while they are timed
    unsigned long thread
    Turn* outer                      # of another thread, or of one that it was begun in


@cython.final
cdef class Timing:
    cdef readonly bint on
    cdef readonly double longest     # in seconds
    cdef public object slow          # called for each slow one, or None
    cdef Turn* turns
    cdef uint64_t last

    cdef void begin(self, Turn* turn) noexcept
    cdef void end(self, Turn* turn) noexcept
    cdef ended(self, Turn* turn)
