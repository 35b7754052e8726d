// When a thread that left work for the loop has to wake it.
//
// A wake-up costs system calls on both sides, so work that comes within kInterval after
// a wake-up is left for the loop to find: it looks again at look_again(). Work is put
// into its queue before signal() is called, hence nothing is missed.
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
            return;
        }
        if (last_wake_.compare_exchange_strong(last, now)) wake_();
        else unwoken_.store(true);
    }
    // Any thread: no more work is to come soon, so wake for what signal() left.
    void flush() {
        if (!unwoken_.exchange(false)) return;
        last_wake_.store(Clock::now().time_since_epoch().count());
        wake_();
    }
    // Loop thread, just before it takes the work.
    void taken() noexcept { unwoken_.store(false); }
    // Loop thread: the time until which it may not sleep through.
    Clock::time_point look_again() const noexcept {
        return Clock::time_point(Clock::duration(last_wake_.load())) + kInterval;
    }

  private:
    const std::function<void()> wake_;
    std::atomic<std::int64_t> last_wake_{0};   // Clock's ticks
    std::atomic<bool> unwoken_{false};
};

}  // namespace pcas
