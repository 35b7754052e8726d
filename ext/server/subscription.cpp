#include "server/subscription.hpp"

#include <utility>

#include "server/circuit.hpp"
#include "server/loop.hpp"

namespace pcas {

Subscription::Subscription(Channel& of, std::uint32_t id, DbrType dbr_type,
                           std::uint32_t dbr_count, EventMask event_mask) noexcept
    : circuit(of.circuit),
      channel(of),
      subid(id),
      count(dbr_count),
      type(dbr_type),
      mask(event_mask),
      may_read(of.may_read()) {}

void Subscription::deliver(const Event& event) {
    if (!(event.mask & mask) || !may_read) return;
    if (!waiting_ && !waits_for_first && circuit.takes_updates()) {
        return circuit.send_update(*this, event.snapshot);
    }
    wait(event.snapshot, event.mask);
}

void Subscription::wait(const SnapshotPtr& snapshot, EventMask event_mask) {
    if (!waiting_) waiting_ = std::make_unique<std::vector<Event>>();
    const std::size_t room = circuit.events_on() ? kMaxQueue : 1;
    if (waiting_->size() >= room) {
        Counters::add(circuit.loop().shared().counters.updates_merged);
        waiting_->back().snapshot = snapshot;
        waiting_->back().mask |= event_mask;
    } else {
        waiting_->push_back({snapshot, event_mask});
    }
    if (!waits_for_first && !ListNode<Subscription, WaitingTag>::linked()) {
        circuit.add_waiting(*this);
    }
}

void Subscription::send_waiting() {
    if (!waiting_) return;
    const Event oldest = std::move(waiting_->front());
    waiting_->erase(waiting_->begin());
    if (waiting_->empty()) waiting_.reset();
    circuit.send_update(*this, oldest.snapshot);
}

// Also goes out while events are off: a client that subscribes wants to know the value.
void Subscription::deliver_first(const SnapshotPtr& snapshot) {
    circuit.send_update(*this, snapshot);
}

void Subscription::keep_newest() noexcept {
    if (waiting_ && waiting_->size() > 1) {
        waiting_->erase(waiting_->begin(), waiting_->end() - 1);
    }
}

}  // namespace pcas
