#include "pva/monitor.hpp"

#include <utility>

namespace pcas::pva {

pvxs::Value EventValues::take(Parts parts) {
    pvxs::Value& built = built_[parts];
    if (built) return built.clone();
    built = value_of(form_, snapshot_, parts);
    return built;
}

void Monitor::start(const Form& form, const SnapshotPtr& first, std::uint64_t post) {
    joined_ = post;
    first_value(form, first);
}

void Monitor::first_value(const Form& form, const SnapshotPtr& first) {
    started_ = true;
    if (!muted_) post(value_of(form, first), first);
    const SnapshotPtr missed = std::exchange(missed_, {});
    if (missed && !muted_) post(value_of(form, missed), missed);
}

pvxs::Value Monitor::on_event(EventValues& values, const Event& event) {
    if (event.number <= joined_ || !(event.mask & mask_)) return {};
    if (!started_) {
        missed_ = event.snapshot;
        return {};
    }
    if (muted_) return {};
    Parts parts = 0;
    if (event.mask & mask_ & ~kPropertyEvent) parts |= kValuePart;
    if (event.mask & mask_ & kPropertyEvent) parts |= kPropertyPart;
    const AlarmState& alarm = event.snapshot->alarm;
    if (event.mask & kAlarmEvent || alarm.status != alarm_.status ||
        alarm.severity != alarm_.severity) {
        parts |= kAlarmPart;
    }
    alarm_ = alarm;
    return values.take(parts);
}

// What is queued of before is older than what it is sent.
void Monitor::unmute(const Form& form, const PvClients::Joined& joined) {
    muted_ = false;
    if (!started_) return;
    joined_ = joined.number;
    post(value_of(form, joined.current), joined.current);
}

std::size_t Monitor::take_merged() {
    pvxs::server::MonitorStat stat;
    control_->stats(stat, true);
    // pvxs 1.5 has it in the wrong place.
    return stat.nSquash > 0 ? stat.nSquash : stat.nQueue;
}

void Monitor::post(const pvxs::Value& value, const SnapshotPtr& of) {
    alarm_ = of->alarm;
    control_->post(value);
}

}  // namespace pcas::pva
