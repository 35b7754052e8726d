#include "pva/connection.hpp"

#include <algorithm>
#include <set>

namespace pcas::pva {
namespace {

using pvxs::server::ClientCredentials;

// "a.b.c.d:port", also of an IPv4 address that came through an IPv6 socket.
std::string address_of(const std::string& peer) {
    static const std::string kMapped = "[::ffff:";
    if (!peer.starts_with(kMapped)) return peer;
    const std::size_t end = peer.find(']');
    if (end == std::string::npos) return peer;
    return peer.substr(kMapped.size(), end - kMapped.size()) + peer.substr(end + 1);
}

std::string claimed_host(const ClientCredentials& client) {
    std::string host;
    if (client.raw) client.raw["host"].as(host);
    return host;
}

}  // namespace

std::string Connections::key_of(const ClientCredentials& client) {
    return client.peer + ' ' + client.method + ' ' + client.account;
}

std::shared_ptr<Connection> Connections::make(const ClientCredentials& client,
                                              std::uint64_t lane) {
    const std::string address = address_of(client.peer);
    std::string host = claimed_host(client);
    if (host.empty()) host = address.substr(0, address.rfind(':'));
    const auto identity = [&](std::string user) {
        Ref<ClientIdentity> made(new ClientIdentity);
        made->user = std::move(user);
        made->host = host;
        made->address = address;
        made->protocol = Protocol::PVAccess;
        return ClientPtr(made);
    };
    std::shared_ptr<Connection> made(new Connection{},
                                     [counters = counters_](Connection* gone) {
                                         Counters::subtract(counters->pva_connections);
                                         delete gone;
                                     });
    Counters::add(counters_->pva_connections);
    made->lane = lane;
    // Names of the method "ca" are claims, as those of Channel Access are.
    made->user = identity(client.method == "ca" ? client.account
                                                : client.method + '/' + client.account);
    for (const std::string& role : client.roles()) {
        made->roles.push_back(identity("role/" + role));
    }
    return made;
}

ClientRow Connection::row() const {
    ClientRow row;
    row.number = lane;
    row.client = user;
    row.channels = channels;
    row.subscriptions = subscriptions;
    row.since = since;
    row.held = open_bytes;
    row.waiting = open;
    row.counts_bytes = false;
    return row;
}

std::vector<std::shared_ptr<Connection>> Connections::all() const {
    std::vector<std::shared_ptr<Connection>> found;
    std::lock_guard lock(mutex_);
    found.reserve(known_.size());
    for (const auto& [key, connection] : known_) {
        if (auto held = connection.lock()) found.push_back(std::move(held));
    }
    return found;
}

void Connections::forget_ended() {
    if (known_.size() < sweep_at_) return;
    std::erase_if(known_, [](const auto& entry) { return entry.second.expired(); });
    sweep_at_ = std::max(kSwept, 2 * known_.size());
}

}  // namespace pcas::pva
