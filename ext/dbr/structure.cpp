#include "dbr/structure.hpp"

#include <limits>

namespace pcas {

std::size_t Column::size_bytes() const noexcept {
    if (!texts) return numbers ? numbers->size_bytes() : 0;
    std::size_t bytes = 0;
    for (const std::string& text : *texts)
        bytes += sizeof(Texts::value_type) + text.size();
    return bytes;
}

std::size_t Structure::size_bytes() const noexcept {
    std::size_t bytes = sizeof *this;
    for (const Column& column : columns) bytes += column.size_bytes();
    return bytes;
}

std::uint64_t elements_of(const std::vector<std::uint32_t>& dimensions) noexcept {
    constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t elements = dimensions.empty() ? 0 : 1;
    for (const std::uint32_t size : dimensions) {
        if (size == 0) return 0;
        if (elements > kMost / size) return kMost;
        elements *= size;
    }
    return elements;
}

}  // namespace pcas
