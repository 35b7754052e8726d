// A PV's snapshot as a value of PVAccess. What is filled is marked, which is what goes
// to clients. Pure.
#pragma once

#include <pvxs/data.h>

#include <cstdint>

#include "dbr/snapshot.hpp"
#include "pva/form.hpp"

namespace pcas::pva {

// What of a snapshot a value has: bits.
using Parts = std::uint8_t;
inline constexpr Parts kValuePart = 1;  // and the time stamp
inline constexpr Parts kAlarmPart = 2;
inline constexpr Parts kPropertyPart = 4;  // display, control, alarm limits, choices
inline constexpr Parts kWhole = kValuePart | kAlarmPart | kPropertyPart;

// The elements of an array are those of the snapshot, which the value keeps.
pvxs::Value value_of(const Form& form, const SnapshotPtr& snapshot,
                     Parts parts = kWhole);

// alarm.status of PVAccess: what kind of thing an EPICS alarm status comes from.
int alarm_status_of(unsigned status) noexcept;

}  // namespace pcas::pva
