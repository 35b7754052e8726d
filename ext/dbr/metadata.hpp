// What a PV tells about itself besides its value; immutable and shared by its
// snapshots.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/ref.hpp"
#include "dbr/types.hpp"

namespace pcas {

// How displays are asked to show numbers, and characters as text (display.form of
// EPICS' normative types). Channel Access has no such thing.
enum class DisplayForm : std::uint8_t {
    Default,
    String,
    Binary,
    Decimal,
    Hex,
    Exponential,
    Engineering
};

// Limits as a PV of 64-bit integers has them, in the order of Metadata's.
using ExactLimits = std::array<std::uint64_t, 8>;

// Of a table.
struct ColumnInfo {
    std::string name, label;
    DbfType type;  // String: texts of any length
};

// What a PV's fields tell in addition, and its value does not.
struct RecordDetails {
    double adel = 0, mdel = 0, hyst = 0;
    double scan_period = 0;  // seconds; 0: it is not scanned
    // HIHI, HIGH, LOW and LOLO where their severity is NO_ALARM.
    std::array<double, 4> silent_limits{};
    std::vector<std::uint16_t> state_severities;

    bool operator==(const RecordDetails&) const = default;
};

struct Metadata : RefCounted {
    std::string units;           // cut to 7 bytes on the wire
    std::int16_t precision = 0;  // as GR_ and CTRL_ types carry it
    std::int16_t string_precision =
        4;  // decimals of a float or double read as DBR_STRING
    // In the order of the wire. A limit that does not exist, or whose severity is
    // NO_ALARM, is NaN for floats on the wire and 0 for integers; display and control
    // limits that do not exist are 0.
    double upper_disp = 0, lower_disp = 0;
    double upper_alarm = NAN, upper_warning = NAN, lower_warning = NAN,
           lower_alarm = NAN;
    double upper_ctrl = 0, lower_ctrl = 0;
    // Where a double has too few digits for them; seldom.
    std::shared_ptr<const ExactLimits> exact;
    std::string description;  // as no type of Channel Access has it
    DisplayForm form = DisplayForm::Default;
    // Of HIHI, HIGH, LOW and LOLO; 0 where a limit does not exist.
    std::array<std::uint8_t, 4> limit_severities{};
    std::vector<ColumnInfo> columns;
    std::vector<std::string> states;  // at most 16 of at most 25 bytes
    std::string alarm_message;        // of one snapshot's alarm, for PVAccess

    void set_exact(const ExactLimits& limits) {
        exact = std::make_shared<const ExactLimits>(limits);
    }
    const RecordDetails& details() const noexcept {
        static const RecordDetails kNone;
        return details_ ? *details_ : kNone;
    }
    // Takes no memory for what is as always.
    void set_details(const RecordDetails& details) {
        details_.reset();
        if (!(details == RecordDetails()))
            details_ = std::make_unique<const RecordDetails>(details);
    }

    static void destroy(const Metadata* m) noexcept { delete m; }

  private:
    std::unique_ptr<const RecordDetails> details_;
};

using MetadataPtr = Ref<const Metadata>;

}  // namespace pcas
