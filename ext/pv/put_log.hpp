// What is written down of each put: whose it was, when, the value before and after, and
// how it ended. Records wait here for the thread that writes them; puts never do.
#pragma once

#include <atomic>
#include <chrono>
#include <concepts>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "access/client_identity.hpp"
#include "base/export.hpp"
#include "base/ref.hpp"
#include "pv/pv.hpp"

namespace pcas {

class PutBursts;

enum class PutOutcome : std::uint8_t {
    Accepted,
    Refused,      // by the driver
    Failed,       // the driver raised an exception, or its put callback failed
    OutOfLimits,  // those of the PV
    NotDone,      // the server ended, or had no room for it
    NoAccess,     // access security
    ReadOnly,
    Disabled,  // the field DISP
    BadValue,
    TooLarge,
    Busy  // too many puts wait
};

struct PutRecord {
    PvPtr pv;
    ClientPtr client;
    // Long ones are cut, the counts are those of the whole. Null: nobody knows, or it
    // has no elements.
    SnapshotPtr before, value;
    std::uint32_t before_count = 0, count = 0;
    std::string text;  // of a value that was not decoded
    TimeStamp time;
    PutOutcome outcome = PutOutcome::Failed;
    bool trapped = false;
    const char* field = "";  // "ACKT" or "ACKS": it was about the alarm
    // Of a burst: how many there were after the first, and their extremes.
    std::uint64_t more = 0;
    SnapshotPtr least, most;

    std::size_t held_bytes() const noexcept {
        return sizeof(PutRecord) + text.size() + (value ? value->size_bytes() : 0) +
               (before ? before->size_bytes() : 0);
    }
};

class PCAS_API PutLog final : public RefCounted {
  public:
    using Clock = std::chrono::steady_clock;
    enum class Which : std::uint8_t { All, Accepted, Trapped };

    // Puts of one client to one PV within `burst` are one record; 0: each is.
    PutLog(Which which, Clock::duration burst, std::size_t max_records = 65'536,
           std::size_t max_bytes = std::size_t{32} << 20);
    static void destroy(const PutLog* log) noexcept { delete log; }

    // ---- any thread: none of these waits ----
    bool wants(PutOutcome outcome, bool trapped) const noexcept {
        return which_ == Which::All || (which_ == Which::Trapped && trapped) ||
               (which_ == Which::Accepted && outcome == PutOutcome::Accepted);
    }
    void add(PutRecord record) noexcept;
    // One that the driver is not asked for, with the text that `make()` returns. A
    // client can have as many refused as it likes: they get half of the room.
    template <std::invocable Make>
    void add_refused(const PvPtr& pv, const ClientPtr& client, PutOutcome outcome,
                     bool trapped, Make make) noexcept {
        if (!wants(outcome, trapped)) return;
        if (!has_room_for_refused()) return count_dropped(1);
        try {
            PutRecord record;
            record.pv = pv;
            record.client = client;
            record.text = make();
            add_now(std::move(record), outcome, trapped);
        } catch (const std::exception&) {
            count_dropped(1);
        }
    }
    // The same of one whose value is in the PV's type.
    void add_refused(const PvPtr& pv, const ClientPtr& client, PutOutcome outcome,
                     bool trapped, SnapshotPtr value) noexcept;
    // Puts that are not written down: there was no room, or the writer had none.
    void count_dropped(std::uint64_t puts) noexcept { dropped_ += puts; }
    std::uint64_t dropped() const noexcept { return dropped_; }
    std::uint64_t written() const noexcept { return written_; }

    // ---- the one thread that writes them ----
    // Up to `max` records; waits at most `timeout` for the first one. Bursts come when
    // they are over, or all of them once the log is closed.
    std::vector<PutRecord> take(std::size_t max, Clock::duration timeout);
    void count_written(std::uint64_t puts) noexcept { written_ += puts; }
    // Nothing is taken in any more (it is counted as dropped), and take() returns what
    // there is.
    void close() noexcept;
    void open() noexcept;

    // In the child of a fork: closed and empty, as what waits is the parent's to write.
    // The mutex is not held over the fork: those who complete a put lock it with the
    // GIL, which the thread that forks may have let go of.
    void after_fork_in_child();

  private:
    ~PutLog();
    bool has_room_for_refused() noexcept;
    void add_now(PutRecord record, PutOutcome outcome, bool trapped);
    void keep(PutRecord record);

    const Which which_;
    const Clock::duration burst_;
    const std::size_t max_records_, max_bytes_;
    std::atomic<std::uint64_t> dropped_{0}, written_{0};

    std::mutex mutex_;  // leaf; guards the next ones
    std::condition_variable ready_;
    std::vector<PutRecord> records_;
    std::size_t bytes_ = 0;
    bool waiting_ = false;
    bool closed_ = true;

    // of the thread that writes
    std::unique_ptr<PutBursts> bursts_;
    std::vector<PutRecord> taken_;
};

using PutLogPtr = Ref<PutLog>;

// What a put keeps for its record while it is carried out.
struct PutInProgress {
    PutLogPtr log;
    SnapshotPtr before{};
    TimeStamp time{};
    bool begun = false;
    PutOutcome failure = PutOutcome::Failed;  // if it fails
};

}  // namespace pcas
