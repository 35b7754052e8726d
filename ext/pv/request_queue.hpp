// Requests on their way to Python, and their completions on the way back.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "base/wake_gate.hpp"
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
    std::size_t waiting() const;   // threads in take()

  private:
    mutable std::mutex mutex_;   // leaf; guards all below
    std::condition_variable ready_;
    std::deque<RequestPtr> requests_;
    std::size_t waiting_ = 0;
    std::uint64_t interrupts_ = 0;
    bool closed_ = false;
};

// Python -> loop. Wakes the loop as WakeGate says: a burst of completions costs few
// wake-ups, and none waits for the request after it, however long that one blocks.
class CompletionQueue {
  public:
    struct Entry {
        RequestPtr request;
        bool completed;   // false: only deferred
    };

    // Any thread.
    void push(RequestPtr request, bool completed);
    // Any thread: wakes the loop for what push() left to be found.
    void flush();
    // Loop thread.
    std::vector<Entry> take();
    // Pushes take effect between open() and close(), while the server runs.
    void open(std::shared_ptr<WakeGate> gate);
    void close();

  private:
    std::mutex mutex_;   // leaf; guards all below
    std::vector<Entry> entries_;
    std::shared_ptr<WakeGate> gate_;   // null while closed
};

}  // namespace pcas
