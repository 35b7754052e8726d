#include "server/circuits.hpp"

#include <string>
#include <utility>

#include "base/invariant.hpp"

namespace pcas {

Circuits::Circuits(Services& services)
    : services_(services),
      shared_(services.shared()),
      hosts_(shared_.config),
      peer_watch_(services) {}

bool Circuits::may_enter(HostAddress host, const sockaddr_in& peer) {
    if (table_.size() < shared_.config.max_circuits && hosts_.may_enter(host)) {
        return true;
    }
    Counters::add(shared_.counters.circuits_refused);
    shared_.log.add(LogLevel::Warning, dotted(peer.sin_addr),
                    "circuit from " + dotted(peer) + " refused: too many circuits");
    return false;
}

void Circuits::adopt(UniqueSocket socket, const sockaddr_in& peer) {
    const HostAddress host = peer.sin_addr.s_addr;
    if (!may_enter(host, peer)) return;
    set_nonblocking(socket.get());
    tune_circuit(socket.get(), std::chrono::seconds(shared_.config.client_timeout));
    const SOCKET fd = socket.get();
    const std::uint64_t id = shared_.names->new_lane();
    auto circuit = std::make_unique<Circuit>(services_, *this, id, std::move(socket),
                                             peer, hosts_.account(host));
    services_.poller().add(fd, *circuit, circuit->interest());
    Circuit& added = *table_.emplace(id, std::move(circuit)).first->second;
    hosts_.enter(host);
    Counters::add(shared_.counters.circuits);
    Counters::add(shared_.counters.circuits_accepted);
    if (table_.size() > shared_.counters.circuits_peak)
        shared_.counters.circuits_peak = table_.size();
    peer_watch_.add(added);
    added.start();
}

Circuit* Circuits::find(std::uint64_t id) noexcept {
    const auto found = table_.find(id);
    return found == table_.end() ? nullptr : found->second.get();
}

void Circuits::on_completion(CaRequest& request, bool completed) {
    if (Circuit* circuit = find(request.circuit())) {
        circuit->on_completion(request, completed);
    } else if (completed) {
        hosts_.on_completed(request);
    }
}

// Piece by piece: one may have had a million subscriptions.
void Circuits::remove_discarded() {
    Pace pace;
    while (Circuit* gone = services_.agenda().first_discarded()) {
        if (!gone->take_apart(pace)) return;
        const HostAddress host = gone->peer().sin_addr.s_addr;
        const std::uint64_t id = gone->id();
        const LeftBehind left = gone->left_behind();
        table_.erase(id);  // leaves the list
        Counters::subtract(shared_.counters.circuits);
        hosts_.leave(host, id, left);
        if (pace.over()) return;
    }
}

void Circuits::feed_starved() {
    shared_.counters.held_bytes.store(hosts_.held_bytes(), std::memory_order_relaxed);
    if (hosts_.take_freed()) services_.agenda().feed();
}

void Circuits::clear() noexcept {
    table_.clear();
    PCAS_INVARIANT(shared_.counters.channels == 0);
    PCAS_INVARIANT(shared_.counters.subscriptions == 0);
    hosts_.clear();
    shared_.counters.circuits = 0;
}

}  // namespace pcas
