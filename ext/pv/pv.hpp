// One process variable: its current snapshot, and who is told of the next ones. It
// knows of no protocol.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "access/security.hpp"
#include "base/export.hpp"
#include "base/instances.hpp"
#include "base/prefetch.hpp"
#include "base/ref.hpp"
#include "base/small_mutex.hpp"
#include "dbr/acknowledgement.hpp"
#include "dbr/snapshot.hpp"
#include "pv/companion.hpp"
#include "pv/event_mask.hpp"
#include "pv/pv_clients.hpp"

namespace pcas {

class SerialPuts;

class PCAS_API Pv final : public RefCounted, public CountedInstance<Counted::Pv> {
  public:
    // `max_count` is the number of elements announced to clients, at least 1.
    // The first snapshot is unset().
    static Ref<Pv> create(std::string_view name, DbfType type, std::uint32_t max_count,
                          MetadataPtr metadata);
    // The same with a first snapshot that many may share, which says the type, too.
    static Ref<Pv> create(std::string_view name, std::uint32_t max_count,
                          SnapshotPtr first);
    // One zero (or empty text), UDF and INVALID, stamped 0.
    static SnapshotPtr unset(DbfType type, MetadataPtr metadata);
    static void destroy(const Pv* pv) noexcept;

    // A NUL follows it.
    std::string_view name() const noexcept { return {name_at(this), name_size_}; }
    // Of the name, keyed: the low half of keyed_hash().
    std::uint32_t name_hash() const noexcept { return name_hash_; }
    DbfType type() const noexcept { return type_; }
    std::uint32_t max_count() const noexcept { return max_count_; }

    // ---- any thread ----
    SnapshotPtr snapshot() const;
    // Replaces the value that gets are answered with; tells no subscriber.
    // The snapshot must have this PV's type, at most max_count elements and metadata.
    void set(SnapshotPtr snapshot);
    // Replaces the value and queues it to the subscriptions whose mask has a bit of
    // `mask`. When a subscriber falls behind, the newest queued value is replaced, so
    // that the last one always arrives. True: a server fell so far behind these posts
    // that it has lost one of them. Who goes on all the same may wait_for_servers().
    bool post(SnapshotPtr snapshot, EventMask mask);
    // Until they have taken what was posted to it, and a millisecond at most. It waits
    // for no client: servers take posts as fast as they can run. Not in the thread of a
    // server, nor between begin() and end() of a batch; a thread that carries out a
    // request does not wait, as those of all clients would wait with it.
    void wait_for_servers() const noexcept;

    // ---- acknowledgement of alarms, any thread ----
    Acknowledgement acknowledgement() const;
    // Whether alarms that have ended have to be acknowledged, too.
    void set_transient_alarms(bool on);
    // What is not acknowledged is, unless it is worse than `severity`.
    void acknowledge(std::uint16_t severity);

    // ---- for whoever looks inside, any thread ----
    // Posts that there were.
    std::uint64_t posts() const noexcept {
        return posted_.load(std::memory_order_relaxed);
    }
    std::size_t channels() const;  // of all servers
    struct Look {
        SnapshotPtr snapshot;
        std::uint64_t posts = 0;
        std::size_t channels = 0;
    };
    Look look() const;
    // `f` is called with the value and the mutex held: it must be short.
    template <class F>
    void look_at(F&& f) const {
        std::lock_guard lock(mutex_);
        f(*current_);
    }
    void prefetch_look() const noexcept { prefetch(this, sizeof *this); }

    // Gets are answered by a ReadRequest (a Driver that overrides read) instead of from
    // the snapshot.
    void set_reads_by_request(bool on) noexcept { reads_by_request_.store(on); }
    bool reads_by_request() const noexcept { return reads_by_request_.load(); }
    // Where it reads by request: the value, if nobody has to be asked all the same.
    SnapshotPtr read_unasked() const;
    // That there are subscriptions, and then none any more, is told by an Interest
    // request. What comes and goes between two takes of the queue is not told.
    void set_wants_interest(bool on) noexcept { wants_interest_.store(on); }
    bool wants_interest() const noexcept { return wants_interest_.load(); }
    // Put callbacks are carried out one at a time, each until it is completed.
    void set_puts_in_series(bool on);
    bool puts_in_series() const noexcept { return puts_in_series_.load(); }
    // The driver is done with the put callback that it was asked to carry out.
    void end_put(EcaStatus status);
    // Null before set_puts_in_series(true).
    SerialPuts* serial_puts() const noexcept {
        const Rare* made = rare_.load();
        return made ? made->serial_puts.load() : nullptr;
    }
    // Its access security group; the channels there are get its rights, too.
    void set_access_group(const std::string& group);
    std::string access_group() const;
    // No client may put to it, whatever its group allows.
    void set_read_only(bool on);
    bool read_only() const noexcept {
        const AccessMember* made = access_made();
        return made && made->read_only();
    }
    // Made at first: a PV without channels, group and readonly has none. Throws
    // std::bad_alloc.
    AccessMember& access();

    // While it is on, no client's put gets any further: it fails.
    void set_puts_disabled(bool on) noexcept { puts_disabled_.store(on); }
    bool puts_disabled() const noexcept { return puts_disabled_.load(); }

    // What follows it; null until there is something. The PV holds it.
    PvCompanionPtr companion() const;
    // That one, or, if there is none, `made` from now on.
    PvCompanionPtr get_companion(PvCompanionPtr made);
    void drop_companion(const PvCompanion& companion);

    // Over any protocol.
    bool has_subscriptions() const;
    // What they want to be told of, or wanted lately.
    EventMask wanted_events() const;
    // Interest changed; true if a request has to be queued for it.
    bool interest_changed() noexcept { return !interest_queued_.exchange(true); }
    // That request was dropped: the next change needs another one.
    void interest_dropped() noexcept { interest_queued_ = false; }
    // Who takes that request: true if `now` is set to something that was not told yet.
    bool take_interest(bool& now);

    // True once: a client was refused that cannot get at PVs of this type.
    bool first_refusal() noexcept { return !refused_.exchange(true); }

    // ---- thread of a server: its clients here ----
    // Null before attach(), and after detach().
    PvClientsPtr clients_of(const PostQueue& queue) const;
    // There are none with the same queue.
    void attach(PvClientsPtr clients);
    // They are gone; the PV is still held by the caller.
    void detach(PvClients& clients);

  private:
    Pv(std::string_view name, std::uint32_t max_count, SnapshotPtr first) noexcept;
    // Behind the object, in the same piece of memory.
    static const char* name_at(const Pv* pv) noexcept {
        return reinterpret_cast<const char*>(pv + 1);
    }
    ~Pv();
    friend class PvClients;
    // What few PVs have, or only those with clients.
    struct Rare {
        // Owned.
        std::atomic<SerialPuts*> serial_puts{nullptr};
        std::atomic<AccessMember*> access{nullptr};
        PvCompanionPtr companion;  // guarded by the mutex

        Rare() = default;
        Rare(const Rare&) = delete;
        Rare& operator=(const Rare&) = delete;
        ~Rare();
    };
    Rare& rare();  // made at first; throws std::bad_alloc
    AccessMember* access_made() const noexcept {
        const Rare* made = rare_.load();
        return made ? made->access.load() : nullptr;
    }
    // The mutex is held.
    PvCompanionPtr companion_now() const noexcept {
        const Rare* made = rare_.load();
        return made ? made->companion : PvCompanionPtr();
    }
    template <class Change>
    bool tell(EventMask mask, Change change);
    bool overrun() const noexcept;
    void note_alarm(const Snapshot& next) noexcept;  // the mutex is held
    void queue_up(const PvClientsPtr& clients);
    void queue_up_others();
    bool has_subscriptions_now() const noexcept;  // the mutex is held
    std::size_t channels_now() const noexcept;    // the same

    // constant after construction
    const std::uint32_t name_size_;
    const std::uint32_t max_count_;
    const DbfType type_;

    std::atomic<bool> reads_by_request_{false};
    std::atomic<bool> wants_interest_{false};
    std::atomic<bool> interest_queued_{false};
    std::atomic<bool> puts_in_series_{false};
    std::atomic<bool> refused_{false};
    std::atomic<bool> puts_disabled_{false};
    // Here they take no room. The mutex is a leaf: it guards both above it, all from
    // current_ on, and the events of clients.
    bool told_interest_ = false;
    Acknowledgement acknowledgement_;
    mutable SmallMutex mutex_;
    const std::uint32_t name_hash_;  // here, for the same reason

    std::atomic<Rare*> rare_{nullptr};  // owned
    SnapshotPtr current_;
    std::atomic<std::uint64_t> posted_{0};  // written with the mutex
    PvClientsPtr clients_;                  // a list: of each server that has some

  public:
    // For whoever made this PV; the engine never looks at it. Guarded by its user. Here
    // it takes no more room than it has.
    void* owner = nullptr;
};

using PvPtr = Ref<Pv>;

}  // namespace pcas
