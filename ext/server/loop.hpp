// The thread that owns the network: waits, lets circuits and ports work, takes posts
// and completions, sends. One turn of run() is the whole life of the server.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/wake_gate.hpp"
#include "pv/pv.hpp"
#include "server/beacon.hpp"
#include "server/circuit.hpp"
#include "server/encoding_cache.hpp"
#include "server/listener.hpp"
#include "server/poller.hpp"
#include "server/search.hpp"
#include "server/shared.hpp"
#include "server/timers.hpp"
#include "server/waker.hpp"

namespace pcas {

class Loop {
  public:
    explicit Loop(Shared& shared);
    ~Loop();

    // ---- before the thread runs ----
    void bind();  // throws std::system_error

    // ---- any thread ----
    void stop() noexcept;
    // Runs `command` on the loop thread, soon.
    void call(std::function<void()> command);
    // Held while the loop works, free while it sleeps: who holds it knows that the loop
    // thread holds no other lock (fork).
    std::mutex& turn_mutex() noexcept { return turn_mutex_; }

    // ---- the loop thread ----
    void run() noexcept;
    // True on the loop thread, and anywhere while it does not run.
    bool in_loop() const noexcept;

    Shared& shared() noexcept { return shared_; }
    Poller& poller() noexcept { return *poller_; }
    Timers& timers() noexcept { return timers_; }
    EncodingCache& encodings() noexcept { return encodings_; }
    std::span<std::byte> scratch() noexcept { return scratch_; }
    std::shared_ptr<PostQueue> post_queue() noexcept;
    RightsQueue& rights_queue() noexcept;

    void adopt(UniqueSocket socket, const sockaddr_in& peer);
    Circuit* find_circuit(std::uint64_t id) noexcept;
    void mark_output(Circuit& circuit) { with_output_.push_back(circuit); }
    // Python has got a request: its completion is to come soon.
    void note_request() noexcept { requests_queued_ = true; }
    // Removes the circuit at the end of this turn.
    void discard(Circuit& circuit) noexcept { discarded_.push_back(circuit); }
    void disconnect(const PvPtr& pv);
    SearchService& searches() noexcept { return *searches_; }

    // ---- the child after fork() ----
    void abandon() noexcept;

  private:
    class Posts;
    class RightsChanges;
    friend struct LoopDriver;  // tests take the turns themselves, without a thread

    void open();
    void turn();
    void on_exception(const std::exception& error) noexcept;
    std::chrono::nanoseconds sleep_time() noexcept;
    void run_commands();
    void take_completions();
    void take_posts();
    void take_rights_changes();
    void flush_output();
    void remove_discarded();
    void close_all() noexcept;

    Shared& shared_;
    std::thread::id thread_;
    std::mutex turn_mutex_;
    std::unique_ptr<Poller> poller_;
    const std::shared_ptr<Waker> waker_;
    const std::shared_ptr<WakeGate> gate_;
    Timers timers_;
    EncodingCache encodings_;
    std::vector<std::byte> scratch_;

    const std::shared_ptr<Posts> posts_;
    std::vector<PvPtr> posted_;  // these two are kept for their memory
    std::vector<Event> events_;
    const std::unique_ptr<RightsChanges> rights_changes_;
    std::mutex command_mutex_;  // leaf; guards commands_
    std::vector<std::function<void()>> commands_;
    std::atomic<bool> stopping_{false};

    std::vector<std::unique_ptr<Listener>> listeners_;
    std::unique_ptr<SearchService> searches_;
    std::unique_ptr<Beacon> beacon_;

    std::unordered_map<std::uint64_t, std::unique_ptr<Circuit>> circuits_;
    std::unordered_map<std::uint32_t, std::size_t> circuits_by_host_;
    IntrusiveList<Circuit, FlushTag> with_output_;
    IntrusiveList<Circuit, DiscardTag> discarded_;
    bool cache_sweep_planned_ = false;
    bool requests_queued_ = false;  // in this turn
};

}  // namespace pcas
