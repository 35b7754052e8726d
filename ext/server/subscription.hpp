// One EVENT_ADD: what a channel's client wants to be told, and what it has not got yet.
// Loop thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/indexed_list.hpp"
#include "base/instances.hpp"
#include "base/intrusive_list.hpp"
#include "net/time_budget.hpp"
#include "pv/pv.hpp"

namespace pcas {

class CaPv;
class Channel;
class Circuit;
class UpdateForm;

struct WaitingTag;  // the circuit's list of subscriptions that have events waiting

class Subscription final : public IndexedNode<Subscription>,
                           public ListNode<Subscription, WaitingTag>,
                           public CountedInstance<Counted::Subscription> {
  public:
    static constexpr std::size_t kMaxQueue = 16;

    Subscription(Channel& of, std::uint32_t id, DbrType dbr_type,
                 std::uint32_t dbr_count, EventMask event_mask) noexcept;
    ~Subscription() { drop_waiting(); }

    // What a delivery needs lies close together.
    Circuit& circuit;
    Channel& channel;
    const std::uint32_t subid;
    const std::uint32_t count;  // 0: as many as there are
    const DbrType type;
    const EventMask mask;
    bool may_read;                // as the channel's rights say
    bool access_changed = false;  // the next update says so: an error, or the value
    // Events of the PV up to this number are older than what it began with.
    std::uint64_t joined = 0;
    // The number of the Read request that will bring the first update; 0: none. One
    // that was made for an earlier subscription of this SUBID read an older value.
    std::uint64_t awaited_read = 0;

    // Sends the event, or keeps it while the circuit takes no updates. When the queue
    // is full (or events are off: as soon as one waits) the newest one is replaced.
    // `form` makes the message that the event's other subscriptions share.
    void deliver(const Event& event, UpdateForm& form) noexcept;
    // Sends the oldest waiting event.
    void send_waiting();
    bool has_waiting() const noexcept { return access_changed || waiting_; }
    // The channel may read now, or no more.
    void change_access(bool readable);
    // Sends `snapshot` whatever its mask, ahead of what waits: the first update.
    void deliver_first(const SnapshotPtr& snapshot);
    void drop_waiting() noexcept;

  private:
    struct Waiting {
        std::vector<Event> events;  // oldest first, never empty
        std::uint64_t times_events_off = 0;
    };
    void wait(const SnapshotPtr& snapshot, EventMask event_mask);
    void settle() noexcept;
    void keep_newest() noexcept;

    std::unique_ptr<Waiting> waiting_;  // null if none
};

// Delivers the event to all subscriptions of `ca_pv`; false if time is up before the
// last of them, and then the next call goes on.
bool deliver(CaPv& ca_pv, const Event& event, Pace& pace) noexcept;

}  // namespace pcas
