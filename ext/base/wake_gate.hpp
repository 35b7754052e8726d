// When a thread that left work for the loop has to wake it.
//
// A wake-up costs system calls on both sides, so work that comes within kInterval after
// a wake-up, while the loop is busy, is left for it to find: it sleeps no longer than
// sleep_until(). Work is put into its queue before signal() is called, hence nothing is
// missed. A loop that is woken by work which comes one at a time is not busy: a timed
// sleep behind each would cost more than the wake-up.
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
        if (hushed_ == this) return note();
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
    // From now on this thread's signals are notes, until it calls the next one. It does
    // so at once. For the engine's own library: another one that is made with this file
    // has its own threads' marks.
    void hush() const noexcept { hushed_ = this; }
    static void end_hush() noexcept { hushed_ = nullptr; }
    // There is work that nobody was woken for.
    bool unwoken() const noexcept { return unwoken_.load(); }
    // Any thread: no more work is to come soon, so wake for what was left.
    void flush() {
        if (!unwoken_.exchange(false)) return;
        last_wake_.store(Clock::now().time_since_epoch().count());
        wake_();
    }

    // ---- who takes the work: one thread at a time ----
    // Just before it does.
    void taken() noexcept {
        asleep_.store(false);
        busy_ = unwoken_.exchange(false);
    }
    // Just before it sleeps: until when at most. After max() every signal wakes it
    // until taken().
    Clock::time_point sleep_until() noexcept {
        const auto again =
            Clock::time_point(Clock::duration(last_wake_.load())) + kInterval;
        if (busy_ && again > Clock::now()) return again;
        asleep_.store(true);
        return unwoken_.load() ? again : Clock::time_point::max();
    }
    // Instead, where it leaves that to another thread, which sleeps: from now on every
    // signal wakes it until taken(). True: wake it for what came meanwhile.
    bool leave() noexcept {
        asleep_.store(true);
        return unwoken_.load();
    }

  private:
    const std::function<void()> wake_;
    std::atomic<std::int64_t> last_wake_{0};  // Clock's ticks
    std::atomic<bool> unwoken_{false};        // work came that nobody was woken for
    std::atomic<bool> asleep_{false};  // the loop sleeps, or is about to, for long
    bool busy_ = false;                // work came between its last two wake-ups
    inline static thread_local const WakeGate* hushed_ = nullptr;
};

}  // namespace pcas
