#include "net/reactor.hpp"

#include <algorithm>
#include <chrono>

namespace pcas {
namespace {

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

}  // namespace

Reactor::Reactor()
    : poller_(Poller::create()),
      waker_(std::make_shared<Waker>()),
      gate_(std::make_shared<WakeGate>([waker = waker_] { waker->wake(); })),
      commands_(gate_) {
    poller_->add(waker_->fd(), *waker_, {true, false});
}

bool Reactor::in_loop() const noexcept {
    return thread_ == std::thread::id() || thread_ == std::this_thread::get_id();
}

void Reactor::stop() noexcept {
    stopping_ = true;
    waker_->wake();
}

// A turn that was broken off is taken up by the next one. The pause keeps a failure
// that stays (of the poller, say) from burning a processor.
void Reactor::run(ReactorWork& work) noexcept {
    std::unique_lock turn_lock(turn_mutex_);
    thread_ = std::this_thread::get_id();
    work.begin();
    while (!stopping_) {
        try {
            turn(work);
            const auto sleep = sleep_time(work);
            const Unlocked sleeping(turn_lock);
            poller_->wait(sleep);
        } catch (const std::exception& error) {
            work.on_exception("network loop", error);
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    }
    work.end();
    thread_ = {};
}

void Reactor::turn(ReactorWork& work) {
    gate_->taken();
    work.before_io();
    poller_->deliver();
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

std::chrono::nanoseconds Reactor::sleep_time(const ReactorWork& work) noexcept {
    if (work.has_more()) return std::chrono::nanoseconds(0);
    const auto until = std::min(timers_.next(), gate_->sleep_until());
    if (until == Timers::Clock::time_point::max()) return std::chrono::nanoseconds(-1);
    return std::max(std::chrono::nanoseconds(0),
                    std::chrono::nanoseconds(until - Timers::Clock::now()));
}

// The poller's own descriptor is the parent's, too: what is removed from it is so for
// both.
void Reactor::abandon() noexcept {
    thread_ = {};
    poller_->abandon();
}

}  // namespace pcas
