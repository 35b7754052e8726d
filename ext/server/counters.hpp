// What a server counts. A counter is one line of the table below: stats(), the summary
// in the log and the documentation are made from it.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "base/export.hpp"

namespace pcas {

// NOW: how many there are. EVER: how many there were. TROUBLE: the same, and whoever
// runs the server should know when it grows.
//
//  kind, name, what it counts
#define PCAS_COUNTERS(X)                                                              \
    X(NOW, circuits, "open circuits")                                                 \
    X(EVER, circuits_peak, "largest number of open circuits")                         \
    X(EVER, circuits_accepted, "circuits accepted")                                   \
    X(TROUBLE, circuits_refused, "circuits refused")                                  \
    X(TROUBLE, accept_pauses, "pauses without file descriptors")                      \
    X(EVER, closed_by_client, "circuits closed by the client")                        \
    X(EVER, closed_broken, "circuits closed by a network failure")                    \
    X(TROUBLE, closed_on_error, "circuits closed after an error")                     \
    X(TROUBLE, protocol_errors, "circuits with invalid data")                         \
    X(NOW, channels, "open channels")                                                 \
    X(EVER, channels_created, "channels created")                                     \
    X(EVER, channels_refused, "channels refused, mostly for unknown names")           \
    X(TROUBLE, channels_over_limit, "channels refused at the limit")                  \
    X(NOW, subscriptions, "open subscriptions")                                       \
    X(TROUBLE, subscriptions_refused, "subscriptions refused")                        \
    X(EVER, searches, "names searched for")                                           \
    X(EVER, search_hits, "names found")                                               \
    X(EVER, searches_forwarded, "names asked of the other servers on this host")      \
    X(EVER, forwarded_hits, "names that one of these has")                            \
    X(TROUBLE, forwards_dropped, "searches not forwarded at the limit of their rate") \
    X(TROUBLE, searches_dropped, "searches dropped")                                  \
    X(TROUBLE, datagrams_dropped, "datagrams dropped")                                \
    X(EVER, reads, "gets")                                                            \
    X(EVER, writes, "puts")                                                           \
    X(EVER, updates, "updates sent")                                                  \
    X(EVER, updates_merged, "updates replaced by a newer one before they were sent")  \
    X(TROUBLE, requests_too_large, "requests too large")                              \
    X(TROUBLE, puts_refused, "puts refused while too many waited")                    \
    X(EVER, puts_logged, "puts that the put log has")                                 \
    X(TROUBLE, puts_not_logged, "puts that the put log has not")                      \
    X(TROUBLE, requests_dropped, "requests dropped")                                  \
    X(NOW, requests_queued, "requests waiting for Python")                            \
    X(EVER, longest_call,                                                             \
      "milliseconds of a driver's longest read or write, while they are timed")       \
    X(NOW, held_bytes, "bytes held for clients: output, requests, values in Python")  \
    X(EVER, bytes_received, "bytes received")                                         \
    X(EVER, bytes_sent, "bytes sent")                                                 \
    X(TROUBLE, log_suppressed, "log lines suppressed")                                \
    X(NOW, pvs, "PVs")

enum class CounterKind : std::uint8_t { NOW, EVER, TROUBLE };

// Written by the loop, and some by whoever asks for all; read by any thread. Never
// reset.
struct Counters {
    using Counter = std::atomic<std::uint64_t>;
#define PCAS_MEMBER(kind, name, meaning) Counter name{0};
    PCAS_COUNTERS(PCAS_MEMBER)
#undef PCAS_MEMBER

    // Only the loop writes, so a plain load and store will do.
    static void add(Counter& counter, std::uint64_t n = 1) noexcept {
        set(counter, counter.load(std::memory_order_relaxed) + n);
    }
    static void subtract(Counter& counter, std::uint64_t n = 1) noexcept {
        set(counter, counter.load(std::memory_order_relaxed) - n);
    }
    static void set(Counter& counter, std::uint64_t n) noexcept {
        counter.store(n, std::memory_order_relaxed);
    }
};

struct CounterInfo {
    const char* name;
    CounterKind kind;
    const char* meaning;
    Counters::Counter Counters::* where;
};
PCAS_API std::span<const CounterInfo> counter_table() noexcept;

}  // namespace pcas
