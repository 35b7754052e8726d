// What the server facade and its loop have in common; outlives the loop.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "base/log.hpp"
#include "pv/pv_table.hpp"
#include "pv/request_queue.hpp"
#include "server/config.hpp"

namespace pcas {

// Counted by the loop, read by any thread; never reset.
struct Counters {
    using Counter = std::atomic<std::uint64_t>;
    Counter circuits_accepted, circuits_refused, accept_pauses;
    // Why circuits ended, besides protocol_errors and the server's own end.
    Counter closed_by_client, closed_broken, closed_on_error;
    Counter searches, search_hits, datagrams_dropped, searches_dropped;
    Counter channels_created, channels_refused, channels_over_limit;
    Counter subscriptions_refused;
    Counter reads, writes, updates, updates_merged;
    Counter requests_too_large, puts_refused, protocol_errors;
    Counter bytes_received, bytes_sent, circuits_peak;
    // now
    Counter circuits, channels, subscriptions;

    // Only the loop writes, so a plain load and store will do.
    static void add(Counter& counter, std::uint64_t n = 1) noexcept {
        counter.store(counter.load(std::memory_order_relaxed) + n,
                      std::memory_order_relaxed);
    }
    static void subtract(Counter& counter, std::uint64_t n = 1) noexcept {
        counter.store(counter.load(std::memory_order_relaxed) - n,
                      std::memory_order_relaxed);
    }
};

struct Shared {
    explicit Shared(Config c) : config(std::move(c)), log(config.log_rate) {}

    const Config config;
    Log log;
    PvTable table;
    RequestQueue requests{config.max_queued_requests, config.max_queued_bytes};
    const std::shared_ptr<CompletionQueue> completions =
        std::make_shared<CompletionQueue>();
    Counters counters;
    std::atomic<bool> search_by_request{false};
    std::atomic<bool> attach_by_request{false};
    std::atomic<std::uint16_t> tcp_port{0};
    std::atomic<std::uint16_t> udp_port{0};
    // Circuit ids are never reused, not even by the next loop.
    std::atomic<std::uint64_t> last_circuit{0};
};

}  // namespace pcas
