#include "server/peer_watch.hpp"

#include <chrono>

#include "net/sockets.hpp"
#include "server/services.hpp"

namespace pcas {
namespace {

// All are looked at four times per timeout, not all in one turn.
constexpr unsigned kParts = 8;
constexpr unsigned kLooks = 4;

}  // namespace

void PeerWatch::add(Circuit& circuit) {
    if (services_.shared().config.client_timeout == 0) return;
    circuits_.push_back(circuit);
    if (!planned_) plan();
}

void PeerWatch::plan() {
    const std::chrono::milliseconds timeout(
        std::chrono::seconds(services_.shared().config.client_timeout));
    planned_ = true;
    services_.timers().after(timeout / (kLooks * kParts), [this] {
        planned_ = false;
        look_at_some();
        if (!circuits_.empty()) plan();
    });
}

void PeerWatch::look_at_some() {
    const std::chrono::seconds timeout(services_.shared().config.client_timeout);
    const auto there_are = services_.shared().counters.circuits.load();
    for (auto left = there_are / kParts + 1; left > 0 && !circuits_.empty(); --left) {
        Circuit& circuit = circuits_.front();
        circuits_.push_back(circuit);
        if (is_unanswered(circuit.socket(), timeout)) circuit.on_peer_gone();
    }
}

}  // namespace pcas
