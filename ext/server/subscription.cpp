#include "server/subscription.hpp"

#include <utility>

#include "server/circuit.hpp"
#include "server/loop.hpp"

namespace pcas {

void Subscription::deliver(const Event& event) {
    if (!(event.mask & mask) || !channel.may_read()) return;
    Circuit& circuit = channel.circuit;
    if (queue_.empty() && !waits_for_first && circuit.takes_updates()) {
        return circuit.send_update(*this, event.snapshot);
    }
    wait(event.snapshot, event.mask);
}

void Subscription::wait(const SnapshotPtr& snapshot, EventMask event_mask) {
    Circuit& circuit = channel.circuit;
    const std::size_t room = circuit.events_on() ? kMaxQueue : 1;
    if (queue_.size() >= room) {
        Counters::add(circuit.loop().shared().counters.updates_merged);
        queue_.back().snapshot = snapshot;
        queue_.back().mask |= event_mask;
    } else {
        queue_.push_back({snapshot, event_mask});
    }
    if (!waits_for_first && !ListNode<Subscription, WaitingTag>::linked()) {
        circuit.add_waiting(*this);
    }
}

void Subscription::send_waiting() {
    if (queue_.empty()) return;
    const Event oldest = std::move(queue_.front());
    queue_.erase(queue_.begin());
    channel.circuit.send_update(*this, oldest.snapshot);
    if (queue_.empty()) queue_ = {};
}

// Also goes out while events are off: a client that subscribes wants to know the value.
void Subscription::deliver_first(const SnapshotPtr& snapshot) {
    channel.circuit.send_update(*this, snapshot);
}

void Subscription::keep_newest() noexcept {
    if (queue_.size() > 1) queue_.erase(queue_.begin(), queue_.end() - 1);
}

void Subscription::drop_waiting() noexcept { queue_ = {}; }

}  // namespace pcas
