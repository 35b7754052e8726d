from libc.stdint cimport int64_t


cdef extern from "base/instances.hpp" namespace "pcas" nogil:
    cdef enum class Counted "pcas::Counted":
        kCount

    cdef cppclass Counter "std::atomic<std::int64_t>":
        int64_t load() noexcept

    Counter& instance_counter(Counted kind) noexcept
    const char* instance_name(Counted kind) noexcept
