#include "base/instances.hpp"

#include <array>
#include <cstddef>

namespace pcas {

InstanceCounts& instance_counts(Counted kind) noexcept {
    static constinit std::array<InstanceCounts,
                                static_cast<std::size_t>(Counted::kCount)>
        counts;
    return counts[static_cast<std::size_t>(kind)];
}

std::int64_t living(Counted kind) noexcept {
    const InstanceCounts& counts = instance_counts(kind);
    // In this order: what is made and destroyed in between makes it larger, not less
    // than nothing.
    const std::int64_t destroyed = counts.destroyed.load();
    return counts.made.load() - destroyed;
}

const char* instance_name(Counted kind) noexcept {
    static constexpr const char* kNames[] = {
        "Server", "Circuit", "Channel", "Subscription", "Pv", "Snapshot", "Request"};
    return kNames[static_cast<std::size_t>(kind)];
}

}  // namespace pcas
