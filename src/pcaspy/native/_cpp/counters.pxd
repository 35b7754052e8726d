cdef extern from "server/counters.hpp" namespace "pcas" nogil:
    cdef enum class CounterKind "pcas::CounterKind":
        NOW
        EVER
        TROUBLE

    cdef cppclass CounterInfo:
        const char* name
        CounterKind kind
        const char* meaning

    cdef cppclass CounterTable "std::span<const pcas::CounterInfo>":
        size_t size() noexcept
        const CounterInfo& operator[](size_t) noexcept

    CounterTable counter_table() noexcept
