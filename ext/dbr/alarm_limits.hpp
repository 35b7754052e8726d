// Alarm limits and states of a PV's fields, checked against whole snapshots.
// The loops over arrays vectorise.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "dbr/elements.hpp"
#include "dbr/snapshot.hpp"

namespace pcas {

// In the order in which an IOC's records look at them.
enum class Limit : std::uint8_t { Hihi, Lolo, High, Low };
inline constexpr std::size_t kLimits = 4;
template <class T>
using EachLimit = std::array<T, kLimits>;

struct AlarmLimits {
    // NaN: it does not exist, or its severity is NO_ALARM. No comparison is true.
    EachLimit<double> at{NAN, NAN, NAN, NAN};
    EachLimit<std::uint16_t> severity{2, 2, 1, 1};
    double hysteresis = 0;              // so far behind its limit an alarm ends
    double delay = 0;                   // seconds that a limit is exceeded before that
    std::vector<std::uint16_t> states;  // severity of each enum state

    bool any() const noexcept {
        for (const double limit : at) {
            if (limit == limit) return true;
        }
        return false;
    }
    // What a value's alarm is depends on what was before.
    bool look_back() const noexcept { return any() && (hysteresis > 0 || delay > 0); }
};

// Which limits are exceeded.
using Exceeded = EachLimit<bool>;

// The alarm of the first limit that is exceeded, and which one that is.
struct LimitAlarm {
    AlarmState state{0, 0};
    int limit = -1;
};

template <class T>
Exceeded exceeded(const EachLimit<double>& at, std::span<const T> values) noexcept {
    const auto [hihi_at, lolo_at, high_at, low_at] = at;
    unsigned lolo = 0, low = 0, high = 0, hihi = 0;
    for (const T element : values) {
        const double v = static_cast<double>(element);
        lolo |= v <= lolo_at;
        low |= v <= low_at;
        high |= v >= high_at;
        hihi |= v >= hihi_at;
    }
    return {hihi != 0, lolo != 0, high != 0, low != 0};
}

// As pcaspy: characters are text, whatever their limits.
inline bool has_limits(DbfType type) noexcept {
    return !has_states(type) && type != DbfType::String && type != DbfType::Char &&
           type != DbfType::Structure;
}

inline Exceeded exceeded(const EachLimit<double>& at, const Snapshot& s) noexcept {
    return visit_type(s.type(), [&](auto tag) noexcept -> Exceeded {
        using Element = typename decltype(tag)::Element;
        if constexpr (has_states(tag.type) || tag.type == DbfType::String) {
            return {};
        } else {
            return exceeded(at, s.elements<Element>());
        }
    });
}

// An IOC has no alarms of arrays; those here go as pcaspy's.
inline LimitAlarm first_of(const AlarmLimits& limits, const Exceeded& which,
                           bool of_array) noexcept {
    static constexpr EachLimit<std::uint16_t> kStatus{3, 5, 4, 6};  // of alarm.h
    static constexpr EachLimit<std::uint8_t> kScalar{0, 1, 2, 3}, kArray{1, 0, 3, 2};
    for (const std::size_t i : of_array ? kArray : kScalar) {
        if (which[i]) return {{kStatus[i], limits.severity[i]}, static_cast<int>(i)};
    }
    return {};
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

// Of the value alone: without hysteresis and delay.
inline AlarmState check_alarm(const AlarmLimits& limits, const Snapshot& s) noexcept {
    if (has_states(s.type())) {
        return s.type() == DbfType::Enum
                   ? check_states(limits, s.elements<std::uint16_t>())
                   : check_states(limits, s.elements<bool>());
    }
    if (!has_limits(s.type()) || !limits.any()) return {0, 0};
    return first_of(limits, exceeded(limits.at, s), s.count() != 1).state;
}

// What a PV's alarm depends on besides its value, where its limits look_back(). Times
// are in seconds of any clock that is never set back.
class AlarmHistory {
  public:
    // Its PV has had this alarm for ever.
    AlarmHistory(const AlarmLimits& limits, AlarmState now) noexcept {
        for (std::size_t i = 0; i < kLimits; ++i) {
            Exceeded only{};
            only[i] = true;
            if (now.status != first_of(limits, only, false).state.status) continue;
            last_ = limits.at[i];
            const bool outer = i < 2;  // HIHI, LOLO: HIGH, LOW are exceeded as well
            since_[i] = since_[outer ? i + 2 : i] = kForEver;
        }
    }
    AlarmHistory() noexcept = default;

    AlarmState check(const AlarmLimits& limits, const Snapshot& s,
                     double now) noexcept {
        due_ = NAN;
        if (!has_limits(s.type())) return check_alarm(limits, s);
        const bool of_array = s.count() != 1;
        Exceeded which = exceeded(held(limits), s);
        // NaN is no alarm, as in pcaspy, and no end of one for the hysteresis either.
        if (const int limit = first_of(limits, which, of_array).limit; limit >= 0)
            last_ = limits.at[static_cast<std::size_t>(limit)];
        else if (is_number(s))
            last_ = NAN;
        drop_early(limits, which, now);
        return first_of(limits, which, of_array).state;
    }
    // When the alarm may be another one with the same value; NaN: never.
    double due() const noexcept { return due_; }

  private:
    static constexpr double kForEver = -std::numeric_limits<double>::infinity();

    static bool is_number(const Snapshot& s) noexcept {
        if (s.type() == DbfType::Double) return any_number(s.elements<double>());
        if (s.type() == DbfType::Float) return any_number(s.elements<float>());
        return true;
    }
    template <class T>
    static bool any_number(std::span<const T> values) noexcept {
        for (const T v : values) {
            if (v == v) return true;
        }
        return values.empty();
    }
    // The limits, that of the last alarm moved by the hysteresis.
    EachLimit<double> held(const AlarmLimits& limits) const noexcept {
        EachLimit<double> at = limits.at;
        if (!(limits.hysteresis > 0)) return at;
        for (const std::size_t i : {0u, 2u}) {
            if (at[i] == last_) at[i] -= limits.hysteresis;
        }
        for (const std::size_t i : {1u, 3u}) {
            if (at[i] == last_) at[i] += limits.hysteresis;
        }
        return at;
    }
    // Leaves the limits that have been exceeded for long enough.
    void drop_early(const AlarmLimits& limits, Exceeded& which, double now) noexcept {
        for (std::size_t i = 0; i < kLimits; ++i) {
            if (!which[i]) {
                since_[i] = NAN;
                continue;
            }
            if (since_[i] != since_[i]) since_[i] = now;
            const double due = since_[i] + limits.delay;
            if (!(due > now)) continue;
            which[i] = false;
            due_ = std::fmin(due_, due);
        }
    }

    double last_ = NAN;                            // limit of the last alarm
    EachLimit<double> since_{NAN, NAN, NAN, NAN};  // when each was exceeded first
    double due_ = NAN;
};

}  // namespace pcas
