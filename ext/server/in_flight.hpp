// A circuit's requests that Python has not answered, and what waits behind them: how
// many there are, what they take, and in which order they came. Nobody else counts
// that. Loop thread only.
//
// A request is open until the driver has had it; a put that the driver has accepted and
// completes later is deferred then; completed, it counts no more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "proto/header.hpp"
#include "pv/event_mask.hpp"
#include "server/account.hpp"
#include "server/ca_request.hpp"
#include "server/config.hpp"

namespace pcas {

class InFlight {
  public:
    // `config` outlives it.
    explicit InFlight(const Config& config) noexcept : config_(config) {}
    ~InFlight();
    InFlight(const InFlight&) = delete;
    InFlight& operator=(const InFlight&) = delete;

    // ---- the way of a request; a step that it has taken does nothing ----
    void open(CaRequest& request) noexcept;
    // The same for a write, which has its place in the order of writes from now on.
    void open_write(CaRequest& request) noexcept;
    // The driver has accepted it, or the PV keeps it until its turn comes.
    void defer(CaRequest& request) noexcept;
    void complete(CaRequest& request) noexcept;

    // ---- how many ----
    // No more requests may be made, for now.
    bool full() const noexcept {
        return open_ >= config_.max_open_requests ||
               open_bytes_ >= config_.max_open_bytes ||
               waiting_.size() >= config_.max_open_requests;
    }
    // The driver keeps as many puts as it may.
    bool full_of_deferred() const noexcept {
        return deferred_ >= config_.max_deferred_puts ||
               deferred_bytes_ >= config_.max_open_bytes;
    }
    // Something will be answered without a driver that may take for ever.
    bool answers_due() const noexcept { return open_ > 0 || !waiting_.empty(); }
    std::size_t open_bytes() const noexcept { return open_bytes_; }
    std::size_t deferred_bytes() const noexcept { return deferred_bytes_; }
    // The most that the answers to open reads will take.
    std::size_t promised_bytes() const noexcept { return promised_bytes_; }
    // All but the answers.
    std::size_t held_bytes() const noexcept {
        return open_bytes_ + deferred_bytes_ + waiting_.size() * sizeof(Waiting);
    }
    // Requests that are not completed.
    std::size_t requests() const noexcept;
    // What stays if the circuit ends now.
    LeftBehind left_behind() const noexcept {
        return {open_ + deferred_, open_bytes_ + deferred_bytes_};
    }

    // ---- order ----
    // There are writes which the driver has not had.
    bool writes_open() const noexcept { return last_write_ != dispatched_write_; }
    // What reads has to wait for writes, or for others that wait.
    bool reads_wait() const noexcept { return !waiting_.empty() || writes_open(); }
    std::uint64_t last_write() const noexcept { return last_write_; }
    bool driver_has_had(std::uint64_t write) const noexcept {
        return write <= dispatched_write_;
    }

    // ---- what waits for writes to reach the driver, and what came behind it ----
    struct Waiting {
        Header header;
        CaRequestPtr write;  // null: a read, or an EVENT_ADD
        EventMask mask = 0;  // EVENT_ADD
    };
    void wait(const Header& header, EventMask mask = 0);
    void wait(const Header& header, CaRequestPtr write);  // which is open, too
    bool any_waits() const noexcept { return !waiting_.empty(); }
    const Waiting& first_waiting() const noexcept { return waiting_.front(); }
    Waiting take_waiting();
    // A channel is gone; its writes are carried out all the same.
    void drop_reads(std::uint32_t sid);
    void drop_event_add(std::uint32_t sid, std::uint32_t subid);

  private:
    const Config& config_;
    std::size_t open_ = 0;
    std::size_t open_bytes_ = 0;
    std::size_t promised_bytes_ = 0;
    std::size_t deferred_ = 0;
    std::size_t deferred_bytes_ = 0;
    std::uint64_t last_write_ = 0;        // sequence of the newest
    std::uint64_t dispatched_write_ = 0;  // of the newest that the driver has had
    std::deque<Waiting> waiting_;

    void leave_stage(const CaRequest& request) noexcept;
    static std::size_t promised_bytes(const CaRequest& request) noexcept;
};

}  // namespace pcas
