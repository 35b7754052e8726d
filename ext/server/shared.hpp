// What the server facade and its loop have in common; outlives the loop.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "base/log.hpp"
#include "pv/pv_table.hpp"
#include "pv/request_queue.hpp"
#include "server/config.hpp"
#include "server/counters.hpp"

namespace pcas {

struct Shared {
    explicit Shared(Config c)
        : config(std::move(c)), log(static_cast<unsigned>(config.max_log_rate)) {}

    const Config config;
    Log log;
    PvTable table;
    // Others in the child of a fork, where nobody else has these.
    std::shared_ptr<RequestQueue> requests = std::make_shared<RequestQueue>(
        config.max_queued_requests, config.max_queued_bytes);
    std::shared_ptr<CompletionQueue> completions = std::make_shared<CompletionQueue>();
    Counters counters;
    std::atomic<bool> search_by_request{false};
    std::atomic<bool> attach_by_request{false};
    std::atomic<std::uint16_t> tcp_port{0};
    std::atomic<std::uint16_t> udp_port{0};
    // Circuit ids are never reused, not even by the next loop.
    std::atomic<std::uint64_t> last_circuit{0};
};

}  // namespace pcas
