// What a PVAccess server counts, as server/counters.hpp has it for Channel Access.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

namespace pcas::pva {

//  kind, name, what it counts
#define PCAS_PVA_COUNTERS(X)                                                     \
    X(NOW, pva_connections, "PVAccess clients that have channels")               \
    X(NOW, pva_channels, "PVAccess channels")                                    \
    X(EVER, pva_channels_created, "PVAccess channels that were created")         \
    X(NOW, pva_subscriptions, "PVAccess subscriptions")                          \
    X(EVER, pva_searches, "names searched for over PVAccess")                    \
    X(EVER, pva_search_hits, "names searched for over PVAccess that are served") \
    X(EVER, pva_reads, "PVAccess gets")                                          \
    X(EVER, pva_writes, "PVAccess puts")                                         \
    X(EVER, pva_updates, "PVAccess updates queued")                              \
    X(EVER, pva_updates_merged, "PVAccess updates replaced by a newer one")      \
    X(TROUBLE, pva_puts_refused, "PVAccess puts refused for want of room")       \
    X(NOW, pva_requests_open, "requests of PVAccess clients that wait for Python")

// Any thread.
struct Counters {
    using Counter = std::atomic<std::uint64_t>;
#define PCAS_MEMBER(kind, name, meaning) Counter name{0};
    PCAS_PVA_COUNTERS(PCAS_MEMBER)
#undef PCAS_MEMBER

    static void add(Counter& counter, std::uint64_t n = 1) noexcept {
        counter.fetch_add(n, std::memory_order_relaxed);
    }
    static void subtract(Counter& counter, std::uint64_t n = 1) noexcept {
        counter.fetch_sub(n, std::memory_order_relaxed);
    }
};

enum class CounterKind : std::uint8_t { NOW, EVER, TROUBLE };

struct CounterInfo {
    const char* name;
    CounterKind kind;
    const char* meaning;
    Counters::Counter Counters::* where;
};
std::span<const CounterInfo> counter_table() noexcept;

}  // namespace pcas::pva
