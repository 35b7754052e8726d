#include "pv/request_queue.hpp"

#include <algorithm>
#include <utility>

#include "base/invariant.hpp"
#include "base/prefetch.hpp"

namespace pcas {

namespace {

// Interest is looked at when it is taken, and only a change is told.
bool nothing_new(const RequestPtr& request) {
    if (request->kind != RequestKind::Interest) return false;
    request->looked_at = true;
    return !request->pv->take_interest(request->interest);
}

}  // namespace

bool RequestQueue::has_room_for(const Request& request) const {
    // There is one interest at most for each PV.
    if (request.kind == RequestKind::Interest) return true;
    if (requests_ < max_requests_ && bytes_ < max_bytes_) return true;
    return request.held_bytes() <= kSmall && !lanes_.contains(request.lane);
}

RequestQueue::Lane& RequestQueue::open_lane(std::uint64_t number) {
    if (!spare_) return lanes_.try_emplace(number).first->second;
    const auto found = lanes_.find(number);
    if (found != lanes_.end()) return found->second;
    spare_.key() = number;
    return lanes_.insert(std::move(spare_)).position->second;
}

bool RequestQueue::push(RequestPtr request) {
    bool notify;
    {
        std::lock_guard lock(mutex_);
        if (closed_) return false;
        if (!has_room_for(*request)) {
            ++dropped_;
            return false;
        }
        Lane& lane = open_lane(request->lane);
        ++requests_;
        bytes_ += request->held_bytes();
        Request* const added = request.get();
        if (lane.first) {
            lane.last->behind = std::move(request);
        } else {
            lane.first = std::move(request);
            turns_.push_back(lane);
        }
        lane.last = added;
        notify = waiting_ > 0;
        if (!notify) call_from_elsewhere();
        ring();
    }
    if (notify) ready_.notify_one();
    return true;
}

// The mutex is held, so that a bell is not rung once it was replaced.
void RequestQueue::ring() {
    if (bell_ && !std::exchange(rung_, true)) bell_();
}

void RequestQueue::call_from_elsewhere() {
    if (elsewhere_) (*std::exchange(elsewhere_, nullptr))();
}

bool RequestQueue::go_elsewhere(const std::function<void()>& wake) {
    std::lock_guard lock(mutex_);
    if (requests_ > 0 || closed_) return false;
    elsewhere_ = &wake;
    return true;
}

bool RequestQueue::back_from_elsewhere() noexcept {
    std::lock_guard lock(mutex_);
    return !std::exchange(elsewhere_, nullptr);
}

void RequestQueue::set_bell(std::function<void()> bell) {
    std::lock_guard lock(mutex_);
    bell_.swap(bell);
    rung_ = false;
    if (requests_ > 0 || closed_) ring();
}

// There must be one.
RequestPtr RequestQueue::take_next() {
    Lane& lane = turns_.front();
    RequestPtr request = std::move(lane.first);
    lane.first = std::move(request->behind);
    if (lane.first) {
        turns_.push_back(lane);  // from where it is
    } else {
        lane.leave();
        spare_ = lanes_.extract(request->lane);
    }
    --requests_;
    bytes_ -= request->held_bytes();
    return request;
}

std::vector<RequestPtr> RequestQueue::take(std::size_t max,
                                           std::chrono::nanoseconds timeout) {
    std::vector<RequestPtr> out;
    std::unique_lock lock(mutex_);
    if (requests_ == 0 && !closed_ && timeout.count() > 0) {
        const std::uint64_t before = interrupts_;
        ++waiting_;
        ready_.wait_for(lock, timeout, [&] {
            return requests_ > 0 || closed_ || interrupts_ != before;
        });
        --waiting_;
    }
    rung_ = false;
    out.reserve(std::min(max, requests_));
    while (out.size() < max && requests_ > 0) out.push_back(take_next());
    lock.unlock();
    for (const RequestPtr& request : out) prefetch(request->pv.get());
    std::erase_if(out, nothing_new);
    return out;
}

void RequestQueue::interrupt() {
    {
        std::lock_guard lock(mutex_);
        ++interrupts_;
        call_from_elsewhere();
        ring();
    }
    ready_.notify_all();
}

void RequestQueue::close() {
    {
        std::lock_guard lock(mutex_);
        closed_ = true;
        call_from_elsewhere();
        ring();
    }
    ready_.notify_all();
    for (;;) {
        RequestPtr dropped;  // let go of without the lock, which fails it
        std::lock_guard lock(mutex_);
        PCAS_INVARIANT(requests_ > 0 || bytes_ == 0);
        if (requests_ == 0) return;
        dropped = take_next();
    }
}

void RequestQueue::open() {
    std::lock_guard lock(mutex_);
    closed_ = false;
}

std::size_t RequestQueue::size() const {
    std::lock_guard lock(mutex_);
    return requests_;
}

std::uint64_t RequestQueue::dropped() const {
    std::lock_guard lock(mutex_);
    return dropped_;
}

std::size_t RequestQueue::waiting() const {
    std::lock_guard lock(mutex_);
    return waiting_ + (elsewhere_ ? 1 : 0);
}

}  // namespace pcas
