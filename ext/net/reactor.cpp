#include "net/reactor.hpp"

#include <algorithm>
#include <chrono>

namespace pcas {
namespace {

// Turns of its own after which the thread stands by no more, for want of a leader.
constexpr unsigned kAlone = 100;

// Gives the lock up for its own life, however that ends.
class Unlocked {
  public:
    explicit Unlocked(std::unique_lock<std::mutex>& lock) : lock_(lock) {
        lock_.unlock();
    }
    ~Unlocked() { lock_.lock(); }
    Unlocked(const Unlocked&) = delete;
    Unlocked& operator=(const Unlocked&) = delete;

  private:
    std::unique_lock<std::mutex>& lock_;
};

// Whose turn it is.
class Named {
  public:
    explicit Named(std::thread::id& whose) : whose_(whose) {
        whose_ = std::this_thread::get_id();
    }
    ~Named() { whose_ = {}; }
    Named(const Named&) = delete;
    Named& operator=(const Named&) = delete;

  private:
    std::thread::id& whose_;
};

std::chrono::nanoseconds left_until(Reactor::Clock::time_point until) noexcept {
    if (until == Reactor::Clock::time_point::max()) return std::chrono::nanoseconds(-1);
    return std::max(std::chrono::nanoseconds(0),
                    std::chrono::nanoseconds(until - Reactor::Clock::now()));
}

}  // namespace

Reactor::Reactor()
    : poller_(Poller::create()),
      waker_(std::make_shared<Waker>()),
      gate_(std::make_shared<WakeGate>([waker = waker_] { waker->wake(); })),
      commands_(gate_) {
    poller_->add(waker_->fd(), *waker_, {true, false});
}

bool Reactor::in_loop() const noexcept {
    return !running_ || whose_turn_ == std::this_thread::get_id();
}

void Reactor::stop() noexcept {
    stopping_ = true;
    waker_->wake();
}

void Reactor::run(ReactorWork& work) noexcept {
    std::unique_lock lock(turn_mutex_);
    running_ = true;
    {
        const Named named(whose_turn_);
        work.begin();
    }
    while (!stopping_) {
        guarded(work, [&] { turn(work, ready_); });
        guarded(work, [&] { sleep(work, lock); });
    }
    led_no_more_.wait(lock, [this] { return !led_; });
    const Named named(whose_turn_);
    work.end();
    running_ = false;
}

// What was broken off is taken up by the next turn, which follows at once. The pause
// keeps a failure that stays (of the poller, say) from burning a processor.
template <class F>
void Reactor::guarded(ReactorWork& work, F&& f) noexcept {
    try {
        f();
    } catch (const std::exception& error) {
        work.on_exception("network loop", error);
        waker_->wake();
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

void Reactor::turn(ReactorWork& work, ReadySockets& ready) {
    const Named named(whose_turn_);
    gate_->taken();
    work.before_io(ready.size());
    poller_->deliver(ready);
    timers_.run_due();
    run_commands(work);
    work.after_io();
}

void Reactor::run_commands(ReactorWork& work) {
    commands_.take(taken_);
    for (const auto& command : taken_) {
        try {
            command();
        } catch (const std::exception& error) {
            work.on_exception("command to the network loop", error);
        }
    }
    taken_.clear();
}

// Who leads waits for the sockets. What wakes the one that stands by is found without
// waiting, and left to a leader that is back by then.
void Reactor::sleep(ReactorWork& work, std::unique_lock<std::mutex>& lock) {
    settle_standby();
    wakes_at_ = sleep_until(work);
    const auto timeout = left_until(wakes_at_);
    if (standby_ != Standby::On) {
        const Unlocked sleeping(lock);
        return poller_->wait(timeout, ready_);
    }
    {
        const Unlocked sleeping(lock);
        poller_->stand_by(timeout);
    }
    if (!led_) poller_->wait(std::chrono::nanoseconds(0), ready_);
}

void Reactor::settle_standby() {
    if (standby_ == Standby::Wanted) {
        standby_ = Standby::Off;
        poller_->begin_standby();
        standby_ = Standby::On;
        alone_ = 0;
    } else if (standby_ == Standby::On && !led_ && ++alone_ > kAlone) {
        poller_->end_standby();
        standby_ = Standby::Off;
    }
}

Reactor::Clock::time_point Reactor::sleep_until(const ReactorWork& work) noexcept {
    if (work.has_more()) return {};  // long ago
    return std::min(timers_.next(), gate_->sleep_until());
}

// The caller has the turn, and another one waits for the sockets: it is woken for what
// the turn has left, and if it sleeps for too long by now.
void Reactor::leave(const ReactorWork& work) noexcept {
    if (gate_->leave() || work.has_more() || timers_.next() < wakes_at_ || stopping_)
        waker_->wake();
}

bool Reactor::try_turn(ReactorWork& work) noexcept {
    if (!poller_->can_stand_by()) return false;
    const std::unique_lock lock(turn_mutex_, std::try_to_lock);
    if (!lock.owns_lock() || stopping_ || !running_) return false;
    guarded(work, [&] { turn(work, none_); });
    leave(work);
    return true;
}

bool Reactor::begin_to_lead() noexcept {
    const std::lock_guard lock(turn_mutex_);
    if (led_ || stopping_ || !running_ || !poller_->can_stand_by()) return false;
    alone_ = 0;
    if (standby_ == Standby::On) {
        poller_->rouse_standby(false);
        return led_ = true;
    }
    if (standby_ == Standby::Off) waker_->wake();
    standby_ = Standby::Wanted;
    return false;
}

void Reactor::lead(ReactorWork& work, Awaited& awaited,
                   Clock::time_point until) noexcept {
    ReadySockets ready;
    std::unique_lock lock(turn_mutex_);
    bool come = false;
    while (!stopping_ && !come && awaited.may_sleep()) {
        guarded(work, [&] {
            const auto timeout = left_until(std::min(until, sleep_until(work)));
            const Unlocked sleeping(lock);
            poller_->wait(timeout, ready);
        });
        come = awaited.has_come();
        guarded(work, [&] { turn(work, ready); });
        if (Clock::now() >= until) break;
    }
    led_ = false;
    poller_->rouse_standby(true);
    leave(work);
    led_no_more_.notify_all();
}

// The poller's own descriptor is the parent's, too: what is removed from it is so for
// both.
void Reactor::abandon() noexcept {
    running_ = false;
    poller_->abandon();
}

}  // namespace pcas
