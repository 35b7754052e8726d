// Hashes for tables whose keys a client chooses: with a key of this process that no
// client knows, it cannot choose ids or names that all fall into one bucket.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/export.hpp"

namespace pcas {

struct HashKey {
    std::uint64_t a, b;
    static HashKey draw() noexcept;  // at random
};

// Drawn when the library is loaded. Tables with it are the library's own: others that
// hash with it cannot be linked.
extern const HashKey kHashKey;

// SipHash-1-3.
std::uint64_t sip_hash(std::string_view text, const HashKey& key) noexcept;

struct KeyedHash {
    std::size_t operator()(std::uint64_t id) const noexcept {
        // An odd factor keeps ids apart; the shift brings the high bits, which depend
        // on all of the id, to where a table looks.
        std::uint64_t x = (id + kHashKey.a) * (kHashKey.b | 1);
        x ^= x >> 32;
        return static_cast<std::size_t>(x * (kHashKey.a | 1));
    }
    std::size_t operator()(std::string_view text) const noexcept {
        return static_cast<std::size_t>(sip_hash(text, kHashKey));
    }
};

// The hash of a text, for tables outside of the library.
PCAS_API std::uint64_t keyed_hash(std::string_view text) noexcept;

struct KeyedTextHash {
    std::size_t operator()(std::string_view text) const noexcept {
        return static_cast<std::size_t>(keyed_hash(text));
    }
};

}  // namespace pcas
