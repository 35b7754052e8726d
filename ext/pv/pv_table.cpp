#include "pv/pv_table.hpp"

#include <mutex>
#include <utility>

namespace pcas {

PvPtr PvTable::add(PvPtr pv) {
    const std::string_view name = pv->name();
    return add(name, std::move(pv));
}

PvPtr PvTable::add(std::string_view name, PvPtr pv) {
    std::unique_lock lock(mutex_);
    ++version_;
    PvPtr old = taken_out(name);  // let go of without the lock
    if (name == pv->name())
        pvs_.insert(std::move(pv));
    else
        others_.emplace(name, std::move(pv));
    lock.unlock();
    return old;
}

PvPtr PvTable::remove(std::string_view name) {
    std::unique_lock lock(mutex_);
    PvPtr old = taken_out(name);  // let go of without the lock
    if (old) ++version_;
    lock.unlock();
    return old;
}

PvPtr PvTable::taken_out(std::string_view name) {
    PvPtr old = pvs_.take(name);
    if (!old && !others_.empty()) {
        const auto other = others_.find(std::string(name));
        if (other == others_.end()) return old;
        old = std::move(other->second);
        others_.erase(other);
    }
    return old;
}

PvPtr PvTable::find(std::string_view name) const {
    std::shared_lock lock(mutex_);
    if (const PvPtr* found = pvs_.find(name)) return *found;
    if (others_.empty()) return {};
    const auto other = others_.find(std::string(name));
    return other == others_.end() ? PvPtr{} : other->second;
}

Found PvTable::find(std::string_view name, NameUse) const {
    PvPtr pv = find(name);
    const Where where = pv ? Where::Here : Where::NotHere;
    return {where, std::move(pv)};
}

// Whoever waited for the mutex does not exist here: it is a new one.
void PvTable::after_fork_in_child() { std::construct_at(&mutex_); }

std::vector<std::string> PvTable::names() const {
    std::vector<std::string> all;
    std::shared_lock lock(mutex_);
    all.reserve(pvs_.size() + others_.size());
    pvs_.for_each([&](const PvPtr& pv) { all.emplace_back(pv->name()); });
    for (const auto& [name, pv] : others_) all.emplace_back(name);
    return all;
}

std::uint64_t PvTable::posts() const {
    std::uint64_t all = 0;
    std::shared_lock lock(mutex_);
    pvs_.for_each([&](const PvPtr& pv) { all += pv->posts(); });
    return all;
}

std::size_t PvTable::size() const {
    std::shared_lock lock(mutex_);
    return pvs_.size() + others_.size();
}

}  // namespace pcas
