#include "pv/put_log.hpp"

#include <algorithm>
#include <cstring>

#include "pv/clock.hpp"
#include "pv/put_bursts.hpp"

namespace pcas {
namespace {

// What is kept of a value: as much as the log shows.
constexpr std::size_t kMostBytes = 400;

SnapshotPtr cut(SnapshotPtr whole, std::uint32_t& count) {
    if (!whole) return whole;
    count = whole->count();
    if (whole->type() == DbfType::Structure || count == 0) return {};
    if (whole->size_bytes() <= kMostBytes) return whole;
    const auto kept =
        static_cast<std::uint32_t>(kMostBytes / element_size(whole->type()));
    const Ref<Snapshot> made = Snapshot::create(whole->type(), kept);
    std::memcpy(made->mutable_data(), whole->data(),
                kept * element_size(whole->type()));
    return made;
}

}  // namespace

PutLog::PutLog(Which which, Clock::duration burst, std::size_t max_records,
               std::size_t max_bytes)
    : which_(which),
      burst_(burst),
      max_records_(max_records),
      max_bytes_(max_bytes),
      bursts_(std::make_unique<PutBursts>(burst, max_records)) {}

PutLog::~PutLog() = default;

void PutLog::add(PutRecord record) noexcept {
    try {
        if (record.value && record.value->type() == DbfType::Structure) {
            record.text = "a structure";
        }
        record.value = cut(std::move(record.value), record.count);
        record.before = cut(std::move(record.before), record.before_count);
        keep(std::move(record));
    } catch (const std::exception&) {
        count_dropped(1);
    }
}

void PutLog::add_now(PutRecord record, PutOutcome outcome, bool trapped) {
    record.outcome = outcome;
    record.trapped = trapped;
    record.time = now();
    record.before = cut(record.pv->snapshot(), record.before_count);
    keep(std::move(record));
}

void PutLog::add_refused(const PvPtr& pv, const ClientPtr& client, PutOutcome outcome,
                         bool trapped, SnapshotPtr value) noexcept {
    if (!wants(outcome, trapped)) return;
    if (!has_room_for_refused()) return count_dropped(1);
    try {
        PutRecord record;
        record.pv = pv;
        record.client = client;
        record.value = cut(std::move(value), record.count);
        add_now(std::move(record), outcome, trapped);
    } catch (const std::exception&) {
        count_dropped(1);
    }
}

bool PutLog::has_room_for_refused() noexcept {
    std::lock_guard lock(mutex_);
    return !closed_ && records_.size() < max_records_ / 2 && bytes_ < max_bytes_ / 2;
}

void PutLog::keep(PutRecord record) {
    bool wake = false;
    {
        std::lock_guard lock(mutex_);
        const std::size_t size = record.held_bytes();
        if (closed_ || records_.size() >= max_records_ || bytes_ + size > max_bytes_) {
            return count_dropped(1);
        }
        records_.push_back(std::move(record));
        bytes_ += size;
        wake = std::exchange(waiting_, false);
    }
    if (wake) ready_.notify_one();
}

std::vector<PutRecord> PutLog::take(std::size_t max, Clock::duration timeout) {
    auto end = Clock::now() + timeout;
    if (bursts_->has_open()) end = std::min(end, bursts_->next_end());
    bool closed = false;
    {
        std::unique_lock lock(mutex_);
        if (!bursts_->has_complete()) {
            waiting_ = true;
            ready_.wait_until(lock, end,
                              [this] { return !records_.empty() || closed_; });
            waiting_ = false;
        }
        records_.swap(taken_);
        bytes_ = 0;
        closed = closed_;
    }
    const auto now = Clock::now();
    bursts_->end_until(now);
    for (PutRecord& record : taken_) {
        if (!bursts_->add(std::move(record), now)) count_dropped(1);
    }
    taken_.clear();
    if (closed) bursts_->end_all();
    std::vector<PutRecord> out;
    bursts_->take(out, max);
    return out;
}

void PutLog::close() noexcept {
    {
        std::lock_guard lock(mutex_);
        closed_ = true;
    }
    ready_.notify_all();
}

void PutLog::open() noexcept {
    std::lock_guard lock(mutex_);
    closed_ = false;
}

// Other threads may have been anywhere in what is theirs: that is given up.
void PutLog::after_fork_in_child() {
    std::construct_at(&ready_);
    std::construct_at(&mutex_);
    std::construct_at(&records_);
    bytes_ = 0;
    waiting_ = false;
    closed_ = true;
    // Without memory for that the child may end.
    // NOLINTNEXTLINE(bugprone-unhandled-exception-at-new)
    [[maybe_unused]] auto* given_up = new std::vector<PutRecord>(std::move(taken_));
    taken_ = {};
    [[maybe_unused]] PutBursts* left = bursts_.release();
    bursts_ = std::make_unique<PutBursts>(burst_, max_records_);
}

}  // namespace pcas
