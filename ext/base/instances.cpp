#include "base/instances.hpp"

#include <array>
#include <cstddef>

namespace pcas {

std::atomic<std::int64_t>& instance_counter(Counted kind) noexcept {
    static std::array<std::atomic<std::int64_t>,
                      static_cast<std::size_t>(Counted::kCount)>
        counters;
    return counters[static_cast<std::size_t>(kind)];
}

const char* instance_name(Counted kind) noexcept {
    static constexpr const char* kNames[] = {
        "Server", "Circuit", "Channel", "Subscription", "Pv", "Snapshot", "Request"};
    return kNames[static_cast<std::size_t>(kind)];
}

}  // namespace pcas
