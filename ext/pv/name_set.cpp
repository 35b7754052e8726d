#include "pv/name_set.hpp"

#include <utility>

#include "base/keyed_hash.hpp"

namespace pcas {
namespace {

constexpr std::size_t kSmallest = 16;  // slots

}  // namespace

std::size_t NameSet::where(std::string_view name) const noexcept {
    if (slots_.empty()) return kNowhere;
    const auto hash = static_cast<std::uint32_t>(keyed_hash(name));
    const std::uint8_t mark = mark_of(hash);
    std::size_t slot = hash & (slots_.size() - 1);
    for (; marks_[slot] != kFree; slot = next(slot)) {
        if (marks_[slot] == mark && slots_[slot]->name() == name) return slot;
    }
    return kNowhere;
}

const PvPtr* NameSet::find(std::string_view name) const noexcept {
    const std::size_t slot = where(name);
    return slot == kNowhere ? nullptr : &slots_[slot];
}

void NameSet::insert(PvPtr pv) {
    if (5 * (size_ + 1) > 4 * slots_.size()) grow();
    put(std::move(pv));
    ++size_;
}

void NameSet::put(PvPtr pv) noexcept {
    const std::uint32_t hash = pv->name_hash();
    std::size_t slot = hash & (slots_.size() - 1);
    while (marks_[slot] != kFree) slot = next(slot);
    marks_[slot] = mark_of(hash);
    slots_[slot] = std::move(pv);
}

void NameSet::grow() {
    const std::size_t larger = slots_.empty() ? kSmallest : 2 * slots_.size();
    std::vector<std::uint8_t> marks(larger);
    std::vector<PvPtr> slots(larger);
    marks_.swap(marks);
    slots_.swap(slots);
    for (PvPtr& pv : slots) {
        if (pv) put(std::move(pv));
    }
}

// Those behind it that would not be found any more move up.
PvPtr NameSet::take(std::string_view name) noexcept {
    std::size_t gap = where(name);
    if (gap == kNowhere) return {};
    PvPtr taken = std::move(slots_[gap]);
    const std::size_t last = slots_.size() - 1;
    for (std::size_t slot = next(gap); marks_[slot] != kFree; slot = next(slot)) {
        const std::size_t home = slots_[slot]->name_hash() & last;
        if (((slot - home) & last) < ((slot - gap) & last)) continue;
        slots_[gap] = std::move(slots_[slot]);
        marks_[gap] = marks_[slot];
        gap = slot;
    }
    marks_[gap] = kFree;
    --size_;
    return taken;
}

}  // namespace pcas
