// A thread that waits for sockets, for the clock and for what others ask of it.
//
// What is done with that is done in turns, by whoever has the turn: that is a mutex,
// and no thread holds it while it sleeps. Besides the reactor's own thread these take
// turns:
// - one that leads. It has nothing to do but to wait for what comes out of a turn. So
//   it waits for the sockets itself, and what comes for it costs no change of threads.
//   The reactor's own thread stands by meanwhile. As soon as the leader has something
//   else to do, it leaves, and the one that stands by is woken by the next socket.
// - one that has put work where the turn finds it, and finds the turn free.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/mailbox.hpp"
#include "base/wake_gate.hpp"
#include "net/poller.hpp"
#include "net/timers.hpp"
#include "net/waker.hpp"

namespace pcas {

// What is done with it: all by whoever has the turn.
class ReactorWork {
  public:
    virtual void begin() = 0;
    virtual void end() noexcept = 0;
    // In each turn, ahead of the sockets that are ready, and behind them and the
    // timers.
    virtual void before_io(std::size_t ready) = 0;
    virtual void after_io() = 0;
    // There is work left: the next turn follows at once.
    virtual bool has_more() const noexcept = 0;
    // A turn, or a command, was broken off.
    virtual void on_exception(const char* where,
                              const std::exception& error) noexcept = 0;

  protected:
    ~ReactorWork() = default;
};

// What a thread that leads waits for. Reactor::wake() is called once it is there.
class Awaited {
  public:
    // It is about to sleep. False if it is there already.
    virtual bool may_sleep() = 0;
    // It does not sleep any more: whether it was woken for it.
    virtual bool has_come() noexcept = 0;

  protected:
    ~Awaited() = default;
};

class Reactor {
  public:
    using Clock = Timers::Clock;

    Reactor();  // throws std::system_error

    // ---- any thread ----
    void stop() noexcept;
    // Runs `command` in a turn, soon.
    void call(std::function<void()> command) { commands_.push(std::move(command)); }
    // Held in a turn, free while all sleep: who holds it knows that no thread holds
    // another lock for a turn (fork).
    std::mutex& turn_mutex() noexcept { return turn_mutex_; }
    // Wakes it for work that was put where it will look.
    const std::shared_ptr<WakeGate>& gate() const noexcept { return gate_; }
    void wake() noexcept { waker_->wake(); }

    // ---- any other thread ----
    // Takes a turn, if nobody has it.
    bool try_turn(ReactorWork& work) noexcept;
    // True: the caller leads, and must call lead(). Until that returns the reactor's
    // own thread does not end. False: another one does, or nobody can by now.
    bool begin_to_lead() noexcept;
    // Waits and takes turns, until then or until what it awaits has come.
    void lead(ReactorWork& work, Awaited& awaited, Clock::time_point until) noexcept;

    // ---- its thread ----
    void run(ReactorWork& work) noexcept;  // until stop()

    // ---- who has the turn ----
    void turn(ReactorWork& work, ReadySockets& ready);
    // True for who has the turn, and anywhere while it does not run.
    bool in_loop() const noexcept;
    Poller& poller() noexcept { return *poller_; }
    Timers& timers() noexcept { return timers_; }

    // ---- the child after fork() ----
    void abandon() noexcept;

  private:
    enum class Standby { Off, Wanted, On };
    void sleep(ReactorWork& work, std::unique_lock<std::mutex>& lock);
    void settle_standby();
    Clock::time_point sleep_until(const ReactorWork& work) noexcept;
    template <class F>
    void guarded(ReactorWork& work, F&& f) noexcept;
    void leave(const ReactorWork& work) noexcept;
    void run_commands(ReactorWork& work);

    std::mutex turn_mutex_;  // before all that is locked in a turn
    std::atomic<bool> stopping_{false};
    const std::unique_ptr<Poller> poller_;
    const std::shared_ptr<Waker> waker_;
    const std::shared_ptr<WakeGate> gate_;
    Mailbox<std::function<void()>> commands_;

    // ---- who has the turn ----
    bool running_ = false;
    std::thread::id whose_turn_;
    Timers timers_;
    std::vector<std::function<void()>> taken_;
    Standby standby_ = Standby::Off;  // what its own thread does while it sleeps
    bool led_ = false;                // a thread is in lead(), or about to be
    std::condition_variable led_no_more_;
    unsigned alone_ = 0;          // turns since
    Clock::time_point wakes_at_;  // its own thread, of itself
    ReadySockets none_;           // empty

    // ---- its thread ----
    ReadySockets ready_;
};

}  // namespace pcas
