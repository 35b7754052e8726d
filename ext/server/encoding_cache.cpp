#include "server/encoding_cache.hpp"

namespace pcas {

EncodingCache::Encoded EncodingCache::get(const SnapshotPtr& snapshot, DbrType type,
                                          std::uint32_t count) {
    for (const Entry& e : entries_) {
        if (e.snapshot == snapshot && e.type == type && e.count == count) {
            return e.encoded;
        }
    }
    Encoded made{};
    made.bytes =
        Buffer::create(static_cast<std::size_t>(padded(dbr_size(type, count))));
    made.status = encode(*snapshot, type, count, made.bytes->bytes());
    entries_[next_] = {snapshot, type, count, made};
    next_ = (next_ + 1) % entries_.size();
    return made;
}

void EncodingCache::drop_stale() noexcept {
    for (Entry& e : entries_) {
        if (e.snapshot && e.snapshot->sole_ref()) e = {};
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
