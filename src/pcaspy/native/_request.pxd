cimport cython

from pcaspy.native._cpp.field_source cimport FieldOf
from pcaspy.native._cpp.pv cimport PvPtr
from pcaspy.native._cpp.request cimport ClientPtr, EngineRequest, RequestPtr
from pcaspy.native._cpp.snapshot cimport SnapshotPtr


@cython.final
cdef class Request:
    cdef RequestPtr request

    cdef EngineRequest* here(self) except NULL
    cdef int attach(self, const PvPtr& pv) except -1
    cdef FieldOf* field_put(self) except NULL
    cdef SnapshotPtr seen(self, const SnapshotPtr& made) except *


cdef object identity(const ClientPtr& client)
cdef object wrapped(const RequestPtr& request)
