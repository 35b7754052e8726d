// How long one kind of work goes on in a turn before everybody else has theirs.
#pragma once

#include <chrono>

namespace pcas {

class TimeBudget {
  public:
    using Clock = std::chrono::steady_clock;
    // A turn may have several of these: to searches, to posts, to output.
    static constexpr std::chrono::milliseconds kSlice{1};

    // From now on.
    explicit TimeBudget(Clock::duration slice = kSlice) noexcept
        : end_(Clock::now() + slice) {}
    bool left() const noexcept { return Clock::now() < end_; }

  private:
    Clock::time_point end_;
};

// The same for many small steps: looks at the clock after some of them.
class Pace {
  public:
    static constexpr unsigned kSteps = 64;

    explicit Pace(TimeBudget::Clock::duration slice = TimeBudget::kSlice) noexcept
        : budget_(slice) {}
    // One more step is done: is it time to stop?
    bool over() noexcept { return ++steps_ % kSteps == 0 && over_now(); }
    // The same after a large one.
    bool over_now() const noexcept { return !budget_.left(); }

  private:
    TimeBudget budget_;
    unsigned steps_ = 0;
};

}  // namespace pcas
