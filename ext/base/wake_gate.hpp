// When a thread that left work for the loop has to wake it.
//
// A wake-up costs system calls on both sides, so work that comes within kInterval after
// a wake-up is left for the loop to find: it sleeps no longer than sleep_until(). Work
// is put into its queue before signal() is called, hence nothing is missed.
//
// The one gap: a thread reads the clock within kInterval, and the loop goes to sleep
// for longer behind it. So both tell before they look: the thread sets unwoken_ and
// looks at asleep_, the loop sets asleep_ and looks at unwoken_.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>

namespace pcas {

class WakeGate {
  public:
    using Clock = std::chrono::steady_clock;
    static constexpr std::chrono::microseconds kInterval{200};

    // `wake` may be called by any thread; it only writes to a descriptor.
    explicit WakeGate(std::function<void()> wake) : wake_(std::move(wake)) {}

    // Any thread, after the work is in its queue.
    void signal() {
        const std::int64_t now = Clock::now().time_since_epoch().count();
        std::int64_t last = last_wake_.load(std::memory_order_relaxed);
        if (now - last < std::chrono::nanoseconds(kInterval).count()) {
            unwoken_.store(true);
            if (!asleep_.load() || !asleep_.exchange(false)) return;
            last_wake_.store(now);
            wake_();
        } else if (last_wake_.compare_exchange_strong(last, now)) {
            asleep_.store(false);  // one wake-up is enough
            wake_();
        } else {
            unwoken_.store(true);  // another thread wakes it, after our work came
        }
    }
    // Any thread, instead of signal() when flush() is to follow soon.
    void note() noexcept { unwoken_.store(true); }
    // Any thread: no more work is to come soon, so wake for what was left.
    void flush() {
        if (!unwoken_.exchange(false)) return;
        last_wake_.store(Clock::now().time_since_epoch().count());
        wake_();
    }
    // Loop thread, just before it takes the work.
    void taken() noexcept {
        asleep_.store(false);
        unwoken_.store(false);
    }
    // Loop thread, just before it sleeps: until when at most. After max() every signal
    // wakes it until taken().
    Clock::time_point sleep_until() noexcept {
        const auto again =
            Clock::time_point(Clock::duration(last_wake_.load())) + kInterval;
        if (again > Clock::now()) return again;
        asleep_.store(true);
        return unwoken_.load() ? again : Clock::time_point::max();
    }

  private:
    const std::function<void()> wake_;
    std::atomic<std::int64_t> last_wake_{0};  // Clock's ticks
    std::atomic<bool> unwoken_{false};        // work came that nobody was woken for
    std::atomic<bool> asleep_{false};  // the loop sleeps, or is about to, for long
};

}  // namespace pcas
