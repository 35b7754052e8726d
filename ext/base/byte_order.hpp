// Big endian integers and floats in unaligned memory, one at a time.
// Whole arrays are converted in dbr/, where the loops vectorise.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace pcas {

inline std::uint16_t swap_bytes(std::uint16_t v) noexcept {
    return static_cast<std::uint16_t>((v >> 8) | (v << 8));
}
inline std::uint32_t swap_bytes(std::uint32_t v) noexcept {
    return (v >> 24) | ((v >> 8) & 0x0000ff00u) | ((v << 8) & 0x00ff0000u) | (v << 24);
}
inline std::uint64_t swap_bytes(std::uint64_t v) noexcept {
    return (static_cast<std::uint64_t>(swap_bytes(static_cast<std::uint32_t>(v)))
            << 32) |
           swap_bytes(static_cast<std::uint32_t>(v >> 32));
}

template <class UInt>
inline UInt load_be(const std::byte* from) noexcept {
    UInt v;
    std::memcpy(&v, from, sizeof v);
    if constexpr (std::endian::native == std::endian::little) v = swap_bytes(v);
    return v;
}

template <class UInt>
inline void store_be(std::byte* to, UInt v) noexcept {
    if constexpr (std::endian::native == std::endian::little) v = swap_bytes(v);
    std::memcpy(to, &v, sizeof v);
}

inline std::uint16_t load_be16(const std::byte* p) noexcept {
    return load_be<std::uint16_t>(p);
}
inline std::uint32_t load_be32(const std::byte* p) noexcept {
    return load_be<std::uint32_t>(p);
}
inline void store_be16(std::byte* p, std::uint16_t v) noexcept { store_be(p, v); }
inline void store_be32(std::byte* p, std::uint32_t v) noexcept { store_be(p, v); }

}  // namespace pcas
