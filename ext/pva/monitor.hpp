// One subscription.
#pragma once

#include <pvxs/source.h>

#include <array>
#include <cstdint>
#include <memory>

#include "pv/pv_clients.hpp"
#include "pva/fill.hpp"

namespace pcas::pva {

// The values that one event makes, built once for all subscriptions.
class EventValues {
  public:
    EventValues(const Form& form, const SnapshotPtr& snapshot) noexcept
        : form_(form), snapshot_(snapshot) {}
    // One that its taker may keep and change: pvxs merges later updates into it.
    pvxs::Value take(Parts parts);

  private:
    const Form& form_;
    const SnapshotPtr& snapshot_;
    std::array<pvxs::Value, kWhole + 1> built_;
};

// Under the turn mutex.
class Monitor {
  public:
    Monitor(EventMask mask, std::unique_ptr<pvxs::server::MonitorControlOp> control)
        : mask_(mask), control_(std::move(control)) {}
    EventMask mask() const noexcept { return mask_; }

    // The value that it starts with. Events up to that post are for others.
    void start(const Form& form, const SnapshotPtr& first, std::uint64_t post);
    // It waits for its first value, which Python is asked for; see first_value().
    void wait(std::uint64_t post) noexcept { joined_ = post; }
    void first_value(const Form& form, const SnapshotPtr& first);
    // What to send of an event; empty if it is not for this one.
    pvxs::Value on_event(EventValues& values, const Event& event);
    void send(const pvxs::Value& value) { control_->post(value); }
    // Rights to read went away, and came back.
    void mute() noexcept { muted_ = true; }
    void unmute(const Form& form, const PvClients::Joined& joined);
    bool muted() const noexcept { return muted_; }
    // Updates that were merged into others since it was last asked.
    std::size_t take_merged();

  private:
    void post(const pvxs::Value& value, const SnapshotPtr& of);

    const EventMask mask_;
    const std::unique_ptr<pvxs::server::MonitorControlOp> control_;
    std::uint64_t joined_ = 0;  // number of the post that brought its first value
    AlarmState alarm_;          // that it has been sent
    SnapshotPtr missed_;        // the newest one while it waits
    bool started_ = false, muted_ = false;
};

}  // namespace pcas::pva
