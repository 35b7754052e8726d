// The clients that one server has on a PV, and the events that wait for them. Every
// server has a queue of its own, so that a slow one holds no other back.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/export.hpp"
#include "base/ref.hpp"
#include "dbr/snapshot.hpp"
#include "pv/event_mask.hpp"

namespace pcas {

class PostQueue;
class Pv;

struct Event {
    SnapshotPtr snapshot;
    EventMask mask;
    std::uint64_t number = 0;  // of the PV's posts
};

// A server derives from it what it has to know: its channels and subscriptions, say. It
// is attached to the PV from the first of these clients to the last, while the server
// holds the PV.
class PCAS_API PvClients : public RefCounted {
  public:
    static void destroy(const PvClients* clients) noexcept { delete clients; }
    PvClients(const PvClients&) = delete;
    PvClients& operator=(const PvClients&) = delete;

    Pv& pv() const noexcept { return pv_; }  // while it is attached
    PostQueue& queue() const noexcept { return *queue_; }

    // ---- thread of the server ----
    // For whoever looks inside: how many channels it has on the PV.
    void count_channel() noexcept { channels_counted_.fetch_add(1, kRelaxed); }
    void uncount_channel() noexcept { channels_counted_.fetch_sub(1, kRelaxed); }
    std::uint32_t channels_counted() const noexcept {  // any thread
        return channels_counted_.load(kRelaxed);
    }
    // What a subscription that joins now has to know: the value it starts with, and the
    // number of the post that brought it. Events up to that are for others.
    struct Joined {
        SnapshotPtr current;
        std::uint64_t number;
        bool first;  // of the PV's subscriptions, whatever their protocol
    };
    Joined join(EventMask wanted);
    // True: nor has any other server some.
    bool no_subscriptions();
    // Moves what waits into `into`, whose memory is used again. Nothing, if it is not
    // attached any more.
    void take_events(std::vector<Event>& into);

  protected:
    // Posts put it in `queue`, which is the server's.
    PvClients(Pv& pv, std::shared_ptr<PostQueue> queue) noexcept;
    virtual ~PvClients() = default;

  private:
    friend class Pv;
    // The PV's mutex is held. True if it has to be put in its queue.
    bool add(const SnapshotPtr& snapshot, EventMask mask, std::uint64_t number);

    static constexpr auto kRelaxed = std::memory_order_relaxed;
    static constexpr std::size_t kMaxEvents = 4096;
    static constexpr std::size_t kMaxEventsBehind = 8;  // while the server is behind
    static constexpr std::size_t kMaxEventBytes = 1 << 20;

    Pv& pv_;
    const std::shared_ptr<PostQueue> queue_;
    bool attached_ = false;  // thread of the server
    std::atomic<std::uint32_t> channels_counted_{0};
    // guarded by the PV's mutex
    Ref<PvClients> next_;  // of the PV's
    std::vector<Event> events_;
    std::size_t bytes_ = 0;
    EventMask wanted_ = 0;     // by those that joined
    bool subscribed_ = false;  // events are queued
    bool queued_ = false;      // it is in `queue_`
    bool overrun_ = false;     // one of `events_` has replaced another
};

using PvClientsPtr = Ref<PvClients>;

// The PVs of a server that have events which it has not taken yet. Any thread pushes,
// the server's takes.
class PostQueue {
  public:
    virtual ~PostQueue() = default;
    // Each wakes the server if need be. Throws std::bad_alloc, and then took nothing.
    virtual void push(PvClientsPtr clients) = 0;
    // Takes all of `clients` and leaves it empty.
    virtual void push_all(std::vector<PvClientsPtr>& clients) = 0;

    // The server cannot deliver as fast as there are posts: few are worth keeping.
    bool behind() const noexcept { return behind_.load(std::memory_order_relaxed); }
    void set_behind(bool on) noexcept {
        if (on != behind()) behind_.store(on, std::memory_order_relaxed);
    }

  private:
    std::atomic<bool> behind_{false};
};

// Between begin() and end(), which nest, the calling thread gathers its posts; end()
// hands them to each server in one piece (very many: in several). Meant for a driver
// that updates hundreds of PVs at a time: each client then gets them together. Nothing
// in between may wait.
class PCAS_API PostBatch {
  public:
    static void begin() noexcept;
    static void end();  // throws std::bad_alloc: the posts wait for the next one

  private:
    friend class Pv;
    static void push(const PvClientsPtr& clients);
};

}  // namespace pcas
