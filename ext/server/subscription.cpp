#include "server/subscription.hpp"

#include <span>
#include <utility>

#include "server/circuit.hpp"
#include "server/loop.hpp"
#include "server/update_form.hpp"

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

void Subscription::deliver(const Event& event, UpdateForm& form) noexcept {
    if (!(event.mask & mask) || !may_read) return;
    circuit.guarded([&] {
        if (waiting_ || awaited_read != 0 || !circuit.takes_updates()) {
            return wait(event.snapshot, event.mask);
        }
        const std::span<const std::byte> message = form.message(type, count);
        if (message.empty())
            circuit.send_update(*this, event.snapshot);
        else
            circuit.send_update(*this, message);
    });
}

void deliver(Pv& pv, const Event& event) noexcept {
    UpdateForm form(*event.snapshot);
    pv.subscriptions.for_each([&](Subscription& s) { s.deliver(event, form); });
}

void Subscription::wait(const SnapshotPtr& snapshot, EventMask event_mask) {
    if (!waiting_) waiting_ = std::make_unique<std::vector<Event>>();
    const std::size_t room = circuit.keeps_one_value() ? 1 : kMaxQueue;
    if (waiting_->size() >= room) {
        Counters::add(circuit.loop().shared().counters.updates_merged);
        Event& newest = waiting_->back();
        circuit.uncount_waiting(newest.snapshot->size_bytes());
        newest.snapshot = snapshot;
        newest.mask |= event_mask;
    } else {
        waiting_->push_back({snapshot, event_mask});
    }
    circuit.count_waiting(snapshot->size_bytes());
    if (awaited_read == 0 && !ListNode<Subscription, WaitingTag>::linked()) {
        circuit.add_waiting(*this);
    }
}

void Subscription::send_waiting() {
    if (!waiting_) return;
    const Event oldest = std::move(waiting_->front());
    waiting_->erase(waiting_->begin());
    if (waiting_->empty()) waiting_.reset();
    circuit.uncount_waiting(oldest.snapshot->size_bytes());
    circuit.send_update(*this, oldest.snapshot);
}

void Subscription::drop_waiting() noexcept {
    if (!waiting_) return;
    for (const Event& event : *waiting_) {
        circuit.uncount_waiting(event.snapshot->size_bytes());
    }
    waiting_.reset();
}

// Also goes out while events are off: a client that subscribes wants to know the value.
void Subscription::deliver_first(const SnapshotPtr& snapshot) {
    circuit.send_update(*this, snapshot);
}

void Subscription::keep_newest() noexcept {
    if (!waiting_ || waiting_->size() < 2) return;
    Event newest = std::move(waiting_->back());
    waiting_->pop_back();
    for (const Event& older : *waiting_) {
        circuit.uncount_waiting(older.snapshot->size_bytes());
    }
    waiting_->clear();
    waiting_->push_back(std::move(newest));  // in the memory that is there
}

}  // namespace pcas
