// What may follow the name of a field: `$`, `[start:increment:end]` and filters as
// JSON5, as an IOC takes them.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "dbr/view.hpp"

namespace pcas {

struct Modifiers {
    bool long_text = false;
    std::vector<Filter> filters;
};

// Longer ones are refused: a client pays for what it makes a server keep.
inline constexpr std::size_t kMostModifiers = 1024;
inline constexpr std::size_t kMostFilters = 16;

// Nothing if an IOC would refuse them.
std::optional<Modifiers> parse_modifiers(std::string_view text);

}  // namespace pcas
