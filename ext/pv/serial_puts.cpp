#include "pv/serial_puts.hpp"

#include <caerr.h>

#include <utility>
#include <vector>

#include "pv/request_queue.hpp"

namespace pcas {

SerialPuts::Turn SerialPuts::begin(const RequestPtr& request,
                                   const std::shared_ptr<RequestQueue>& queue) {
    std::lock_guard lock(mutex_);
    if (!current_) {
        current_ = request.get();
        return Turn::Now;
    }
    if (waiting_.size() >= kMaxWaiting) return Turn::Never;
    waiting_.push_back({request, queue});
    return Turn::Later;
}

void SerialPuts::carry_out(const Request& request) {
    std::lock_guard lock(mutex_);
    if (current_ == &request) carried_out_ = RequestPtr(const_cast<Request*>(&request));
}

void SerialPuts::end(EcaStatus status) {
    RequestPtr done;
    {
        std::lock_guard lock(mutex_);
        done = carried_out_;
    }
    if (done) done->complete(status);
}

void SerialPuts::on_completed(const Request& request) {
    RequestPtr done;  // let go of without the lock
    {
        std::lock_guard lock(mutex_);
        if (current_ != &request) return;
        current_ = nullptr;
        done = std::exchange(carried_out_, {});
    }
    for (;;) {
        Waiting next;
        {
            std::lock_guard lock(mutex_);
            if (current_ || waiting_.empty()) return;
            next = std::move(waiting_.front());
            waiting_.pop_front();
            current_ = next.request.get();
        }
        if (next.queue->push(next.request)) return;
        {
            std::lock_guard lock(mutex_);
            if (current_ == next.request.get()) current_ = nullptr;
        }
        next.request->complete(ECA_PUTFAIL);
    }
}

void SerialPuts::withdraw(std::uint64_t lane, std::uint32_t channel) {
    std::vector<RequestPtr> taken;  // let go of without the lock, which fails them
    std::lock_guard lock(mutex_);
    std::erase_if(waiting_, [&](Waiting& waiting) {
        const Request& request = *waiting.request;
        if (request.lane != lane || request.channel != channel) return false;
        taken.push_back(std::move(waiting.request));
        return true;
    });
}

}  // namespace pcas
