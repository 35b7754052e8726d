#include "server/in_flight.hpp"

#include <caProto.h>

#include <algorithm>
#include <utility>

#include "base/invariant.hpp"

namespace pcas {

using Stage = CaRequest::Stage;

InFlight::~InFlight() {
    PCAS_INVARIANT(open_ > 0 || (open_bytes_ == 0 && promised_bytes_ == 0));
    PCAS_INVARIANT(deferred_ > 0 || deferred_bytes_ == 0);
}

// The most that a read's answer can be.
std::size_t InFlight::promised_bytes(const CaRequest& request) noexcept {
    if (request.kind != RequestKind::Read) return 0;
    const std::uint32_t count =
        request.dbr_count ? request.dbr_count : request.pv->max_count();
    return static_cast<std::size_t>(dbr_size(request.dbr_type, count));
}

void InFlight::open(CaRequest& request) noexcept {
    if (request.stage != Stage::New) return;
    request.stage = Stage::Open;
    ++open_;
    open_bytes_ += request.held_bytes();
    promised_bytes_ += promised_bytes(request);
}

void InFlight::open_write(CaRequest& request) noexcept {
    open(request);
    request.sequence = ++last_write_;
}

void InFlight::defer(CaRequest& request) noexcept {
    if (request.stage >= Stage::Deferred) return;
    leave_stage(request);
    request.stage = Stage::Deferred;
    ++deferred_;
    deferred_bytes_ += request.held_bytes();
}

void InFlight::complete(CaRequest& request) noexcept {
    leave_stage(request);
    request.stage = Stage::Done;
}

void InFlight::leave_stage(const CaRequest& request) noexcept {
    if (request.stage == Stage::Open) {
        --open_;
        open_bytes_ -= request.held_bytes();
        promised_bytes_ -= promised_bytes(request);
    } else if (request.stage == Stage::Deferred) {
        --deferred_;
        deferred_bytes_ -= request.held_bytes();
    }
    if (request.kind == RequestKind::Write)
        dispatched_write_ = std::max(dispatched_write_, request.sequence);
}

void InFlight::wait(const Header& header, EventMask mask) {
    waiting_.push_back({header, {}, mask});
}

void InFlight::wait(const Header& header, CaRequestPtr write) {
    open(*write);
    waiting_.push_back({header, std::move(write)});
}

// Writes that wait are open.
std::size_t InFlight::requests() const noexcept {
    const auto reads =
        std::count_if(waiting_.begin(), waiting_.end(),
                      [](const Waiting& waiting) { return !waiting.write; });
    return open_ + deferred_ + static_cast<std::size_t>(reads);
}

InFlight::Waiting InFlight::take_waiting() {
    Waiting first = std::move(waiting_.front());
    waiting_.pop_front();
    return first;
}

void InFlight::drop_reads(std::uint32_t sid) {
    std::erase_if(waiting_, [sid](const Waiting& waiting) {
        return !waiting.write && waiting.header.p1 == sid;
    });
}

void InFlight::drop_event_add(std::uint32_t sid, std::uint32_t subid) {
    std::erase_if(waiting_, [&](const Waiting& waiting) {
        return waiting.header.command == CA_PROTO_EVENT_ADD &&
               waiting.header.p1 == sid && waiting.header.p2 == subid;
    });
}

}  // namespace pcas
