// What the server facade and its loop have in common; outlives the loop.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "base/log.hpp"
#include "pv/namespace.hpp"
#include "pv/request_queue.hpp"
#include "server/config.hpp"
#include "server/counters.hpp"

namespace pcas {

struct Shared {
    // `with` is what it shares with other servers; null: it has names of its own.
    explicit Shared(Config c, std::shared_ptr<Namespace> with = nullptr)
        : config(std::move(c)),
          log(static_cast<unsigned>(config.max_log_rate)),
          own_names(!with),
          names(with ? std::move(with)
                     : std::make_shared<Namespace>(config.max_queued_requests,
                                                   config.max_queued_bytes)) {
        names->tell_removed(removed);
    }

    const Config config;
    Log log;
    const bool own_names;
    const std::shared_ptr<Namespace> names;
    const std::shared_ptr<RemovedPvs> removed = std::make_shared<RemovedPvs>();
    // Another one in the child of a fork, where nobody else has this one.
    std::shared_ptr<CompletionQueue> completions = std::make_shared<CompletionQueue>();
    Counters counters;
    std::atomic<std::uint64_t> beats{0};  // of the loop, for those who ask
    std::atomic<std::uint16_t> tcp_port{0};
    std::atomic<std::uint16_t> udp_port{0};
};

}  // namespace pcas
