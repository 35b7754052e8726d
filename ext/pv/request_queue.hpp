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

// Loop -> Python. Each circuit bounds what it has in here, and the queue what circuits
// leave behind that come and go while Python is busy.
class RequestQueue {
  public:
    // `max_bytes` is of the values to write.
    explicit RequestQueue(std::size_t max_requests = 100'000,
                          std::size_t max_bytes = std::size_t{256} << 20) noexcept
        : max_requests_(max_requests), max_bytes_(max_bytes) {}

    // Loop thread. A request for which there is no room is dropped, and so fails.
    void push(RequestPtr request);
    // Any thread: up to `max` requests, oldest first; waits at most `timeout` for the
    // first one. Returns empty on timeout, interrupt() or close().
    std::vector<RequestPtr> take(std::size_t max, std::chrono::nanoseconds timeout);
    // Wakes those who wait in take().
    void interrupt();
    void close();  // takes return at once from now on; what is queued is dropped
    void open();
    std::size_t size() const;
    std::size_t waiting() const;    // threads in take()
    std::uint64_t dropped() const;  // for want of room, ever

  private:
    const std::size_t max_requests_, max_bytes_;
    mutable std::mutex mutex_;  // leaf; guards all below
    std::condition_variable ready_;
    std::deque<RequestPtr> requests_;
    std::size_t bytes_ = 0;
    std::uint64_t dropped_ = 0;
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
        bool completed;  // false: only deferred
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
    std::mutex mutex_;  // leaf; guards all below
    std::vector<Entry> entries_;
    std::shared_ptr<WakeGate> gate_;  // null while closed
};

}  // namespace pcas
