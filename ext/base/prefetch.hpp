// Asks the processor for memory that will be needed soon, without waiting for it.
#pragma once

#include <cstddef>

namespace pcas {

// `size` bytes from `at` on, which cross one border of cache lines at most.
inline void prefetch([[maybe_unused]] const void* at,
                     [[maybe_unused]] std::size_t size = 1) noexcept {
#ifdef __GNUC__
    __builtin_prefetch(at);
    __builtin_prefetch(static_cast<const char*>(at) + (size - 1));
#endif
}

}  // namespace pcas
