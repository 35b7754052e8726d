// What the parts of the server need of the loop that they live in. Loop thread only.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "access/security.hpp"
#include "net/reactor.hpp"
#include "pv/pv.hpp"
#include "server/agenda.hpp"
#include "server/encoding_cache.hpp"
#include "server/shared.hpp"

namespace pcas {

class Services {
  public:
    Services(Shared& shared, Reactor& reactor, std::shared_ptr<PostQueue> posts,
             RightsQueue& rights)
        : shared_(shared),
          reactor_(reactor),
          posts_(std::move(posts)),
          rights_(rights),
          scratch_(kScratch) {}

    Shared& shared() noexcept { return shared_; }
    Poller& poller() noexcept { return reactor_.poller(); }
    Timers& timers() noexcept { return reactor_.timers(); }
    bool in_loop() const noexcept { return reactor_.in_loop(); }
    Agenda& agenda() noexcept { return agenda_; }
    const Agenda& agenda() const noexcept { return agenda_; }
    EncodingCache& encodings() noexcept { return encodings_; }
    // For the bytes that are being received; free between two calls of a handler.
    std::span<std::byte> scratch() noexcept { return scratch_; }
    // Where the posts of PVs with subscriptions go.
    const std::shared_ptr<PostQueue>& posts() const noexcept { return posts_; }
    // Where access security tells of changes.
    RightsQueue& rights() noexcept { return rights_; }

  private:
    static constexpr std::size_t kScratch = 64 * 1024;

    Shared& shared_;
    Reactor& reactor_;
    const std::shared_ptr<PostQueue> posts_;
    RightsQueue& rights_;
    Agenda agenda_;
    EncodingCache encodings_;
    std::vector<std::byte> scratch_;
};

}  // namespace pcas
