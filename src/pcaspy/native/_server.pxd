from libcpp cimport bool as cbool
from libcpp.deque cimport deque
from libcpp.memory cimport unique_ptr

from pcaspy.native._cpp.request cimport RequestPtr
from pcaspy.native._cpp.server cimport EngineServer
from pcaspy.native._handle cimport Claimant


cdef class Server(Claimant):
    cdef unique_ptr[EngineServer] server
    cdef deque[RequestPtr] left      # taken, not yet handled
    cdef size_t take                 # how many to take at a time
    cdef readonly list warnings      # what was wrong with the environment
    cdef readonly list interfaces    # the addresses that it is bound to; empty: all

    cdef void adapt(self, size_t taken, double seconds) noexcept
    cdef handle_all(self, dispatcher)
