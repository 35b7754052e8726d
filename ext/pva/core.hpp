// What the parts of a PVAccess server share.
//
// Three threads are at work: pvxs' worker, which runs all connections and calls us for
// each operation; a thread of pvxs that also asks for names; and the feeder, which
// takes what comes from elsewhere (posts, completions, changed rights, removed PVs).
// None of them ever waits for Python.
//
// All state is guarded by the turn mutex, which worker and feeder hold while they are
// in here. It goes ahead of the locks of pv/ and access/. What of pvxs waits for the
// worker is called without it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "access/security.hpp"
#include "base/log.hpp"
#include "pv/namespace.hpp"
#include "pv/posts.hpp"
#include "pva/connection.hpp"
#include "pva/counters.hpp"
#include "pva/names_asked.hpp"
#include "pva/request.hpp"

namespace pcas::pva {

class Channel;

// What a client may have waiting for Python.
struct Limits {
    std::size_t max_open_requests = 10'000;
    std::size_t max_open_bytes = std::size_t{64} << 20;
};

// The turn mutex. Worker and feeder take it in turns: the feeder, which would have it
// again before the other wakes up, gives way.
class Turn {
  public:
    void lock();
    void unlock() { mutex_.unlock(); }
    // The feeder, without it: until nobody waits for it, but not for long.
    void give_way() const noexcept;

  private:
    std::mutex mutex_;
    std::atomic<unsigned> waiting_{0};
};

// Where the feeder sleeps.
class Bell {
  public:
    void ring();
    // Until it rings, or `until`.
    void wait(WakeGate::Clock::time_point until);

  private:
    std::mutex mutex_;
    std::condition_variable rung_;
    bool ringing_ = false;
};

// Channels whose rights may have changed, by number. A lost one is one of many.
class RightsChanges final : public RightsQueue {
  public:
    explicit RightsChanges(std::shared_ptr<WakeGate> gate)
        : changes_(std::move(gate)) {}
    void push(Entry entry) noexcept override;
    // The feeder. False: there was no memory to say which, it may be any.
    bool take(std::vector<Entry>& into);

  private:
    Mailbox<Entry> changes_;
    std::atomic<bool> any_{false};
};

struct Core {
    Core(std::shared_ptr<Namespace> with_names, Log& to_log, Limits with_limits);
    Core(const Core&) = delete;
    Core& operator=(const Core&) = delete;

    const std::shared_ptr<Namespace> names;
    Log& log;
    const Limits limits;
    const std::shared_ptr<Counters> counters = std::make_shared<Counters>();
    const std::shared_ptr<Bell> bell = std::make_shared<Bell>();
    const std::shared_ptr<WakeGate> gate;
    const std::shared_ptr<Posts> posts;
    const std::shared_ptr<Answers> answers = std::make_shared<Answers>();
    const std::shared_ptr<RemovedPvs> removed = std::make_shared<RemovedPvs>();
    RightsChanges rights_changes;
    NamesAsked asked;

    Connections connections;  // the worker only

    Turn turn;
    // ---- guarded by it ----
    std::unordered_map<std::uint64_t, Channel*> channels;  // by id
    std::uint32_t last_channel = 0;

    // Queues it for Python; false, and the request untouched, if the client has enough
    // of them there.
    bool ask(const PvaRequestPtr& request);
};

}  // namespace pcas::pva
