#include "pv/request_queue.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace pcas {

namespace {

std::size_t bytes_of(const Request& request) noexcept {
    return request.value ? request.value->size_bytes() : 0;
}

// Interest is looked at when it is taken, and only a change is told.
bool nothing_new(const RequestPtr& request) {
    return request->kind == RequestKind::Interest &&
           !request->pv->take_interest(request->interest);
}

}  // namespace

void RequestQueue::push(RequestPtr request) {
    bool notify;
    {
        std::lock_guard lock(mutex_);
        if (closed_) return;
        const bool full = requests_.size() >= max_requests_ || bytes_ >= max_bytes_;
        // There is one interest at most for each PV.
        if (full && request->kind != RequestKind::Interest) {
            ++dropped_;
            return;
        }
        bytes_ += bytes_of(*request);
        requests_.push_back(std::move(request));
        notify = waiting_ > 0;
    }
    if (notify) ready_.notify_one();
}

std::vector<RequestPtr> RequestQueue::take(std::size_t max,
                                           std::chrono::nanoseconds timeout) {
    std::vector<RequestPtr> out;
    std::unique_lock lock(mutex_);
    if (requests_.empty() && !closed_ && timeout.count() > 0) {
        const std::uint64_t before = interrupts_;
        ++waiting_;
        ready_.wait_for(lock, timeout, [&] {
            return !requests_.empty() || closed_ || interrupts_ != before;
        });
        --waiting_;
    }
    const auto n = static_cast<std::ptrdiff_t>(std::min(max, requests_.size()));
    out.reserve(static_cast<std::size_t>(n));
    std::move(requests_.begin(), requests_.begin() + n, std::back_inserter(out));
    requests_.erase(requests_.begin(), requests_.begin() + n);
    for (const RequestPtr& request : out) bytes_ -= bytes_of(*request);
    lock.unlock();
    std::erase_if(out, nothing_new);
    return out;
}

void RequestQueue::interrupt() {
    {
        std::lock_guard lock(mutex_);
        ++interrupts_;
    }
    ready_.notify_all();
}

void RequestQueue::close() {
    std::deque<RequestPtr> dropped;
    {
        std::lock_guard lock(mutex_);
        closed_ = true;
        dropped.swap(requests_);
        bytes_ = 0;
    }
    ready_.notify_all();
}

void RequestQueue::open() {
    std::lock_guard lock(mutex_);
    closed_ = false;
}

std::size_t RequestQueue::size() const {
    std::lock_guard lock(mutex_);
    return requests_.size();
}

std::uint64_t RequestQueue::dropped() const {
    std::lock_guard lock(mutex_);
    return dropped_;
}

std::size_t RequestQueue::waiting() const {
    std::lock_guard lock(mutex_);
    return waiting_;
}

void CompletionQueue::push(RequestPtr request, bool completed) {
    std::shared_ptr<WakeGate> gate;
    {
        std::lock_guard lock(mutex_);
        if (!gate_) return;
        entries_.push_back({std::move(request), completed});
        gate = gate_;
    }
    gate->signal();
}

void CompletionQueue::flush() {
    std::shared_ptr<WakeGate> gate;
    {
        std::lock_guard lock(mutex_);
        gate = gate_;
    }
    if (gate) gate->flush();
}

std::vector<CompletionQueue::Entry> CompletionQueue::take() {
    std::lock_guard lock(mutex_);
    return std::exchange(entries_, {});
}

void CompletionQueue::open(std::shared_ptr<WakeGate> gate) {
    std::lock_guard lock(mutex_);
    gate_ = std::move(gate);
}

void CompletionQueue::close() {
    std::vector<Entry> dropped;
    std::lock_guard lock(mutex_);
    gate_.reset();
    dropped.swap(entries_);
}

}  // namespace pcas
