// One process variable: its current snapshot, and the events that wait for the loop.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "access/security.hpp"
#include "base/export.hpp"
#include "base/indexed_list.hpp"
#include "base/instances.hpp"
#include "base/intrusive_list.hpp"
#include "base/ref.hpp"
#include "dbr/snapshot.hpp"
#include "pv/event_mask.hpp"

namespace pcas {

class Channel;       // server/: a circuit's attachment to this PV
class Subscription;  // server/: one EVENT_ADD on this PV
class PostQueue;
class SerialPuts;

struct Event {
    SnapshotPtr snapshot;
    EventMask mask;
    std::uint64_t number = 0;  // of the PV's posts
};

class PCAS_API Pv final : public RefCounted, public CountedInstance<Counted::Pv> {
  public:
    // `max_count` is the number of elements announced to clients, at least 1.
    // The first snapshot is one zero (or empty text), UDF and INVALID, stamped 0.
    static Ref<Pv> create(std::string name, DbfType type, std::uint32_t max_count,
                          MetadataPtr metadata);
    static void destroy(const Pv* pv) noexcept { delete pv; }

    const std::string& name() const noexcept { return name_; }
    DbfType type() const noexcept { return type_; }
    std::uint32_t max_count() const noexcept { return max_count_; }

    // ---- any thread ----
    SnapshotPtr snapshot() const;
    // Replaces the value that gets are answered with; tells no subscriber.
    // The snapshot must have this PV's type, at most max_count elements and metadata.
    void set(SnapshotPtr snapshot);
    // Replaces the value and queues it to the subscriptions whose mask has a bit of
    // `mask`. When a subscriber falls behind, the newest queued value is replaced, so
    // that the last one always arrives.
    void post(SnapshotPtr snapshot, EventMask mask);

    // Gets are answered by a ReadRequest (a Driver that overrides read) instead of from
    // the snapshot.
    void set_reads_by_request(bool on) noexcept { reads_by_request_.store(on); }
    bool reads_by_request() const noexcept { return reads_by_request_.load(); }
    // That there are subscriptions, and then none any more, is told by an Interest
    // request. What comes and goes between two takes of the queue is not told.
    void set_wants_interest(bool on) noexcept { wants_interest_.store(on); }
    bool wants_interest() const noexcept { return wants_interest_.load(); }
    // Put callbacks are carried out one at a time, each until it is completed.
    void set_puts_in_series(bool on);
    bool puts_in_series() const noexcept { return puts_in_series_.load(); }
    // The driver is done with the put callback that it was asked to carry out.
    void end_put(EcaStatus status);
    // Null before set_puts_in_series(true).
    SerialPuts* serial_puts() const noexcept { return serial_puts_.load(); }
    // Its access security group; the channels there are get its rights, too.
    void set_access_group(std::string group) { access_.set_group(std::move(group)); }
    std::string access_group() const { return access_.group(); }
    AccessMember& access() noexcept { return access_; }

    bool has_subscriptions() const;
    // Loop thread: interest changed; true if a request has to be queued for it.
    bool interest_changed() noexcept { return !interest_queued_.exchange(true); }
    // Who takes that request: true if `now` is set to something that was not told yet.
    bool take_interest(bool& now);

    // For whoever made this PV; the engine never looks at it. Guarded by its user.
    void* owner = nullptr;

    // ---- loop thread of the server that serves this PV ----
    // What a subscription that joins now has to know: the value it starts with, and the
    // number of the post that brought it. Events up to that are for others.
    struct Joined {
        SnapshotPtr current;
        std::uint64_t number;
    };
    Joined join(std::shared_ptr<PostQueue> queue);
    void no_subscriptions();
    // Moves what waits into `into`, whose memory is used again.
    void take_events(std::vector<Event>& into);

    IntrusiveList<Channel> channels;
    IndexedList<Subscription> subscriptions;

  private:
    Pv(std::string name, DbfType type, std::uint32_t max_count) noexcept;
    ~Pv();
    void queue_up(std::shared_ptr<PostQueue> queue);

    static constexpr std::size_t kMaxEvents = 4096;
    static constexpr std::size_t kMaxEventsBehind = 8;  // while the loop is behind
    static constexpr std::size_t kMaxEventBytes = 1 << 20;

    // constant after construction
    const std::string name_;
    const std::uint32_t max_count_;
    const DbfType type_;

    std::atomic<bool> reads_by_request_{false};
    std::atomic<bool> wants_interest_{false};
    std::atomic<bool> interest_queued_{false};
    std::atomic<bool> puts_in_series_{false};
    std::atomic<SerialPuts*> serial_puts_{nullptr};  // owned
    AccessMember access_;

    mutable std::mutex mutex_;  // leaf; guards all below
    SnapshotPtr current_;
    std::uint64_t posted_ = 0;
    struct Pending {
        std::shared_ptr<PostQueue> queue;
        std::vector<Event> events;
        std::size_t bytes = 0;
        bool queued = false;  // this PV is in `queue`
    };
    std::unique_ptr<Pending> pending_;  // set while there are subscriptions
    bool told_interest_ = false;
};

using PvPtr = Ref<Pv>;

// The PVs with events that the loop has not taken yet. Any thread pushes, the loop
// takes.
class PostQueue {
  public:
    virtual ~PostQueue() = default;
    // Each wakes the loop if need be. Throws std::bad_alloc, and then took nothing.
    virtual void push(PvPtr pv) = 0;
    // Takes all of `pvs` and leaves it empty.
    virtual void push_all(std::vector<PvPtr>& pvs) = 0;

    // The loop cannot deliver as fast as there are posts: few are worth keeping.
    bool behind() const noexcept { return behind_.load(std::memory_order_relaxed); }
    void set_behind(bool on) noexcept {
        if (on != behind()) behind_.store(on, std::memory_order_relaxed);
    }

  private:
    std::atomic<bool> behind_{false};
};

// Between begin() and end(), which nest, the calling thread gathers its posts; end()
// hands them to the loop in one piece (very many: in several). Meant for a driver that
// updates hundreds of PVs at a time: each client then gets them together. Nothing in
// between may wait.
class PCAS_API PostBatch {
  public:
    static void begin() noexcept;
    static void end();  // throws std::bad_alloc: the posts wait for the next one

  private:
    friend class Pv;
    static void push(std::shared_ptr<PostQueue> queue, PvPtr pv);
};

}  // namespace pcas
