// The wall clock.
#pragma once

#include "base/export.hpp"
#include "dbr/snapshot.hpp"

namespace pcas {

// The time as EPICS stamps it. Any thread.
PCAS_API TimeStamp now() noexcept;

}  // namespace pcas
