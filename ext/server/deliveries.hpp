// Posts on their way to subscriptions: the loop delivers them for a slice of each turn
// and goes on in the next where it stopped. Loop thread only.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "net/time_budget.hpp"
#include "pv/posts.hpp"

namespace pcas {

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
    std::vector<PvClientsPtr> pvs_;  // taken; those before next_pv_ are done, but for
    std::vector<Event> events_;      // these, which are of the last one of them
    std::size_t next_pv_ = 0, next_event_ = 0;
};

}  // namespace pcas
