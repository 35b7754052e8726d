// Wakes an event loop from any thread: through a descriptor that the loop watches, or,
// for loops that cannot watch one, through a thread that waits for a condition.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "client/export.hpp"

namespace aioca {

class AIOCA_API Waker {
  public:
    Waker() = default;
    ~Waker() { close(); }
    Waker(const Waker&) = delete;
    Waker& operator=(const Waker&) = delete;

    // The descriptor that becomes readable, made on the first call; -1 if there is
    // none.
    int descriptor();

    // Any thread.
    void wake();

    // Loop thread: before it takes what is queued.
    void reset();

    // Helper thread, without the GIL: false when the waker was stopped.
    bool wait();

    // A program without an event loop, without the GIL: returns when it was woken, when
    // the time is over, or when a signal came.
    void wait_at_most(std::chrono::milliseconds time);

    // Ends wait() for good.
    void stop();

    void close();

  private:
    int read_end_ = -1;
    int write_end_ = -1;
    std::mutex mutex_;
    std::condition_variable condition_;
    bool signalled_ = false;
    bool stopped_ = false;
};

}  // namespace aioca
