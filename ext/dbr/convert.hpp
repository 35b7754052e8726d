// Conversions between the element types, as EPICS' IOC does them. One of the two is a
// type of the wire, or both are the same.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>

#include "dbr/types.hpp"

namespace pcas {

// What a conversion has to know about the PV.
struct ConvertRules {
    std::span<const std::string> states;  // where has_states(), else empty
    std::int16_t precision = 4;           // decimals of a float or double as text
};

// Converts `n` elements in host order; false, with `target` partly written, if one of
// them has no counterpart: text that is no number or state, or types of which neither
// is the wire's. A number that is no state's index is stored as it is; of a Bool, any
// but 0 is true.
//
// Strings are slots of 40 bytes with a NUL; written slots are zeroed to their end.
// Floats beyond an integer's range are clamped (NaN is 0), wider integers wrap. A float
// takes a double out of its range as its largest or smallest value. An enum's text is
// its state, or its index where there is none.
bool convert_elements(DbfType from, const std::byte* source, DbfType to,
                      std::byte* target, std::size_t n,
                      const ConvertRules& rules) noexcept;

// libCom's epicsConvertDoubleToFloat, inline: finite overflow and underflow become the
// largest and smallest normal float.
float to_float(double value) noexcept;

// A double as the integer type Int, truncated and clamped; NaN is 0.
template <class Int>
Int clamp_to(double value) noexcept {
    using Limits = std::numeric_limits<Int>;
    constexpr auto kLow = static_cast<double>(Limits::min());
    constexpr auto kHigh = static_cast<double>(Limits::max());
    if (value != value) return 0;
    if constexpr (sizeof(Int) == sizeof(double)) {
        // As a double the largest is one more than there is.
        if (value >= kHigh) return Limits::max();
        return static_cast<Int>(std::max(value, kLow));
    } else {
        return static_cast<Int>(std::clamp(value, kLow, kHigh));
    }
}

}  // namespace pcas
