#include "server/subscription.hpp"

#include <span>
#include <utility>

#include "server/circuit.hpp"
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
    if (!(event.mask & mask) || event.number <= joined) return;
    if (!may_read || access_changed || circuit.closing()) return;
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

bool deliver(CaPv& ca_pv, const Event& event, Pace& pace) noexcept {
    UpdateForm form(ca_pv.pv(), *event.snapshot);
    return ca_pv.subscriptions.walk([&](Subscription& s) {
        s.deliver(event, form);
        return !pace.over();
    });
}

void Subscription::wait(const SnapshotPtr& snapshot, EventMask event_mask) {
    if (waiting_) {
        settle();
    } else {
        auto made = std::make_unique<Waiting>();
        made->events.reserve(1);
        made->times_events_off = circuit.times_events_off();
        waiting_ = std::move(made);
    }
    std::vector<Event>& events = waiting_->events;
    const std::size_t room = circuit.keeps_one_value() ? 1 : kMaxQueue;
    if (events.size() >= room) {
        Counters::add(circuit.services().shared().counters.updates_merged);
        Event& newest = events.back();
        circuit.uncount_waiting(newest.snapshot->size_bytes());
        newest.snapshot = snapshot;
        newest.mask |= event_mask;
    } else {
        events.push_back({snapshot, event_mask});
    }
    circuit.count_waiting(snapshot->size_bytes());
    if (awaited_read == 0 && !ListNode<Subscription, WaitingTag>::linked()) {
        circuit.add_waiting(*this);
    }
}

// Lost: one update that says so. Back: one with the value.
void Subscription::change_access(bool readable) {
    may_read = readable;
    access_changed = true;
    drop_waiting();
    awaited_read = 0;  // what it brought would be older
    if (!ListNode<Subscription, WaitingTag>::linked()) circuit.add_waiting(*this);
}

void Subscription::send_waiting() {
    if (access_changed) {
        access_changed = false;
        return deliver_first(circuit.join(*this).current);
    }
    if (!waiting_) return;
    settle();
    std::vector<Event>& events = waiting_->events;
    const Event oldest = std::move(events.front());
    events.erase(events.begin());
    if (events.empty()) waiting_.reset();
    circuit.uncount_waiting(oldest.snapshot->size_bytes());
    circuit.send_update(*this, oldest.snapshot);
}

void Subscription::drop_waiting() noexcept {
    if (!waiting_) return;
    for (const Event& event : waiting_->events) {
        circuit.uncount_waiting(event.snapshot->size_bytes());
    }
    waiting_.reset();
}

// Also goes out while events are off: a client that subscribes wants to know the value.
void Subscription::deliver_first(const SnapshotPtr& snapshot) {
    circuit.send_update(*this, snapshot);
}

// Events were turned off since: of what waited then one value is kept.
void Subscription::settle() noexcept {
    if (waiting_->times_events_off == circuit.times_events_off()) return;
    waiting_->times_events_off = circuit.times_events_off();
    keep_newest();
}

void Subscription::keep_newest() noexcept {
    std::vector<Event>& events = waiting_->events;
    if (events.size() < 2) return;
    Event newest = std::move(events.back());
    events.pop_back();
    for (const Event& older : events) {
        newest.mask |= older.mask;
        circuit.uncount_waiting(older.snapshot->size_bytes());
    }
    events.clear();
    events.push_back(std::move(newest));  // in the memory that is there
}

}  // namespace pcas
