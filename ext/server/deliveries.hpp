// Posts on their way to subscriptions: any thread pushes PVs that have events, the loop
// delivers them for a slice of each turn and goes on in the next where it stopped.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "base/mailbox.hpp"
#include "net/time_budget.hpp"
#include "pv/pv.hpp"

namespace pcas {

class Posts final : public PostQueue {
  public:
    explicit Posts(std::shared_ptr<WakeGate> gate) : pvs_(std::move(gate)) {}
    void push(PvPtr pv) override { pvs_.push(std::move(pv)); }
    void push_all(std::vector<PvPtr>& pvs) override { pvs_.push_all(pvs); }
    // All there are; `into` is cleared first, and its memory used again.
    void take(std::vector<PvPtr>& into) { pvs_.take(into); }

  private:
    Mailbox<PvPtr> pvs_;
};

// Loop thread only.
class Deliveries {
  public:
    explicit Deliveries(std::shared_ptr<Posts> posts) : posts_(std::move(posts)) {}
    // Goes on for a slice of time.
    void run();
    // Something is left for the next turn.
    bool unfinished() const noexcept {
        return next_event_ < events_.size() || next_pv_ < pvs_.size();
    }

  private:
    bool deliver_events(Pace& pace);

    const std::shared_ptr<Posts> posts_;
    std::vector<PvPtr> pvs_;     // taken; those before next_pv_ are done, but for
    std::vector<Event> events_;  // these, which are of the last one of them
    std::size_t next_pv_ = 0, next_event_ = 0;
};

}  // namespace pcas
