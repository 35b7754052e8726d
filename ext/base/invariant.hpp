// What must always hold, checked where NDEBUG is not defined: in tests and in CI. The
// name assert is EPICS' own in files that include its headers.
#pragma once

#include <cstdio>
#include <cstdlib>

#ifdef NDEBUG
#define PCAS_INVARIANT(what) static_cast<void>(0)
#else
#define PCAS_INVARIANT(what)       \
    ((what) ? static_cast<void>(0) \
            : ::pcas::broken_invariant(#what, __FILE__, __LINE__))
#endif

namespace pcas {

[[noreturn]] inline void broken_invariant(const char* what, const char* file,
                                          int line) noexcept {
    std::fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
    std::abort();
}

}  // namespace pcas
