// A mutex of four bytes, for objects that there are many of: a std::mutex takes forty.
// For a leaf that is held for a few instructions.
#pragma once

#include <atomic>
#include <cstdint>

namespace pcas {

class SmallMutex {
  public:
    SmallMutex() = default;
    SmallMutex(const SmallMutex&) = delete;
    SmallMutex& operator=(const SmallMutex&) = delete;

    void lock() noexcept {
        std::uint32_t free = kFree;
        if (!state_.compare_exchange_strong(free, kHeld, std::memory_order_acquire,
                                            std::memory_order_relaxed)) {
            wait();
        }
    }
    // Whoever gets the mutex now may destroy it: nothing of it is read afterwards, and
    // notify_one() uses its address only.
    void unlock() noexcept {
        if (state_.exchange(kFree, std::memory_order_release) == kAwaited)
            state_.notify_one();
    }

  private:
    // Whoever had to wait takes it as awaited: there may be others who wait.
    void wait() noexcept {
        while (state_.exchange(kAwaited, std::memory_order_acquire) != kFree)
            state_.wait(kAwaited, std::memory_order_relaxed);
    }

    static constexpr std::uint32_t kFree = 0, kHeld = 1, kAwaited = 2;
    std::atomic<std::uint32_t> state_{kFree};
};

}  // namespace pcas
