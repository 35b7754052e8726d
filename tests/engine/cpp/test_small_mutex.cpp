// The mutex of four bytes: nobody is lost who waits, and nobody is in beside another.
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "base/small_mutex.hpp"
#include "check.hpp"

namespace pcas {
namespace {

constexpr int kThreads = 4, kTurns = 20000;

TEST_CASE("a small mutex lets one thread in at a time, and wakes all that wait") {
    SmallMutex mutex;
    std::uint64_t count = 0;  // no atomic: what is lost, or what TSan finds, is told
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < kTurns; ++i) {
                std::lock_guard lock(mutex);
                ++count;
                if (i % 1000 == 0)
                    std::this_thread::yield();  // the others have to wait
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(count == std::uint64_t{kThreads} * kTurns);
}

}  // namespace
}  // namespace pcas
