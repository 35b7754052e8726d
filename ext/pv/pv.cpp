#include "pv/pv.hpp"

#include <chrono>
#include <memory>
#include <mutex>
#include <new>
#include <thread>
#include <utility>

#include "base/invariant.hpp"
#include "base/keyed_hash.hpp"
#include "pv/current_request.hpp"
#include "pv/serial_puts.hpp"

namespace pcas {
namespace {

// How long a thread whose posts overrun a server waits for it, and how often it looks.
constexpr std::chrono::milliseconds kPatience{1};
constexpr std::chrono::microseconds kLook{50};

}  // namespace

Pv::Pv(std::string_view name, std::uint32_t max_count, SnapshotPtr first) noexcept
    : name_size_(static_cast<std::uint32_t>(name.size())),
      max_count_(max_count),
      type_(first->type()),
      name_hash_(static_cast<std::uint32_t>(keyed_hash(name))),
      current_(std::move(first)) {
    char* at = const_cast<char*>(name_at(this));
    at[name.copy(at, name.size())] = 0;
}

Pv::~Pv() {
    Rare* made = rare_.load();
    if (made && made->companion) made->companion->on_end();
    delete made;
}

Pv::Rare::~Rare() {
    delete serial_puts.load();
    delete access.load();
}

namespace {

// What `at` points to, made if it is null. Of two threads that make it at the same
// time, one wins.
template <class T>
T& made_at(std::atomic<T*>& at) {
    if (T* there = at.load()) return *there;
    auto made = std::make_unique<T>();
    T* there = nullptr;
    if (at.compare_exchange_strong(there, made.get())) return *made.release();
    return *there;
}

}  // namespace

Pv::Rare& Pv::rare() { return made_at(rare_); }

void Pv::set_puts_in_series(bool on) {
    if (on) made_at(rare().serial_puts);
    puts_in_series_ = on;
}

void Pv::end_put(EcaStatus status) {
    if (SerialPuts* puts = serial_puts()) puts->end(status);
}

AccessMember& Pv::access() { return made_at(rare().access); }

std::string Pv::access_group() const {
    const AccessMember* made = access_made();
    return made ? made->group() : std::string();
}

void Pv::set_access_group(const std::string& group) {
    if (!group.empty() || access_made()) access().set_group(group);
    if (const PvCompanionPtr following = companion())
        following->on_rights_changed(group);
}

void Pv::set_read_only(bool on) {
    if (on || access_made()) access().set_read_only(on);
    if (const PvCompanionPtr following = companion())
        following->on_rights_changed(access_group());
}

PvPtr Pv::create(std::string_view name, DbfType type, std::uint32_t max_count,
                 MetadataPtr metadata) {
    return create(name, max_count, unset(type, std::move(metadata)));
}

PvPtr Pv::create(std::string_view name, std::uint32_t max_count, SnapshotPtr first) {
    void* memory = ::operator new(sizeof(Pv) + name.size() + 1);
    return PvPtr(new (memory) Pv(name, max_count, std::move(first)));
}

void Pv::destroy(const Pv* pv) noexcept {
    pv->~Pv();
    ::operator delete(const_cast<Pv*>(pv));
}

SnapshotPtr Pv::unset(DbfType type, MetadataPtr metadata) {
    Ref<Snapshot> made = Snapshot::create(type, 1);
    made->metadata = std::move(metadata);
    return made;
}

SnapshotPtr Pv::snapshot() const {
    std::lock_guard lock(mutex_);
    return current_;
}

void Pv::set(SnapshotPtr snapshot) {
    PCAS_INVARIANT(snapshot->type() == type_ && snapshot->count() <= max_count_);
    PvCompanionPtr companion;
    {
        std::lock_guard lock(mutex_);
        note_alarm(*snapshot);
        current_.swap(snapshot);  // the old value is freed after the lock
        if (const Rare* made = rare_.load()) companion = made->companion;
    }
    if (companion) companion->on_new_value(0);
}

bool Pv::post(SnapshotPtr snapshot, EventMask mask) {
    PCAS_INVARIANT(snapshot->type() == type_ && snapshot->count() <= max_count_);
    return tell(mask, [&] {
        note_alarm(*snapshot);
        current_.swap(snapshot);  // the old value is freed after the lock
        return true;
    });
}

bool Pv::overrun() const noexcept {
    std::lock_guard lock(mutex_);
    for (const PvClients* c = clients_.get(); c; c = c->next_.get()) {
        if (c->overrun_) return true;
    }
    return false;
}

// Asleep, so that a server which shares the processor has it. What is looked at is not
// told: servers need not know who waits, and nothing is left locked where a thread that
// waits is gone (fork).
void Pv::wait_for_servers() const noexcept {
    if (current_request()) return;
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (overrun() && std::chrono::steady_clock::now() < end)
        std::this_thread::sleep_for(kLook);
}

// The change, and the event if it says that there is one, with one lock. True if a
// server has lost one.
template <class Change>
bool Pv::tell(EventMask mask, Change change) {
    PvClientsPtr wake;
    PvCompanionPtr companion;
    bool others = false;
    bool overrun = false;
    {
        std::lock_guard lock(mutex_);
        if (!change()) return false;
        const std::uint64_t number = posted_.load(std::memory_order_relaxed) + 1;
        posted_.store(number, std::memory_order_relaxed);
        for (PvClients* c = clients_.get(); c; c = c->next_.get()) {
            const bool queue = c->add(current_, mask, number);
            overrun |= c->overrun_;
            if (!queue) continue;
            if (wake)
                others = true;
            else
                wake = PvClientsPtr(c);
        }
        if (wake) wake->queued_ = true;
        if (const Rare* made = rare_.load()) companion = made->companion;
    }
    if (wake) queue_up(wake);
    if (others) queue_up_others();
    if (companion) companion->on_new_value(mask);
    return overrun;
}

// As recGblResetAlarms of an IOC: a message that changes counts as a change, too.
void Pv::note_alarm(const Snapshot& next) noexcept {
    const AlarmState& before = current_->alarm;
    const Metadata* of_next = next.metadata.get();
    const Metadata* of_before = current_->metadata.get();
    const bool same = next.alarm.status == before.status &&
                      next.alarm.severity == before.severity &&
                      (of_next == of_before || !of_next || !of_before ||
                       of_next->alarm_message == of_before->alarm_message);
    if (!same) acknowledgement_.alarm_changed(next.alarm.severity);
}

Acknowledgement Pv::acknowledgement() const {
    std::lock_guard lock(mutex_);
    return acknowledgement_;
}

void Pv::set_transient_alarms(bool on) {
    tell(kAlarmEvent, [&] {
        if (acknowledgement_.transient == on) return false;
        acknowledgement_.transient = on;
        const auto now = static_cast<std::uint8_t>(current_->alarm.severity);
        if (!on && acknowledgement_.severity > now) acknowledgement_.severity = now;
        return true;
    });
}

void Pv::acknowledge(std::uint16_t severity) {
    tell(kAlarmEvent, [&] {
        if (severity < acknowledgement_.severity) return false;
        acknowledgement_.severity = 0;
        return true;
    });
}

// What cannot be queued for want of memory is queued with the next post.
void Pv::queue_up(const PvClientsPtr& clients) {
    try {
        PostBatch::push(clients);
    } catch (const std::bad_alloc&) {
        std::lock_guard lock(mutex_);
        clients->queued_ = false;
        throw;
    }
}

// All that have events, one by one, as no queue may be called with the mutex held.
void Pv::queue_up_others() {
    for (;;) {
        PvClientsPtr next;
        {
            std::lock_guard lock(mutex_);
            PvClients* c = clients_.get();
            while (c && (c->queued_ || c->events_.empty())) c = c->next_.get();
            if (!c) return;
            c->queued_ = true;
            next = PvClientsPtr(c);
        }
        queue_up(next);
    }
}

SnapshotPtr Pv::read_unasked() const {
    const PvCompanionPtr following = companion();
    return following ? following->read() : SnapshotPtr();
}

EventMask Pv::wanted_events() const {
    std::lock_guard lock(mutex_);
    EventMask wanted = 0;
    for (const PvClients* c = clients_.get(); c; c = c->next_.get()) {
        if (c->subscribed_) wanted |= c->wanted_;
    }
    return wanted;
}

std::vector<PvPtr> PvCompanion::dependents() { return {}; }

PvCompanionPtr Pv::companion() const {
    std::lock_guard lock(mutex_);
    return companion_now();
}

PvCompanionPtr Pv::get_companion(PvCompanionPtr made) {
    PvCompanionPtr& there = rare().companion;
    std::lock_guard lock(mutex_);
    if (!there) there.swap(made);
    return there;
}

void Pv::drop_companion(const PvCompanion& companion) {
    PvCompanionPtr gone;  // let go of without the lock
    std::lock_guard lock(mutex_);
    Rare* made = rare_.load();
    if (made && made->companion.get() == &companion) gone.swap(made->companion);
}

bool Pv::has_subscriptions() const {
    std::lock_guard lock(mutex_);
    return has_subscriptions_now();
}

bool Pv::has_subscriptions_now() const noexcept {
    for (const PvClients* c = clients_.get(); c; c = c->next_.get()) {
        if (c->subscribed_) return true;
    }
    return false;
}

std::size_t Pv::channels() const {
    std::lock_guard lock(mutex_);
    return channels_now();
}

std::size_t Pv::channels_now() const noexcept {
    std::size_t all = 0;
    for (const PvClients* c = clients_.get(); c; c = c->next_.get())
        all += c->channels_counted();
    return all;
}

Pv::Look Pv::look() const {
    std::lock_guard lock(mutex_);
    return {current_, posts(), channels_now()};
}

bool Pv::take_interest(bool& now) {
    interest_queued_ = false;  // ahead of the look: a change behind it queues again
    std::lock_guard lock(mutex_);
    now = has_subscriptions_now();
    return std::exchange(told_interest_, now) != now;
}

PvClientsPtr Pv::clients_of(const PostQueue& queue) const {
    std::lock_guard lock(mutex_);
    PvClients* c = clients_.get();
    while (c && &c->queue() != &queue) c = c->next_.get();
    return PvClientsPtr(c);
}

void Pv::attach(PvClientsPtr clients) {
    PCAS_INVARIANT(&clients->pv() == this && !clients_of(clients->queue()));
    clients->attached_ = true;
    std::lock_guard lock(mutex_);
    clients->next_.swap(clients_);
    clients_.swap(clients);
}

void Pv::detach(PvClients& clients) {
    clients.no_subscriptions();
    clients.attached_ = false;
    PvClientsPtr gone;  // let go of without the lock
    std::lock_guard lock(mutex_);
    PvClientsPtr* at = &clients_;
    while (at->get() != &clients) at = &(*at)->next_;
    gone.swap(*at);
    at->swap(gone->next_);
}

}  // namespace pcas
