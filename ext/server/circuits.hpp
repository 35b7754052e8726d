// All circuits, and the hosts that they come from. Loop thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>

#include "net/sockets.hpp"
#include "server/circuit.hpp"
#include "server/hosts.hpp"
#include "server/peer_watch.hpp"
#include "server/services.hpp"

namespace pcas {

class Circuits {
  public:
    explicit Circuits(Services& services);

    // A client has connected.
    void adopt(UniqueSocket socket, const sockaddr_in& peer);
    Circuit* find(std::uint64_t id) noexcept;
    // A request was completed, or accepted for a later completion.
    void on_completion(CaRequest& request, bool completed);
    // Takes those that are closed apart, for a slice of time.
    void remove_discarded();
    // Lets those go on that waited until less was held, if that is so.
    void feed_starved();
    std::size_t held_bytes() const noexcept { return hosts_.held_bytes(); }
    std::size_t size() const noexcept { return table_.size(); }
    template <class F>
    void for_each(F&& f) {
        for (const auto& [id, circuit] : table_) f(*circuit);
    }
    // Piece by piece: the table is one of buckets, and another one when it has grown.
    std::size_t buckets() const noexcept { return table_.bucket_count(); }
    template <class F>
    void for_each_in(std::size_t bucket, F&& f) {
        for (auto at = table_.begin(bucket); at != table_.end(bucket); ++at)
            f(*at->second);
    }
    void clear() noexcept;

  private:
    bool may_enter(HostAddress host, const sockaddr_in& peer);

    Services& services_;
    Shared& shared_;
    Hosts hosts_;
    std::unordered_map<std::uint64_t, std::unique_ptr<Circuit>> table_;  // by id
    PeerWatch peer_watch_;
};

}  // namespace pcas
