// Names that clients search for and nobody here has: the most frequent ones.
//
// A fixed number of names is kept. One that is not among them takes the place of one
// that nobody has asked for in a long time, or else, with the probability 1 / (n + 1),
// that of a rarest one, which was asked for n times: a flood of names at random wears
// down what is rare, and hardly ever what is frequent. All steps take constant time.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/export.hpp"
#include "base/keyed_hash.hpp"

namespace pcas {

// Who searches. An address of IPv4, or else `text`.
struct Searcher {
    std::uint32_t ip = 0;  // in host order
    std::uint16_t port = 0;
    std::string_view text{};
};

struct MissRow {
    std::string name, client;
    unsigned clients = 0;        // at most Misses::kClients
    std::uint64_t count = 0;     // searches, an estimate where it has replaced another
    double first = 0, last = 0;  // seconds since 1970
};

class PCAS_API Misses {
  public:
    static constexpr std::size_t kClients = 16;
    static constexpr std::size_t kLongest = 255;  // of a name: the rest is cut off
    static constexpr double kStale = 3600;        // seconds after which one may go

    explicit Misses(std::size_t most = 1000);
    Misses(const Misses&) = delete;
    Misses& operator=(const Misses&) = delete;

    // ---- any thread ----
    // Forgets all when it is switched off.
    void keep(bool on);
    bool kept() const noexcept { return kept_.load(std::memory_order_relaxed); }
    // Only where it is kept. What there is no memory for is not counted.
    void note(std::string_view name, const Searcher& who) noexcept;
    void note(std::string_view name, const Searcher& who, double now);
    // The most frequent first.
    std::vector<MissRow> rows() const;

    // ---- around fork() ----
    void prepare_fork() { mutex_.lock(); }
    void after_fork_in_parent() { mutex_.unlock(); }
    void after_fork_in_child();

  private:
    struct Entry;
    // All names that were asked for as often, the rarest ones first.
    struct Rank {
        std::uint64_t count;
        std::list<Entry> entries;
    };
    using Ranks = std::list<Rank>;
    struct Entry {
        std::string name;
        std::uint32_t ip = 0;
        std::uint16_t port = 0;
        std::string text;
        double first = 0, last = 0;
        std::array<std::uint32_t, kClients> clients{};  // hashes
        unsigned known = 0;
        Ranks::iterator rank{};
        std::list<Entry*>::iterator use{};
    };
    using Entries = std::list<Entry>;

    void add(std::string_view name, const Searcher& who, double now);
    void count(Entries::iterator entry, const Searcher& who, double now);
    void rise(Entries::iterator entry);
    bool make_room(double now, std::uint64_t& count);
    void remove(Entries::iterator entry);
    static void note_client(Entry& entry, const Searcher& who);
    std::uint64_t random() noexcept;

    const std::size_t most_;
    std::atomic<bool> kept_{false};
    mutable std::mutex mutex_;  // leaf; guards all below
    Ranks ranks_;
    std::list<Entry*> uses_;  // the one not asked for the longest first
    // The key is a view of the entry's name.
    std::unordered_map<std::string_view, Entries::iterator, KeyedTextHash> names_;
    std::uint64_t seed_;
};

}  // namespace pcas
