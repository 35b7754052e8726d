#include "server/encoding_cache.hpp"

#include <utility>

namespace pcas {

EncodingCache::Encoded EncodingCache::make(const Snapshot& snapshot, DbrType type,
                                           std::uint32_t count) {
    Encoded made{};
    made.bytes =
        Buffer::create(static_cast<std::size_t>(padded(dbr_size(type, count))));
    made.status = encode(snapshot, type, count, made.bytes->bytes());
    return made;
}

EncodingCache::Encoded EncodingCache::get(const SnapshotPtr& snapshot, DbrType type,
                                          std::uint32_t count) {
    for (Entry& e : entries_) {
        if (e.snapshot == snapshot && e.type == type && e.count == count) {
            e.asked = true;
            return e.encoded;
        }
    }
    Encoded made = make(*snapshot, type, count);
    entries_[next_] = {snapshot, type, count, true, made};
    next_ = (next_ + 1) % entries_.size();
    return made;
}

void EncodingCache::drop_stale() noexcept {
    for (Entry& e : entries_) {
        if (!e.snapshot) continue;
        if (!std::exchange(e.asked, false) || e.snapshot->sole_ref()) e = {};
    }
}

void EncodingCache::clear() noexcept { entries_.fill({}); }

bool EncodingCache::empty() const noexcept {
    for (const Entry& e : entries_) {
        if (e.snapshot) return false;
    }
    return true;
}

}  // namespace pcas
