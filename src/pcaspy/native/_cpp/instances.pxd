from libc.stdint cimport int64_t


cdef extern from "base/instances.hpp" namespace "pcas" nogil:
    cdef enum class Counted "pcas::Counted":
        kCount

    int64_t living(Counted kind) noexcept
    const char* instance_name(Counted kind) noexcept
