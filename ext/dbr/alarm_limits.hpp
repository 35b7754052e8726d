// Alarm limits and states of a PV's fields, checked against whole snapshots.
// The loops over arrays vectorise.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "dbr/elements.hpp"
#include "dbr/snapshot.hpp"

namespace pcas {

struct AlarmLimits {
    // A limit that does not exist is NaN: no comparison with it is true.
    double lolo = NAN, low = NAN, high = NAN, hihi = NAN;
    std::vector<std::uint16_t> states;  // severity of each enum state
    bool any() const noexcept {
        return lolo == lolo || low == low || high == high || hihi == hihi;
    }
};

template <class T>
AlarmState check_numbers(const AlarmLimits& limits,
                         std::span<const T> values) noexcept {
    unsigned lolo = 0, low = 0, high = 0, hihi = 0;
    for (const T element : values) {
        const double v = static_cast<double>(element);
        lolo |= v <= limits.lolo;
        low |= v <= limits.low;
        high |= v >= limits.high;
        hihi |= v >= limits.hihi;
    }
    if (lolo) return {5, 2};  // LOLO, MAJOR; statuses of alarm.h
    if (hihi) return {3, 2};  // HIHI, MAJOR
    if (low) return {6, 1};   // LOW, MINOR
    if (high) return {4, 1};  // HIGH, MINOR
    return {0, 0};
}

// An index without a state is a MAJOR state alarm.
template <class T>
AlarmState check_states(const AlarmLimits& limits, std::span<const T> values) noexcept {
    std::uint16_t worst = 0;
    for (const std::size_t index : values) {
        const std::uint16_t severity =
            index < limits.states.size() ? limits.states[index] : std::uint16_t{2};
        if (severity > worst) worst = severity;
    }
    if (worst == 0) return {0, 0};
    return {7, worst};  // STATE
}

inline AlarmState check_alarm(const AlarmLimits& limits, const Snapshot& s) noexcept {
    // As pcaspy: characters are text, whatever their limits.
    if (s.type() == DbfType::String || s.type() == DbfType::Char) return {0, 0};
    if (!has_states(s.type()) && !limits.any()) return {0, 0};
    return visit_type(s.type(), [&](auto tag) noexcept -> AlarmState {
        using Element = typename decltype(tag)::Element;
        if constexpr (has_states(tag.type)) {
            return check_states(limits, s.elements<Element>());
        } else if constexpr (tag.type == DbfType::String) {
            return {0, 0};
        } else {
            return check_numbers(limits, s.elements<Element>());
        }
    });
}

}  // namespace pcas
