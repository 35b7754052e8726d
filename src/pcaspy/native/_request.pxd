cimport cython

from pcaspy.native._cpp.request cimport EngineRequest, RequestPtr


@cython.final
cdef class Request:
    cdef RequestPtr request

    cdef EngineRequest* here(self) except NULL


cdef object wrapped(const RequestPtr& request)
