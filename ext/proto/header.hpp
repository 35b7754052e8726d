// The message header of Channel Access, 16 or 24 bytes, in both directions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace pcas {

inline constexpr std::size_t kHeaderSize = 16;
inline constexpr std::size_t kExtendedHeaderSize = 24;
inline constexpr std::uint16_t kMinorVersion = 13;
inline constexpr std::uint32_t kNoCid = 0xffffffffu;

struct Header {
    std::uint16_t command = 0;
    std::uint16_t type = 0;
    std::uint32_t payload_size = 0;
    std::uint32_t count = 0;
    std::uint32_t p1 = 0;
    std::uint32_t p2 = 0;
    bool extended = false;

    std::size_t size() const noexcept {
        return extended ? kExtendedHeaderSize : kHeaderSize;
    }
};

// Reads a header; false if `bytes` ends before it does. With `allow_extended` false
// (UDP) a size of 0xffff is taken as it stands.
bool read_header(std::span<const std::byte> bytes, Header& header,
                 bool allow_extended) noexcept;

// Bytes that write_header() will use: 24 if the payload or the count needs it.
constexpr std::size_t header_size(std::uint64_t payload_size,
                                  std::uint64_t count) noexcept {
    return payload_size >= 0xffff || count >= 0xffff ? kExtendedHeaderSize
                                                     : kHeaderSize;
}

// Writes the header in network order and returns its size. `out` has room for 24 bytes.
std::size_t write_header(std::byte* out, const Header& header) noexcept;

}  // namespace pcas
