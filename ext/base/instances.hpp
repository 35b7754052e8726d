// Counters of living objects by class, so that tests can prove that nothing leaks.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/export.hpp"

namespace pcas {

enum class Counted : std::uint8_t {
    Server,
    Circuit,
    Channel,
    Subscription,
    Pv,
    Snapshot,
    Request,
    kCount
};

// Objects are often made by one thread and destroyed by another: each side counts in a
// cache line of its own.
struct InstanceCounts {
    alignas(64) std::atomic<std::int64_t> made{0};
    alignas(64) std::atomic<std::int64_t> destroyed{0};
};

PCAS_API InstanceCounts& instance_counts(Counted kind) noexcept;
PCAS_API const char* instance_name(Counted kind) noexcept;

// How many objects of a class there are. While threads make and destroy some, a number
// that was true a moment ago.
PCAS_API std::int64_t living(Counted kind) noexcept;

// Base class: counts its derived class's objects.
template <Counted Kind>
class CountedInstance {
  public:
    CountedInstance() noexcept {
        instance_counts(Kind).made.fetch_add(1, std::memory_order_relaxed);
    }
    CountedInstance(const CountedInstance&) noexcept : CountedInstance() {}
    CountedInstance& operator=(const CountedInstance&) noexcept = default;
    ~CountedInstance() {
        instance_counts(Kind).destroyed.fetch_add(1, std::memory_order_relaxed);
    }
};

}  // namespace pcas
