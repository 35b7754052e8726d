// The server at work: what is done in each turn, and in which order. What the comments
// of this folder call the loop thread is whoever has the turn: the loop's own thread,
// or one that leads in its place (net/reactor.hpp).
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "net/reactor.hpp"
#include "pv/pv.hpp"
#include "pv/request_queue.hpp"
#include "server/beacon.hpp"
#include "server/circuits.hpp"
#include "server/deliveries.hpp"
#include "server/inquiry.hpp"
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
    void call(std::function<void()> command) { reactor_.call(std::move(command)); }
    std::mutex& turn_mutex() noexcept { return reactor_.turn_mutex(); }
    // Takes a turn, if nobody has it.
    bool try_turn() noexcept { return reactor_.try_turn(*this); }
    // There is work that nobody was woken for.
    bool unwoken() const noexcept { return reactor_.gate()->unwoken(); }
    // Waits for requests where the loop waits, and takes its turns meanwhile. As
    // Reactor::begin_to_lead() and lead().
    bool begin_to_lead() noexcept { return reactor_.begin_to_lead(); }
    void lead(Reactor::Clock::time_point until) noexcept;
    // Has it answered on the thread, over as many turns as it takes.
    void ask(std::shared_ptr<Inquiry> inquiry);

    // ---- its own thread ----
    void run() noexcept { reactor_.run(*this); }

    // ---- the child after fork() ----
    void abandon() noexcept;

  private:
    friend struct LoopDriver;  // tests take the turns themselves, without a thread

    void begin() override;
    void end() noexcept override;
    void before_io(std::size_t ready) override;
    void after_io() override;
    bool has_more() const noexcept override;
    void on_exception(const char* where, const std::exception& error) noexcept override;
    void take_removed();
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
    // Being taken; their memory is used again.
    std::vector<PvPtr> removed_;
    std::vector<Completion> completions_;
    bool cache_sweep_planned_ = false;
};

}  // namespace pcas
