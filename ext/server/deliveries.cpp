#include "server/deliveries.hpp"

#include "server/ca_pv.hpp"
#include "server/subscription.hpp"

namespace pcas {

void Deliveries::run() {
    Pace pace;
    const bool resumed = unfinished();
    if (!resumed) {
        posts_->take(pvs_);
        next_pv_ = 0;
    }
    bool in_time = deliver_events(pace);
    while (in_time && next_pv_ < pvs_.size()) {
        pvs_[next_pv_++]->take_events(events_);
        in_time = deliver_events(pace);
    }
    // What came while the rest was delivered has had its wake-up: the next turn is it.
    if (resumed && !unfinished()) {
        posts_->take(pvs_);
        next_pv_ = 0;
    }
    posts_->set_behind(unfinished());
    if (!unfinished()) pvs_.clear();
}

// False if time is up; some of them may be left then.
bool Deliveries::deliver_events(Pace& pace) {
    bool in_time = !pace.over();
    while (next_event_ < events_.size()) {
        auto& ca_pv = static_cast<CaPv&>(*pvs_[next_pv_ - 1]);
        if (!deliver(ca_pv, events_[next_event_], pace)) return false;
        ++next_event_;
    }
    events_.clear();
    next_event_ = 0;
    return in_time;
}

}  // namespace pcas
