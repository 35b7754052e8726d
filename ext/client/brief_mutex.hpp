// A mutex that is held for some tens of instructions at a time.
#pragma once

#include <mutex>

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace aioca {

// Who finds it locked looks again for a moment before it sleeps: to sleep and to be
// woken takes a hundred times as long as its holder needs, and while updates stream in
// two threads want it all the time.
class BriefMutex {
  public:
    void lock() {
        for (int look = 0; look < LOOKS; ++look) {
            if (mutex_.try_lock()) return;
#if defined(__x86_64__) || defined(_M_X64)
            _mm_pause();
#endif
        }
        mutex_.lock();
    }
    void unlock() { mutex_.unlock(); }

  private:
    static constexpr int LOOKS = 40;
    std::mutex mutex_;
};

}  // namespace aioca
