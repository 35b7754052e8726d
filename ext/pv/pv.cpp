#include "pv/pv.hpp"

#include <new>
#include <utility>

#include "base/invariant.hpp"
#include "pv/serial_puts.hpp"

namespace pcas {
namespace {

// Enough for the cost of a hand-over to vanish, and soon enough for the loop.
constexpr std::size_t kBatch = 1024;

struct Batch {
    int depth = 0;
    std::shared_ptr<PostQueue> queue;  // where `pvs` belong
    std::vector<PvPtr> pvs;
};
thread_local Batch batch;

void hand_over() {
    if (!batch.pvs.empty()) batch.queue->push_all(batch.pvs);
}

}  // namespace

void PostBatch::begin() noexcept { ++batch.depth; }

void PostBatch::end() {
    if (--batch.depth > 0) return;
    hand_over();
    batch.queue.reset();
}

void PostBatch::push(std::shared_ptr<PostQueue> queue, PvPtr pv) {
    if (batch.depth == 0) return queue->push(std::move(pv));
    if (batch.queue != queue) {
        hand_over();  // another server's
        batch.queue = std::move(queue);
    }
    batch.pvs.push_back(std::move(pv));
    if (batch.pvs.size() >= kBatch) hand_over();
}

Pv::Pv(std::string name, DbfType type, std::uint32_t max_count) noexcept
    : name_(std::move(name)), max_count_(max_count), type_(type) {}

Pv::~Pv() { delete serial_puts_.load(); }

void Pv::set_puts_in_series(bool on) {
    if (on && !serial_puts_) {
        auto made = std::make_unique<SerialPuts>();
        SerialPuts* none = nullptr;
        if (serial_puts_.compare_exchange_strong(none, made.get())) {
            [[maybe_unused]] SerialPuts* kept = made.release();
        }
    }
    puts_in_series_ = on;
}

void Pv::end_put(EcaStatus status) {
    if (SerialPuts* puts = serial_puts()) puts->end(status);
}

PvPtr Pv::create(std::string name, DbfType type, std::uint32_t max_count,
                 MetadataPtr metadata) {
    PvPtr pv(new Pv(std::move(name), type, max_count));
    Ref<Snapshot> first = Snapshot::create(type, 1);
    first->metadata = std::move(metadata);
    pv->current_ = first;
    return pv;
}

SnapshotPtr Pv::snapshot() const {
    std::lock_guard lock(mutex_);
    return current_;
}

void Pv::set(SnapshotPtr snapshot) {
    PCAS_INVARIANT(snapshot->type() == type_ && snapshot->count() <= max_count_);
    std::lock_guard lock(mutex_);
    current_.swap(snapshot);  // the old value is freed after the lock
}

void Pv::post(SnapshotPtr snapshot, EventMask mask) {
    PCAS_INVARIANT(snapshot->type() == type_ && snapshot->count() <= max_count_);
    std::shared_ptr<PostQueue> wake;
    SnapshotPtr old;
    {
        std::lock_guard lock(mutex_);
        old = std::exchange(current_, snapshot);
        ++posted_;
        if (!pending_) return;
        Pending& p = *pending_;
        const std::size_t bytes = snapshot->size_bytes();
        const std::size_t room = p.queue->behind() ? kMaxEventsBehind : kMaxEvents;
        const bool full = p.events.size() >= room || p.bytes >= kMaxEventBytes;
        if (full && !p.events.empty()) {
            Event& newest = p.events.back();
            p.bytes -= newest.snapshot->size_bytes();
            newest.snapshot.swap(snapshot);
            newest.mask |= mask;
            newest.number = posted_;
        } else {
            p.events.push_back({std::move(snapshot), mask, posted_});
        }
        p.bytes += bytes;
        if (!std::exchange(p.queued, true)) wake = p.queue;
    }
    if (wake) queue_up(std::move(wake));
}

// What cannot be queued for want of memory is queued with the next post.
void Pv::queue_up(std::shared_ptr<PostQueue> queue) {
    try {
        PostBatch::push(std::move(queue), PvPtr(this));
    } catch (const std::bad_alloc&) {
        std::lock_guard lock(mutex_);
        if (pending_) pending_->queued = false;
        throw;
    }
}

bool Pv::has_subscriptions() const {
    std::lock_guard lock(mutex_);
    return pending_ != nullptr;
}

bool Pv::take_interest(bool& now) {
    interest_queued_ = false;  // ahead of the look: a change behind it queues again
    std::lock_guard lock(mutex_);
    now = pending_ != nullptr;
    return std::exchange(told_interest_, now) != now;
}

Pv::Joined Pv::join(std::shared_ptr<PostQueue> queue) {
    std::lock_guard lock(mutex_);
    if (!pending_) pending_ = std::make_unique<Pending>();
    pending_->queue = std::move(queue);
    return {current_, posted_};
}

void Pv::no_subscriptions() {
    std::unique_ptr<Pending> gone;
    std::lock_guard lock(mutex_);
    gone = std::move(pending_);
}

void Pv::take_events(std::vector<Event>& into) {
    into.clear();
    std::lock_guard lock(mutex_);
    if (!pending_) return;
    pending_->queued = false;
    pending_->bytes = 0;
    pending_->events.swap(into);
}

}  // namespace pcas
