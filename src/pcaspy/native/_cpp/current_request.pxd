from pcaspy.native._cpp.request cimport EngineRequest


cdef extern from "pv/current_request.hpp" namespace "pcas" nogil:
    const EngineRequest* current_request() noexcept
    const EngineRequest* swap_current_request(const EngineRequest*) noexcept
