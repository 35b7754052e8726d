// Arrays between host order and the wire's big endian.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pcas {

// Copies `n` elements of `size` bytes and reverses the bytes of each where the host is
// little endian. `size` 2, 4 or 8 is swapped, any other copied as it is. The two must
// not overlap and need no alignment.
void copy_swapped(std::byte* to, const std::byte* from, std::size_t n,
                  std::size_t size) noexcept;

}  // namespace pcas
