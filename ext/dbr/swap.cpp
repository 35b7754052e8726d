#include "dbr/swap.hpp"

#include <cstring>

#include "base/byte_order.hpp"

// The baseline of x86-64 has no byte shuffle, so its loops reverse one element at a
// time (12 GB/s of doubles in the cache); with AVX2 they run at three times that. The
// loader chooses once. Sanitizers instrument the chooser before they are initialised.
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && \
    !defined(__clang__) && !defined(__SANITIZE_THREAD__) &&           \
    !defined(__SANITIZE_ADDRESS__)
#define PCAS_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define PCAS_CLONES
#endif

#if defined(_MSC_VER)
#define PCAS_RESTRICT __restrict
#else
#define PCAS_RESTRICT __restrict__
#endif

namespace pcas {

namespace {

PCAS_CLONES
void copy_swapped_16(std::byte* PCAS_RESTRICT to, const std::byte* PCAS_RESTRICT from,
                     std::size_t n) noexcept {
    for (std::size_t i = 0; i < n; ++i) {
        std::uint16_t v;
        std::memcpy(&v, from + 2 * i, sizeof v);
        store_be(to + 2 * i, v);
    }
}

PCAS_CLONES
void copy_swapped_32(std::byte* PCAS_RESTRICT to, const std::byte* PCAS_RESTRICT from,
                     std::size_t n) noexcept {
    for (std::size_t i = 0; i < n; ++i) {
        std::uint32_t v;
        std::memcpy(&v, from + 4 * i, sizeof v);
        store_be(to + 4 * i, v);
    }
}

PCAS_CLONES
void copy_swapped_64(std::byte* PCAS_RESTRICT to, const std::byte* PCAS_RESTRICT from,
                     std::size_t n) noexcept {
    for (std::size_t i = 0; i < n; ++i) {
        std::uint64_t v;
        std::memcpy(&v, from + 8 * i, sizeof v);
        store_be(to + 8 * i, v);
    }
}

}  // namespace

void copy_swapped(std::byte* to, const std::byte* from, std::size_t n,
                  std::size_t size) noexcept {
    switch (size) {
        case 2:
            return copy_swapped_16(to, from, n);
        case 4:
            return copy_swapped_32(to, from, n);
        case 8:
            return copy_swapped_64(to, from, n);
        default:
            if (n) std::memcpy(to, from, n * size);
    }
}

}  // namespace pcas
