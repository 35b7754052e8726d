#include "pv/clock.hpp"

#include <epicsTime.h>

#include <chrono>

namespace pcas {

TimeStamp now() noexcept {
    using namespace std::chrono;
    const auto since = system_clock::now().time_since_epoch();
    const auto whole = duration_cast<seconds>(since);
    const auto rest = duration_cast<nanoseconds>(since - whole);
    return {static_cast<std::uint32_t>(whole.count() - POSIX_TIME_AT_EPICS_EPOCH),
            static_cast<std::uint32_t>(rest.count())};
}

}  // namespace pcas
