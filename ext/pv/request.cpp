#include "pv/request.hpp"

#include <caerr.h>

#include <new>
#include <utility>

#include "pv/clock.hpp"
#include "pv/serial_puts.hpp"

namespace pcas {

void Request::destroy(const Request* r) noexcept {
    if (r->kind == RequestKind::Interest && !r->looked_at) r->pv->interest_dropped();
    if (r->completed() || !r->answerer_) {
        delete r;
        return;
    }
    // Its completion owns it from here on.
    const std::shared_ptr<Answerer> answerer = r->answerer_;
    const bool write = r->kind == RequestKind::Write;
    try {
        const_cast<Request*>(r)->complete(write ? ECA_PUTFAIL : ECA_GETFAIL);
        // NOLINTNEXTLINE(bugprone-empty-catch)
    } catch (const std::bad_alloc&) {
        // the client waits in vain, as there is no memory to tell it
    }
}

bool Request::complete(EcaStatus status, SnapshotPtr result) {
    State open = State::Open;
    if (!state_.compare_exchange_strong(open, State::Claimed)) return false;
    // A queue that is closed drops what may be the last reference.
    const RequestPtr held(in_series ? this : nullptr);
    status_ = status;
    result_ = std::move(result);
    if (logged_) [[unlikely]]
        write_down();
    if (answerer_) answerer_->tell(RequestPtr(this), true);
    if (held) pv->serial_puts()->on_completed(*this);
    return true;
}

bool Request::complete_attach(EcaStatus status, PvPtr pv_found) {
    State open = State::Open;
    if (!state_.compare_exchange_strong(open, State::Claimed)) return false;
    status_ = status;
    attached_ = std::move(pv_found);
    if (answerer_) answerer_->tell(RequestPtr(this), true);
    return true;
}

void Request::note_before() {
    logged_->before = pv->snapshot();
    logged_->time = now();
    logged_->begun = true;
}

void Request::write_down() {
    PutInProgress& put = *logged_;
    PutRecord record;
    record.outcome = status_ == ECA_NORMAL ? PutOutcome::Accepted
                     : put.begun           ? put.failure
                                           : PutOutcome::NotDone;
    record.trapped = trapped;
    if (!put.log->wants(record.outcome, trapped)) return;
    record.pv = pv;
    record.client = client;
    record.value = value;
    record.time = put.begun ? put.time : now();
    if (is_acknowledgement(dbr_type)) {
        record.field = raw(dbr_type) == raw(kDbrPutAckt) ? "ACKT" : "ACKS";
    } else {
        record.before = std::move(put.before);
    }
    put.log->add(std::move(record));
}

void Request::carry_out() {
    if (in_series) pv->serial_puts()->carry_out(*this);
}

void Request::defer() {
    if (answerer_) answerer_->tell(RequestPtr(this), false);
}

}  // namespace pcas
