#include "pv/pv_clients.hpp"

#include <mutex>
#include <utility>

#include "pv/pv.hpp"

namespace pcas {

PvClients::PvClients(Pv& pv, std::shared_ptr<PostQueue> queue) noexcept
    : pv_(pv), queue_(std::move(queue)) {}

bool PvClients::add(const SnapshotPtr& snapshot, EventMask mask, std::uint64_t number) {
    if (!subscribed_) return false;
    const std::size_t room = queue_->behind() ? kMaxEventsBehind : kMaxEvents;
    const bool full = events_.size() >= room || bytes_ >= kMaxEventBytes;
    if (full && !events_.empty()) {
        Event& newest = events_.back();
        bytes_ -= newest.snapshot->size_bytes();
        newest.snapshot = snapshot;
        newest.mask |= mask;
        newest.number = number;
        overrun_ = true;
    } else {
        events_.push_back({snapshot, mask, number});
    }
    bytes_ += snapshot->size_bytes();
    return !queued_;
}

PvClients::Joined PvClients::join(EventMask wanted) {
    Joined joined;
    PvCompanionPtr companion;
    {
        std::lock_guard lock(pv_.mutex_);
        joined = {pv_.current_, pv_.posted_, !pv_.has_subscriptions_now()};
        subscribed_ = true;
        wanted_ |= wanted;
        companion = pv_.companion_now();
    }
    if (companion) companion->on_joined(wanted);
    return joined;
}

bool PvClients::no_subscriptions() {
    std::vector<Event> dropped;  // without the lock
    std::lock_guard lock(pv_.mutex_);
    subscribed_ = false;
    wanted_ = 0;
    bytes_ = 0;
    overrun_ = false;
    dropped.swap(events_);
    return !pv_.has_subscriptions_now();
}

void PvClients::take_events(std::vector<Event>& into) {
    into.clear();
    if (!attached_) return;
    std::lock_guard lock(pv_.mutex_);
    overrun_ = false;
    queued_ = false;
    bytes_ = 0;
    events_.swap(into);
}

}  // namespace pcas
