// A value that is more than one array: a table, or an image. Only PVAccess has such;
// the one element of a snapshot of type Structure refers to it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/ref.hpp"
#include "dbr/snapshot.hpp"

namespace pcas {

// Of an image: ND_ARRAY_MAX_DIMS of areaDetector.
inline constexpr std::uint32_t kMaxDimensions = 10;

// Texts of any length.
using Texts = std::vector<std::string>;

// One of both.
struct Column {
    SnapshotPtr numbers;  // its elements: no stamp, no metadata
    std::shared_ptr<const Texts> texts;

    std::size_t count() const noexcept {
        return texts ? texts->size() : numbers ? numbers->count() : 0;
    }
    // Of memory.
    std::size_t size_bytes() const noexcept;
};

// Immutable once published.
struct Structure : RefCounted {
    // A table's in the order of its metadata, all of the same count; an image's pixels.
    std::vector<Column> columns;
    // An image's, the one that changes fastest first.
    std::vector<std::uint32_t> dimensions;
    std::int32_t number = 0;  // of the image among those of its PV

    std::size_t size_bytes() const noexcept;
    static void destroy(const Structure* s) noexcept { delete s; }
};

// The elements that all dimensions make; more than fit into 64 bits are the most there
// can be.
PCAS_API std::uint64_t elements_of(
    const std::vector<std::uint32_t>& dimensions) noexcept;

}  // namespace pcas
