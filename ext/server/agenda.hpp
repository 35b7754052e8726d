// Which circuits are served next, and for how long at a time. Loop thread only.
#pragma once

#include <cstddef>

#include "base/intrusive_list.hpp"
#include "net/time_budget.hpp"

namespace pcas {

class Circuit;
struct FlushTag;    // circuits with output to send
struct WorkTag;     // circuits that go on in the next turn
struct StarvedTag;  // circuits that wait for what others hold
struct DiscardTag;  // circuits that are closed, to be taken apart

class Agenda {
  public:
    // It has something to send: an answer in this turn, updates when their turn comes.
    void mark_output(Circuit& circuit, bool answer);
    // It goes on in the next turn, after others had theirs.
    void mark_work(Circuit& circuit);
    // It waits until less is held for its host, or in all.
    void mark_starved(Circuit& circuit);
    // It is taken apart and removed, from the end of this turn on.
    void discard(Circuit& circuit);
    // How long a circuit may execute requests at a time: less if many have some.
    TimeBudget::Clock::duration slice() const noexcept { return slice_; }

    // ---- by the loop, in each turn ----
    void begin_turn(std::size_t ready) noexcept;
    void flush_output();
    void go_on();
    // Those that had to wait for others go on: there is room again, for some at least.
    void feed();
    // Null if there is none.
    Circuit* first_discarded() noexcept;
    bool has_more() const noexcept {
        return !with_answers_.empty() || !with_updates_.empty() ||
               !with_work_.empty() || !discarded_.empty();
    }

  private:
    void flush_updates();

    IntrusiveList<Circuit, FlushTag> with_answers_, with_updates_;
    IntrusiveList<Circuit, WorkTag> with_work_;
    IntrusiveList<Circuit, StarvedTag> starved_;
    IntrusiveList<Circuit, DiscardTag> discarded_;
    TimeBudget::Clock::duration slice_{TimeBudget::kSlice};
};

}  // namespace pcas
