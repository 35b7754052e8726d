// One client: a connection, and who it is to access security and to drivers.
#pragma once

#include <pvxs/source.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "access/client_identity.hpp"
#include "base/keyed_hash.hpp"
#include "pv/client_row.hpp"
#include "pv/clock.hpp"
#include "pva/counters.hpp"

namespace pcas::pva {

struct Connection {
    std::uint64_t lane;                // of its requests
    ClientPtr user;                    // its account
    std::vector<ClientPtr> roles;      // each of the account's groups, as "role/NAME"
    std::atomic<std::size_t> open{0};  // requests that Python has not answered
    std::atomic<std::size_t> open_bytes{0};
    // For whoever looks inside.
    const TimeStamp since = now();
    std::atomic<std::size_t> channels{0}, subscriptions{0};

    ClientRow row() const;
};

// Those that have channels. The groups of an account take long to look up: once for
// each connection.
class Connections {
  public:
    explicit Connections(std::shared_ptr<Counters> counters) noexcept
        : counters_(std::move(counters)) {}
    // The worker only. `new_lane` is called for one that is new.
    template <class NewLane>
    std::shared_ptr<Connection> of(const pvxs::server::ClientCredentials& client,
                                   NewLane new_lane) {
        std::string key = key_of(client);
        {
            std::lock_guard lock(mutex_);
            const auto known = known_.find(key);
            if (known != known_.end()) {
                if (std::shared_ptr<Connection> found = known->second.lock())
                    return found;
            }
        }
        std::shared_ptr<Connection> made = make(client, new_lane());
        std::lock_guard lock(mutex_);
        forget_ended();  // what was found here among them
        known_[std::move(key)] = made;
        return made;
    }

    // Any thread: those that there are.
    std::vector<std::shared_ptr<Connection>> all() const;

  private:
    static std::string key_of(const pvxs::server::ClientCredentials& client);
    std::shared_ptr<Connection> make(const pvxs::server::ClientCredentials& client,
                                     std::uint64_t lane);
    void forget_ended();

    static constexpr std::size_t kSwept = 64;   // the least that is looked through
    const std::shared_ptr<Counters> counters_;  // a connection may end later
    mutable std::mutex mutex_;                  // leaf; guards all below
    std::unordered_map<std::string, std::weak_ptr<Connection>, KeyedTextHash> known_;
    std::size_t sweep_at_ = kSwept;
};

}  // namespace pcas::pva
