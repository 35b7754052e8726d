// Things to do later, by the monotonic clock. Loop thread only.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <utility>

namespace pcas {

class Timers {
  public:
    using Clock = std::chrono::steady_clock;

    void at(Clock::time_point when, std::function<void()> what) {
        due_.emplace(when, std::move(what));
    }
    void after(Clock::duration delay, std::function<void()> what) {
        at(Clock::now() + delay, std::move(what));
    }
    // When the next one is due; Clock::time_point::max() if there is none.
    Clock::time_point next() const noexcept {
        return due_.empty() ? Clock::time_point::max() : due_.begin()->first;
    }
    void run_due() {
        if (due_.empty()) return;
        const Clock::time_point now = Clock::now();
        while (!due_.empty() && due_.begin()->first <= now) {
            const std::function<void()> what = std::move(due_.begin()->second);
            due_.erase(due_.begin());
            what();
        }
    }

  private:
    std::multimap<Clock::time_point, std::function<void()>> due_;
};

}  // namespace pcas
