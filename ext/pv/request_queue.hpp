// Requests on their way to Python, and their completions on the way back.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "pv/request.hpp"

namespace pcas {

// Loop -> Python. Unbounded by itself: each circuit bounds what it has in it.
class RequestQueue {
  public:
    // Loop thread.
    void push(RequestPtr request);
    // Any thread: up to `max` requests, oldest first; waits at most `timeout` for the
    // first one. Returns empty on timeout, interrupt() or close().
    std::vector<RequestPtr> take(std::size_t max, std::chrono::nanoseconds timeout);
    // Wakes those who wait in take().
    void interrupt();
    void close();   // takes return at once from now on; what is queued is dropped
    void open();
    std::size_t size() const;

  private:
    mutable std::mutex mutex_;   // leaf; guards all below
    std::condition_variable ready_;
    std::deque<RequestPtr> requests_;
    std::size_t waiting_ = 0;
    std::uint64_t interrupts_ = 0;
    bool closed_ = false;
};

// Python -> loop. A completion wakes the loop at once if none did within the last
// 200 us; otherwise the loop, which looks again 1 ms after each wake-up while requests
// are open, finds it. So a burst costs few wake-ups and no answer waits for the next
// request, however long that one blocks.
class CompletionQueue {
  public:
    struct Entry {
        RequestPtr request;
        bool completed;   // false: only deferred
    };
    static constexpr std::chrono::microseconds kWakeInterval{200};
    // How long after a wake-up the loop looks for completions that did not wake it.
    static constexpr std::chrono::milliseconds kLookAgain{1};

    // Any thread.
    void push(RequestPtr request, bool completed);
    // Any thread: wakes the loop for what push() left to be found.
    void flush();
    // Loop thread.
    std::vector<Entry> take();
    // Pushes take effect between open() and close(), while the server runs. `wake` is
    // called with the lock held: it may only write to a descriptor.
    void open(std::function<void()> wake);
    void close();

  private:
    std::mutex mutex_;   // leaf; guards all below
    std::vector<Entry> entries_;
    std::chrono::steady_clock::time_point last_wake_{};
    bool unwoken_ = false;
    bool closed_ = true;
    std::function<void()> wake_;
};

}  // namespace pcas
