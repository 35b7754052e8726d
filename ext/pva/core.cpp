#include "pva/core.hpp"

#include <new>
#include <thread>
#include <utility>

namespace pcas::pva {

void Turn::lock() {
    waiting_.fetch_add(1, std::memory_order_relaxed);
    mutex_.lock();
    waiting_.fetch_sub(1, std::memory_order_relaxed);
}

void Turn::give_way() const noexcept {
    constexpr int kMostYields = 100;
    for (int i = 0; i < kMostYields && waiting_.load(std::memory_order_relaxed); ++i) {
        std::this_thread::yield();
    }
}

void Bell::ring() {
    {
        std::lock_guard lock(mutex_);
        ringing_ = true;
    }
    rung_.notify_one();
}

void Bell::wait(WakeGate::Clock::time_point until) {
    std::unique_lock lock(mutex_);
    const auto rings = [this] { return ringing_; };
    if (until == WakeGate::Clock::time_point::max())
        rung_.wait(lock, rings);
    else
        rung_.wait_until(lock, until, rings);
    ringing_ = false;
}

void RightsChanges::push(Entry entry) noexcept {
    try {
        changes_.push(entry);
    } catch (const std::bad_alloc&) {
        any_ = true;
        changes_.flush();
    }
}

bool RightsChanges::take(std::vector<Entry>& into) {
    changes_.take(into);
    return !any_.exchange(false);
}

Core::Core(std::shared_ptr<Namespace> with_names, Log& to_log, Limits with_limits)
    : names(std::move(with_names)),
      log(to_log),
      limits(with_limits),
      gate(std::make_shared<WakeGate>([to = bell] { to->ring(); })),
      posts(std::make_shared<Posts>(gate)),
      rights_changes(gate),
      connections(counters) {}

bool Core::ask(const PvaRequestPtr& request) {
    Connection& client = *request->client_connection;
    if (client.open >= limits.max_open_requests ||
        client.open_bytes >= limits.max_open_bytes) {
        return false;
    }
    request->counts_for = counters;
    request->bytes = request->held_bytes();
    ++client.open;
    client.open_bytes += request->bytes;
    Counters::add(counters->pva_requests_open);
    return true;
}

}  // namespace pcas::pva
