#include "pv/misses.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <new>
#include <utility>

namespace pcas {
namespace {

double wall_clock() noexcept {
    return std::chrono::duration<double>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

std::string address_text(std::uint32_t ip, std::uint16_t port) {
    char text[32];
    std::snprintf(text, sizeof text, "%u.%u.%u.%u:%u", ip >> 24, ip >> 16 & 255,
                  ip >> 8 & 255, ip & 255, unsigned{port});
    return text;
}

}  // namespace

Misses::Misses(std::size_t most) : most_(most), seed_(keyed_hash("misses") | 1) {}

void Misses::keep(bool on) {
    Ranks gone;  // without the lock
    std::lock_guard lock(mutex_);
    kept_ = on;
    if (on) return;
    names_.clear();
    uses_.clear();
    gone.swap(ranks_);
}

void Misses::note(std::string_view name, const Searcher& who) noexcept {
    try {
        note(name, who, wall_clock());
        // NOLINTNEXTLINE(bugprone-empty-catch)
    } catch (const std::bad_alloc&) {
        // clients search again
    }
}

void Misses::note(std::string_view name, const Searcher& who, double now) {
    name = name.substr(0, kLongest);
    std::lock_guard lock(mutex_);
    if (!kept_) return;
    const auto found = names_.find(name);
    if (found != names_.end()) {
        count(found->second, who, now);
    } else {
        add(name, who, now);
    }
}

void Misses::count(Entries::iterator entry, const Searcher& who, double now) {
    rise(entry);
    entry->last = now;
    note_client(*entry, who);
    uses_.splice(uses_.end(), uses_, entry->use);
}

// Into the rank of one more; ranks without entries do not stay.
void Misses::rise(Entries::iterator entry) {
    const auto rank = entry->rank;
    auto next = std::next(rank);
    if (next == ranks_.end() || next->count != rank->count + 1) {
        next = ranks_.insert(next, {rank->count + 1, {}});
    }
    next->entries.splice(next->entries.end(), rank->entries, entry);
    entry->rank = next;
    if (rank->entries.empty()) ranks_.erase(rank);
}

// What may fail for want of memory comes first.
void Misses::add(std::string_view name, const Searcher& who, double now) {
    std::uint64_t count = 1;
    if (names_.size() >= most_ && !make_room(now, count)) return;
    Entries made(1);
    Entry& entry = made.front();
    entry.name = name;
    entry.first = entry.last = now;
    note_client(entry, who);
    std::list<Entry*> use{&entry};
    auto rank = ranks_.begin();
    if (rank != ranks_.end() && rank->count < count) ++rank;
    Ranks fresh;
    if (rank == ranks_.end() || rank->count != count) fresh.push_back({count, {}});
    names_.emplace(entry.name, made.begin());
    if (!fresh.empty()) {
        const auto first = fresh.begin();
        ranks_.splice(rank, fresh);
        rank = first;
    }
    entry.rank = rank;
    entry.use = use.begin();
    uses_.splice(uses_.end(), use);
    rank->entries.splice(rank->entries.end(), made);
}

// False: the name is not taken. Else `count` is what it begins with.
bool Misses::make_room(double now, std::uint64_t& count) {
    Entry& oldest = *uses_.front();
    if (now - oldest.last > kStale) {
        remove(names_.find(oldest.name)->second);
        return true;
    }
    const std::uint64_t rarest = ranks_.front().count;
    if (random() % (rarest + 1) != 0) return false;
    remove(ranks_.front().entries.begin());
    count = rarest + 1;
    return true;
}

void Misses::remove(Entries::iterator entry) {
    const auto rank = entry->rank;
    names_.erase(entry->name);
    uses_.erase(entry->use);
    rank->entries.erase(entry);
    if (rank->entries.empty()) ranks_.erase(rank);
}

void Misses::note_client(Entry& entry, const Searcher& who) {
    entry.ip = who.ip;
    entry.port = who.port;
    entry.text = who.text;
    if (entry.known == kClients) return;
    const std::uint64_t hash = who.text.empty()
                                   ? KeyedHash()(std::uint64_t{who.ip} << 16 | who.port)
                                   : keyed_hash(who.text);
    const auto client = static_cast<std::uint32_t>(hash);
    const auto end = entry.clients.begin() + entry.known;
    if (std::find(entry.clients.begin(), end, client) != end) return;
    entry.clients.at(entry.known++) = client;
}

// xorshift64: nobody outside sees any of it.
std::uint64_t Misses::random() noexcept {
    seed_ ^= seed_ << 13;
    seed_ ^= seed_ >> 7;
    seed_ ^= seed_ << 17;
    return seed_;
}

std::vector<MissRow> Misses::rows() const {
    std::vector<MissRow> all;
    all.reserve(most_);
    std::lock_guard lock(mutex_);
    for (auto rank = ranks_.rbegin(); rank != ranks_.rend(); ++rank) {
        for (const Entry& entry : rank->entries) {
            all.push_back(
                {entry.name,
                 entry.text.empty() ? address_text(entry.ip, entry.port) : entry.text,
                 entry.known, rank->count, entry.first, entry.last});
        }
    }
    return all;
}

void Misses::after_fork_in_child() { std::construct_at(&mutex_); }

}  // namespace pcas
