#include "dbr/convert.hpp"

#include <cvtFast.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "dbr/elements.hpp"
#include "dbr/parse.hpp"

namespace pcas {

namespace {

template <class T>
T load(const std::byte* from) noexcept {
    T value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

std::size_t usable_states(std::span<const std::string> states) noexcept {
    return std::min(states.size(), kMaxStates);
}

std::size_t state_length(const std::string& state) noexcept {
    return std::min(state.size(), kStateTextSize - 1);
}

// --- numbers to numbers

template <DbfType Type, class From>
ElementOf<Type> convert_number(From value) noexcept {
    using To = ElementOf<Type>;
    if constexpr (std::is_same_v<To, bool>) {
        return value != From{0};
    } else if constexpr (std::is_same_v<To, float> && std::is_same_v<From, double>) {
        return to_float(value);
    } else if constexpr (std::is_floating_point_v<From> && Type == DbfType::Enum) {
        // -1 is no state's index, and must not become the first: as integers do, it
        // wraps.
        if (value > -1 || value != value) return clamp_to<To>(value);
        return value > -65536 ? static_cast<To>(static_cast<std::int32_t>(value))
                              : To{0xffff};
    } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
        return clamp_to<To>(value);
    } else {
        return static_cast<To>(value);  // wrapping, where the integer is narrower
    }
}

template <DbfType To, DbfType From>
void convert_numbers(const std::byte* source, std::byte* target,
                     std::size_t n) noexcept {
    using Source = ElementOf<From>;
    using Target = ElementOf<To>;
    for (std::size_t i = 0; i < n; ++i) {
        const auto value = load<Source>(source + i * sizeof(Source));
        const Target converted = convert_number<To>(value);
        std::memcpy(target + i * sizeof(Target), &converted, sizeof converted);
    }
}

// --- numbers to text

void write_text(double value, char* slot, const ConvertRules& rules) noexcept {
    const auto precision = std::max<std::int16_t>(rules.precision, 0);
    cvtDoubleToString(value, slot, static_cast<epicsUInt16>(precision));
}

void write_text(float value, char* slot, const ConvertRules& rules) noexcept {
    const auto precision = std::max<std::int16_t>(rules.precision, 0);
    cvtFloatToString(value, slot, static_cast<epicsUInt16>(precision));
}

template <class Int>
void write_text(Int value, char* slot, const ConvertRules&) noexcept {
    if constexpr (std::is_same_v<Int, std::int64_t>) {
        cvtInt64ToString(value, slot);
    } else if constexpr (std::is_same_v<Int, std::uint64_t>) {
        cvtUInt64ToString(value, slot);
    } else if constexpr (std::is_same_v<Int, std::uint32_t>) {
        cvtUInt32ToString(value, slot);
    } else {
        cvtInt32ToString(value, slot);
    }
}

void write_state(std::uint16_t index, char* slot, const ConvertRules& rules) noexcept {
    if (index < usable_states(rules.states)) {
        const std::string& state = rules.states[index];
        // The slot was zeroed, and is longer. NOLINTNEXTLINE(bugprone-not-null-*)
        std::memcpy(slot, state.data(), state_length(state));
    } else {
        cvtInt32ToString(index, slot);
    }
}

template <DbfType From>
void convert_to_text(const std::byte* source, std::byte* target, std::size_t n,
                     const ConvertRules& rules) noexcept {
    using Value = ElementOf<From>;
    std::memset(target, 0, n * kStringSize);
    for (std::size_t i = 0; i < n; ++i) {
        const auto value = load<Value>(source + i * sizeof(Value));
        char* slot = reinterpret_cast<char*>(target + i * kStringSize);
        if constexpr (has_states(From)) {
            write_state(value, slot, rules);
        } else {
            write_text(value, slot, rules);
        }
    }
}

// --- text to numbers

bool parse_state(const char* text, std::uint16_t& index,
                 std::span<const std::string> states) noexcept {
    const std::size_t usable = usable_states(states);
    const std::size_t length = std::strlen(text);
    for (std::size_t i = 0; i < usable; ++i) {
        if (state_length(states[i]) == length &&
            std::memcmp(states[i].data(), text, length) == 0) {
            index = static_cast<std::uint16_t>(i);
            return true;
        }
    }
    return parse_index(text, index) && (states.empty() || index < usable);
}

template <DbfType To>
bool convert_text(const char* text, ElementOf<To>& value,
                  const ConvertRules& rules) noexcept {
    if constexpr (To == DbfType::Bool) {
        std::uint16_t index = 0;
        if (!parse_state(text, index, rules.states)) return false;
        value = index != 0;
        return true;
    } else if constexpr (To == DbfType::Enum) {
        return parse_state(text, value, rules.states);
    } else {
        return parse_number(text, value);
    }
}

template <DbfType To>
bool convert_from_text(const std::byte* source, std::byte* target, std::size_t n,
                       const ConvertRules& rules) noexcept {
    for (std::size_t i = 0; i < n; ++i) {
        const char* text = reinterpret_cast<const char*>(source + i * kStringSize);
        ElementOf<To> value;
        if (!convert_text<To>(text, value, rules)) return false;
        std::memcpy(target + i * sizeof value, &value, sizeof value);
    }
    return true;
}

// --- each pair

constexpr bool is_wire(DbfType type) noexcept { return wire_type(type) == type; }

template <DbfType From, DbfType To>
bool convert_pair(const std::byte* source, std::byte* target, std::size_t n,
                  const ConvertRules& rules) noexcept {
    if constexpr (From == To) {
        std::memcpy(target, source, n * element_size(To));
        return true;
    } else if constexpr (From == DbfType::String) {
        return convert_from_text<To>(source, target, n, rules);
    } else if constexpr (To == DbfType::String) {
        convert_to_text<From>(source, target, n, rules);
        return true;
    } else if constexpr (is_wire(From) || is_wire(To)) {
        convert_numbers<To, From>(source, target, n);
        return true;
    } else {
        return false;
    }
}

}  // namespace

float to_float(double value) noexcept {
    constexpr double kMax = std::numeric_limits<float>::max();
    constexpr double kMin = std::numeric_limits<float>::min();
    const double size = std::fabs(value);
    if (value == 0 || !(size <= std::numeric_limits<double>::max())) {
        return static_cast<float>(value);  // zeros, infinities and NaN stay
    }
    return static_cast<float>(std::copysign(std::clamp(size, kMin, kMax), value));
}

bool convert_elements(DbfType from, const std::byte* source, DbfType to,
                      std::byte* target, std::size_t n,
                      const ConvertRules& rules) noexcept {
    if (n == 0) return true;  // the pointers may be null then
    return visit_type(from, [&](auto from_tag) noexcept {
        return visit_type(to, [&](auto to_tag) noexcept {
            return convert_pair<from_tag.type, to_tag.type>(source, target, n, rules);
        });
    });
}

}  // namespace pcas
