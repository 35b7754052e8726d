#include "dbr/convert.hpp"

#include <cvtFast.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "dbr/parse.hpp"

namespace pcas {

namespace {

template <DbfType Type>
struct Element;
template <>
struct Element<DbfType::Short> {
    using type = std::int16_t;
};
template <>
struct Element<DbfType::Float> {
    using type = float;
};
template <>
struct Element<DbfType::Enum> {
    using type = std::uint16_t;
};
template <>
struct Element<DbfType::Char> {
    using type = std::uint8_t;
};
template <>
struct Element<DbfType::Long> {
    using type = std::int32_t;
};
template <>
struct Element<DbfType::Double> {
    using type = double;
};
template <DbfType Type>
using ElementOf = typename Element<Type>::type;

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

template <class To, class From>
To convert_number(From value) noexcept {
    if constexpr (std::is_same_v<To, float> && std::is_same_v<From, double>) {
        return to_float(value);
    } else if constexpr (std::is_floating_point_v<From> &&
                         std::is_same_v<To, std::uint16_t>) {
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

template <class To, class From>
void convert_numbers(const std::byte* source, std::byte* target,
                     std::size_t n) noexcept {
    for (std::size_t i = 0; i < n; ++i) {
        const To value = convert_number<To>(load<From>(source + i * sizeof(From)));
        std::memcpy(target + i * sizeof(To), &value, sizeof value);
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

void write_text(std::int32_t value, char* slot, const ConvertRules&) noexcept {
    cvtInt32ToString(value, slot);
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
        if constexpr (From == DbfType::Enum) {
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
bool convert_from_text(const std::byte* source, std::byte* target, std::size_t n,
                       const ConvertRules& rules) noexcept {
    for (std::size_t i = 0; i < n; ++i) {
        const char* text = reinterpret_cast<const char*>(source + i * kStringSize);
        ElementOf<To> value;
        if constexpr (To == DbfType::Enum) {
            if (!parse_state(text, value, rules.states)) return false;
        } else {
            if (!parse_number(text, value)) return false;
        }
        std::memcpy(target + i * sizeof value, &value, sizeof value);
    }
    return true;
}

// --- the table

template <DbfType From>
bool convert_from(const std::byte* source, DbfType to, std::byte* target, std::size_t n,
                  const ConvertRules& rules) noexcept {
    using Value = ElementOf<From>;
    switch (to) {
        case DbfType::String:
            convert_to_text<From>(source, target, n, rules);
            return true;
        case DbfType::Short:
            convert_numbers<std::int16_t, Value>(source, target, n);
            return true;
        case DbfType::Float:
            convert_numbers<float, Value>(source, target, n);
            return true;
        case DbfType::Enum:
            convert_numbers<std::uint16_t, Value>(source, target, n);
            return true;
        case DbfType::Char:
            convert_numbers<std::uint8_t, Value>(source, target, n);
            return true;
        case DbfType::Long:
            convert_numbers<std::int32_t, Value>(source, target, n);
            return true;
        case DbfType::Double:
            convert_numbers<double, Value>(source, target, n);
            return true;
    }
    return false;
}

bool convert_strings(const std::byte* source, DbfType to, std::byte* target,
                     std::size_t n, const ConvertRules& rules) noexcept {
    switch (to) {
        case DbfType::String:
            std::memcpy(target, source, n * kStringSize);
            return true;
        case DbfType::Short:
            return convert_from_text<DbfType::Short>(source, target, n, rules);
        case DbfType::Float:
            return convert_from_text<DbfType::Float>(source, target, n, rules);
        case DbfType::Enum:
            return convert_from_text<DbfType::Enum>(source, target, n, rules);
        case DbfType::Char:
            return convert_from_text<DbfType::Char>(source, target, n, rules);
        case DbfType::Long:
            return convert_from_text<DbfType::Long>(source, target, n, rules);
        case DbfType::Double:
            return convert_from_text<DbfType::Double>(source, target, n, rules);
    }
    return false;
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

template <class Int>
Int clamp_to(double value) noexcept {
    constexpr double kLow = std::numeric_limits<Int>::min();
    constexpr double kHigh = std::numeric_limits<Int>::max();
    if (value != value) return 0;
    return static_cast<Int>(std::clamp(value, kLow, kHigh));
}

template std::uint8_t clamp_to(double) noexcept;
template std::int16_t clamp_to(double) noexcept;
template std::uint16_t clamp_to(double) noexcept;
template std::int32_t clamp_to(double) noexcept;

bool convert_elements(DbfType from, const std::byte* source, DbfType to,
                      std::byte* target, std::size_t n,
                      const ConvertRules& rules) noexcept {
    if (n == 0) return true;  // the pointers may be null then
    switch (from) {
        case DbfType::String:
            return convert_strings(source, to, target, n, rules);
        case DbfType::Short:
            return convert_from<DbfType::Short>(source, to, target, n, rules);
        case DbfType::Float:
            return convert_from<DbfType::Float>(source, to, target, n, rules);
        case DbfType::Enum:
            return convert_from<DbfType::Enum>(source, to, target, n, rules);
        case DbfType::Char:
            return convert_from<DbfType::Char>(source, to, target, n, rules);
        case DbfType::Long:
            return convert_from<DbfType::Long>(source, to, target, n, rules);
        case DbfType::Double:
            return convert_from<DbfType::Double>(source, to, target, n, rules);
    }
    return false;
}

}  // namespace pcas
