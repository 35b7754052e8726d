// Wire -> Snapshot: what a write carries, as the PV stores it.
#include <caerr.h>

#include <algorithm>
#include <cstring>

#include "base/byte_order.hpp"
#include "dbr/codec.hpp"
#include "dbr/convert.hpp"
#include "dbr/swap.hpp"

namespace pcas {

namespace {

constexpr std::size_t kBlock = 512;

Decoded fail(EcaStatus status) noexcept { return {status, nullptr}; }

// One slot from at most 40 bytes of the wire: ends at its first NUL or after 39 bytes.
void take_slot(std::byte* slot, std::span<const std::byte> text) noexcept {
    const std::size_t most = std::min(text.size(), kStringSize - 1);
    const void* nul = std::memchr(text.data(), 0, most);
    const std::size_t length =
        nul ? static_cast<std::size_t>(static_cast<const std::byte*>(nul) - text.data())
            : most;
    std::memcpy(slot, text.data(), length);
    std::memset(slot + length, 0, kStringSize - length);
}

// The part of the payload that belongs to string `i`.
std::span<const std::byte> wire_slot(std::span<const std::byte> payload,
                                     std::size_t i) noexcept {
    const auto rest = payload.subspan(i * kStringSize);
    return rest.first(std::min(rest.size(), kStringSize));
}

template <class UInt>
inline void take_one(std::byte* element, const std::byte* wire) noexcept {
    const UInt bits = load_be<UInt>(wire);
    std::memcpy(element, &bits, sizeof bits);
}

inline void take_numbers(std::byte* to, const std::byte* wire, std::size_t n,
                         std::size_t size) noexcept {
    if (n != 1) return copy_swapped(to, wire, n, size);
    switch (size) {
        case 8:
            return take_one<std::uint64_t>(to, wire);
        case 4:
            return take_one<std::uint32_t>(to, wire);
        case 2:
            return take_one<std::uint16_t>(to, wire);
        default:
            *to = *wire;
    }
}

bool take_strings(Snapshot& made, std::span<const std::byte> payload,
                  const ConvertRules& rules) noexcept {
    const std::size_t to_size = element_size(made.type());
    for (std::size_t i = 0; i < made.count(); ++i) {
        std::byte* element = made.mutable_data() + i * to_size;
        if (made.type() == DbfType::String) {
            take_slot(element, wire_slot(payload, i));
            continue;
        }
        std::byte slot[kStringSize];
        take_slot(slot, wire_slot(payload, i));
        if (!convert_elements(DbfType::String, slot, made.type(), element, 1, rules)) {
            return false;
        }
    }
    return true;
}

bool take_converted(Snapshot& made, DbfType from, const std::byte* wire,
                    const ConvertRules& rules) noexcept {
    const std::size_t from_size = element_size(from);
    const std::size_t to_size = element_size(made.type());
    std::byte* to = made.mutable_data();
    alignas(8) std::byte block[kBlock];
    for (std::size_t left = made.count(); left > 0;) {
        const std::size_t part = std::min(left, kBlock / from_size);
        take_numbers(block, wire, part, from_size);
        if (!convert_elements(from, block, made.type(), to, part, rules)) return false;
        wire += part * from_size;
        to += part * to_size;
        left -= part;
    }
    return true;
}

// A string for an array of CHAR: its characters and, where there is room, the NUL that
// ends a long string.
Decoded decode_text(std::span<const std::byte> payload,
                    std::uint32_t max_count) noexcept {
    std::byte slot[kStringSize];
    take_slot(slot, wire_slot(payload, 0));
    const std::size_t length = std::strlen(reinterpret_cast<const char*>(slot));
    if (length > max_count) return fail(ECA_BADCOUNT);
    const std::size_t count = std::min<std::size_t>(length + 1, max_count);
    Ref<Snapshot> made =
        Snapshot::create_unfilled(DbfType::Char, static_cast<std::uint32_t>(count));
    if (!made) return fail(ECA_ALLOCMEM);
    std::memcpy(made->mutable_data(), slot, count);
    return {ECA_NORMAL, std::move(made)};
}

// What most writes are: one number as the PV stores it.
template <class UInt>
inline Decoded decode_scalar(DbfType type, const std::byte* wire) noexcept {
    Ref<Snapshot> made = Snapshot::create_unfilled(type, 1);
    if (!made) return fail(ECA_ALLOCMEM);
    take_one<UInt>(made->mutable_data(), wire);
    return {ECA_NORMAL, std::move(made)};
}

bool count_allowed(std::uint32_t count, std::uint32_t max_count) noexcept {
    return count <= max_count && (count > 0 || max_count != 1);
}

// A client sends of a single string only what it uses.
bool payload_suffices(DbfType from, std::uint32_t count, std::size_t size) noexcept {
    if (from == DbfType::String && count == 1) return size > 0;
    return size >= std::uint64_t{count} * element_size(from);
}

// Not inlined, or the short path would save registers for the long one.
[[gnu::noinline]] Decoded decode_any(DbfType from, std::uint32_t count,
                                     std::span<const std::byte> payload,
                                     const DecodeTarget& target) noexcept {
    if (!count_allowed(count, target.max_count) ||
        !payload_suffices(from, count, payload.size())) {
        return fail(ECA_BADCOUNT);
    }
    if (from == DbfType::String && target.type == DbfType::Char && count == 1 &&
        target.max_count > 1) {
        return decode_text(payload, target.max_count);
    }
    Ref<Snapshot> made = Snapshot::create_unfilled(target.type, count);
    if (!made) return fail(ECA_ALLOCMEM);
    if (from == target.type && from != DbfType::String) {
        take_numbers(made->mutable_data(), payload.data(), count, element_size(from));
        return {ECA_NORMAL, std::move(made)};
    }
    ConvertRules rules{{}, target.metadata->string_precision};
    if (has_states(target.type)) rules.states = target.metadata->states;
    const bool taken = from == DbfType::String
                           ? take_strings(*made, payload, rules)
                           : take_converted(*made, from, payload.data(), rules);
    if (!taken) return fail(ECA_PUTFAIL);
    return {ECA_NORMAL, std::move(made)};
}

}  // namespace

Decoded decode(DbrType type, std::uint32_t count, std::span<const std::byte> payload,
               const DecodeTarget& target) noexcept {
    if (raw(type) >= kDbfTypes) return fail(ECA_BADTYPE);
    const auto from = static_cast<DbfType>(raw(type));
    // A payload is padded to 8 bytes, so that it holds any one number.
    if (count == 1 && from == target.type && payload.size() >= 8) {
        if (from == DbfType::Double) {
            return decode_scalar<std::uint64_t>(from, payload.data());
        }
        if (from == DbfType::Long || from == DbfType::Float) {
            return decode_scalar<std::uint32_t>(from, payload.data());
        }
    }
    return decode_any(from, count, payload, target);
}

}  // namespace pcas
