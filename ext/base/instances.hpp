// Counters of living objects by class, so that tests can prove that nothing leaks.
#pragma once

#include <atomic>
#include <cstdint>

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

std::atomic<std::int64_t>& instance_counter(Counted kind) noexcept;
const char* instance_name(Counted kind) noexcept;

// Base class: counts its derived class's objects.
template <Counted Kind>
class CountedInstance {
  public:
    CountedInstance() noexcept {
        instance_counter(Kind).fetch_add(1, std::memory_order_relaxed);
    }
    CountedInstance(const CountedInstance&) noexcept : CountedInstance() {}
    CountedInstance& operator=(const CountedInstance&) noexcept = default;
    ~CountedInstance() {
        instance_counter(Kind).fetch_sub(1, std::memory_order_relaxed);
    }
};

}  // namespace pcas
