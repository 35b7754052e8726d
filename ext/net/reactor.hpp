// A thread that waits for sockets, for the clock and for what others ask of it.
#pragma once

#include <atomic>
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

// What is done with it: all on its thread.
class ReactorWork {
  public:
    virtual void begin() = 0;
    virtual void end() noexcept = 0;
    // In each turn, ahead of the sockets that are ready, and behind them and the
    // timers.
    virtual void before_io() = 0;
    virtual void after_io() = 0;
    // There is work left: the next turn follows at once.
    virtual bool has_more() const noexcept = 0;
    // A turn, or a command, was broken off.
    virtual void on_exception(const char* where,
                              const std::exception& error) noexcept = 0;

  protected:
    ~ReactorWork() = default;
};

class Reactor {
  public:
    Reactor();  // throws std::system_error

    // ---- any thread ----
    void stop() noexcept;
    // Runs `command` on the thread, soon.
    void call(std::function<void()> command) { commands_.push(std::move(command)); }
    // Held in a turn, free while it sleeps: who holds it knows that the thread holds no
    // other lock (fork).
    std::mutex& turn_mutex() noexcept { return turn_mutex_; }
    // Wakes it for work that was put where it will look.
    const std::shared_ptr<WakeGate>& gate() const noexcept { return gate_; }

    // ---- its thread ----
    void run(ReactorWork& work) noexcept;  // until stop()
    void turn(ReactorWork& work);
    // True on its thread, and anywhere while it does not run.
    bool in_loop() const noexcept;
    Poller& poller() noexcept { return *poller_; }
    Timers& timers() noexcept { return timers_; }

    // ---- the child after fork() ----
    void abandon() noexcept;

  private:
    std::chrono::nanoseconds sleep_time(const ReactorWork& work) noexcept;
    void run_commands(ReactorWork& work);

    std::thread::id thread_;
    std::mutex turn_mutex_;
    std::atomic<bool> stopping_{false};
    const std::unique_ptr<Poller> poller_;
    const std::shared_ptr<Waker> waker_;
    const std::shared_ptr<WakeGate> gate_;
    Timers timers_;
    Mailbox<std::function<void()>> commands_;
    std::vector<std::function<void()>> taken_;
};

}  // namespace pcas
