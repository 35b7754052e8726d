from pcaspy._cpp.request cimport EngineRequest


cdef extern from "pcaspy/current_request.hpp" namespace "pcas::py" nogil:
    const EngineRequest* current_request() noexcept
    const EngineRequest* swap_current_request(const EngineRequest*) noexcept
