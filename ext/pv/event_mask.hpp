// What a posted event is about, as clients ask for it (DBE_* of caeventmask.h).
#pragma once

#include <caeventmask.h>

#include <cstdint>

namespace pcas {

using EventMask = std::uint16_t;

inline constexpr EventMask kValueEvent = DBE_VALUE;
inline constexpr EventMask kLogEvent = DBE_LOG;
inline constexpr EventMask kAlarmEvent = DBE_ALARM;
inline constexpr EventMask kPropertyEvent = DBE_PROPERTY;
inline constexpr EventMask kAllEvents =
    kValueEvent | kLogEvent | kAlarmEvent | kPropertyEvent;

}  // namespace pcas
