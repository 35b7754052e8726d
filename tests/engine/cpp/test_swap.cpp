// Arrays to and from network order, at every alignment and length around a vector's.
#include "dbr/swap.hpp"
#include "wire.hpp"

namespace {

wire::Bytes counting(std::size_t n) {
    wire::Bytes out(n);
    for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<std::byte>(i * 7 + 1);
    return out;
}

}  // namespace

TEST_CASE("swap: every length, alignment and element size") {
    constexpr bool kSwaps = std::endian::native == std::endian::little;
    for (const std::size_t size : {1u, 2u, 4u, 8u, 40u}) {
        NOTE("size", size);
        const bool reversed = kSwaps && size > 1 && size <= 8;
        for (std::size_t n = 0; n <= 70; ++n) {
            NOTE("n", n);
            for (std::size_t shift = 0; shift < 8; ++shift) {
                NOTE("shift", shift);
                const wire::Bytes from = counting(n * size + shift);
                wire::Bytes to(n * size + 16, std::byte{0xaa});
                wire::Bytes expected = to;
                for (std::size_t i = 0; i < n * size; ++i) {
                    const std::size_t start = i / size * size;
                    const std::size_t at =
                        reversed ? start + size - 1 - (i - start) : i;
                    expected[8 - shift + i] = from[shift + at];
                }
                pcas::copy_swapped(to.data() + 8 - shift, from.data() + shift, n, size);
                CHECK(wire::hex(to) == wire::hex(expected));
            }
        }
    }
}
