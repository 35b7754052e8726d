cimport cython
from libcpp cimport bool as cbool
from libcpp.deque cimport deque
from libcpp.memory cimport shared_ptr, unique_ptr

from pcaspy.native._cpp.bell cimport Waker
from pcaspy.native._cpp.field_source cimport FieldSource
from pcaspy.native._cpp.request cimport RequestPtr
from pcaspy.native._cpp.server cimport EngineServer
from pcaspy.native._data cimport Data
from pcaspy.native._handle cimport Claimant
from pcaspy.native._timing cimport Timing


cdef class Server(Claimant):
    cdef unique_ptr[EngineServer] server
    cdef FieldSource* fields         # of the server; NULL: PVs have none
    cdef deque[RequestPtr] left      # taken, not yet handled
    cdef size_t take                 # how many to take at a time
    cdef readonly list warnings      # what was wrong with the environment
    cdef readonly list interfaces    # the addresses that it is bound to; empty: all
    cdef object bell                 # the Bell that hangs, or None
    cdef readonly Timing timing      # how long its requests take

    cdef int end_of_batch(self, Data data) except -1
    cdef void adapt(self, size_t taken, double seconds) noexcept
    cdef handle_all(self, dispatcher)


@cython.final
cdef class Bell:
    cdef Server server
    cdef shared_ptr[Waker] waker
