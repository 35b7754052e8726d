#include "pv/request.hpp"

#include <utility>

#include "pv/request_queue.hpp"

namespace pcas {

bool Request::complete(EcaStatus status, SnapshotPtr result) {
    State open = State::Open;
    if (!state_.compare_exchange_strong(open, State::Claimed)) return false;
    status_ = status;
    result_ = std::move(result);
    if (completions_) completions_->push(RequestPtr(this), true);
    return true;
}

bool Request::complete_attach(EcaStatus status, PvPtr pv_found) {
    State open = State::Open;
    if (!state_.compare_exchange_strong(open, State::Claimed)) return false;
    status_ = status;
    attached_ = std::move(pv_found);
    if (completions_) completions_->push(RequestPtr(this), true);
    return true;
}

void Request::defer() {
    if (completions_) completions_->push(RequestPtr(this), false);
}

}  // namespace pcas
