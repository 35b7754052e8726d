// The server at work on its thread: what is done in each turn, and in which order.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "net/reactor.hpp"
#include "pv/pv.hpp"
#include "pv/request_queue.hpp"
#include "server/beacon.hpp"
#include "server/circuits.hpp"
#include "server/deliveries.hpp"
#include "server/listener.hpp"
#include "server/rights_changes.hpp"
#include "server/search.hpp"
#include "server/services.hpp"

namespace pcas {

class Loop final : private ReactorWork {
  public:
    explicit Loop(Shared& shared);
    ~Loop();

    // ---- before the thread runs ----
    void bind();  // throws std::system_error

    // ---- any thread ----
    void stop() noexcept { reactor_.stop(); }
    // Runs `command` on the loop thread, soon.
    void call(std::function<void()> command) { reactor_.call(std::move(command)); }
    std::mutex& turn_mutex() noexcept { return reactor_.turn_mutex(); }

    // ---- the loop thread ----
    void run() noexcept { reactor_.run(*this); }
    // The PV is not served any more.
    void disconnect(const PvPtr& pv);

    // ---- the child after fork() ----
    void abandon() noexcept;

  private:
    friend struct LoopDriver;  // tests take the turns themselves, without a thread

    void begin() override;
    void end() noexcept override;
    void before_io() override;
    void after_io() override;
    bool has_more() const noexcept override;
    void on_exception(const char* where, const std::exception& error) noexcept override;
    void take_completions();
    void plan_cache_sweep();
    void close_all() noexcept;

    Shared& shared_;
    Reactor reactor_;
    const std::shared_ptr<Posts> posts_;
    RightsChanges rights_changes_;
    Services services_;
    Circuits circuits_;
    Deliveries deliveries_;
    std::vector<std::unique_ptr<Listener>> listeners_;
    std::unique_ptr<SearchService> searches_;
    std::unique_ptr<Beacon> beacon_;
    std::vector<Completion> completions_;  // being taken; its memory is used again
    bool cache_sweep_planned_ = false;
};

}  // namespace pcas
