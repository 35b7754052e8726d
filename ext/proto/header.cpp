#include "proto/header.hpp"

#include "base/byte_order.hpp"

namespace pcas {

bool read_header(std::span<const std::byte> bytes, Header& header,
                 bool allow_extended) noexcept {
    if (bytes.size() < kHeaderSize) return false;
    const std::byte* p = bytes.data();
    header.command = load_be16(p);
    header.payload_size = load_be16(p + 2);
    header.type = load_be16(p + 4);
    header.count = load_be16(p + 6);
    header.p1 = load_be32(p + 8);
    header.p2 = load_be32(p + 12);
    header.extended = false;
    if (!allow_extended || header.payload_size != 0xffff) return true;
    if (bytes.size() < kExtendedHeaderSize) return false;
    header.payload_size = load_be32(p + 16);
    header.count = load_be32(p + 20);
    header.extended = true;
    return true;
}

std::size_t write_header(std::byte* out, const Header& header) noexcept {
    store_be16(out, header.command);
    store_be16(out + 4, header.type);
    store_be32(out + 8, header.p1);
    store_be32(out + 12, header.p2);
    if (header_size(header.payload_size, header.count) == kHeaderSize) {
        store_be16(out + 2, static_cast<std::uint16_t>(header.payload_size));
        store_be16(out + 6, static_cast<std::uint16_t>(header.count));
        return kHeaderSize;
    }
    store_be16(out + 2, 0xffff);
    store_be16(out + 6, 0);
    store_be32(out + 16, header.payload_size);
    store_be32(out + 20, header.count);
    return kExtendedHeaderSize;
}

}  // namespace pcas
