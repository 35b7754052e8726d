#include "pv/pv_table.hpp"

#include <mutex>
#include <utility>

namespace pcas {

PvPtr PvTable::add(PvPtr pv) {
    const std::string_view name = pv->name();
    return add(name, std::move(pv));
}

PvPtr PvTable::add(std::string_view name, PvPtr pv) {
    Entry entry;
    if (name != pv->name()) entry.other_name = std::make_unique<std::string>(name);
    const std::string_view key = entry.other_name ? *entry.other_name : pv->name();
    entry.pv = std::move(pv);
    Entry old;  // let go of without the lock
    std::unique_lock lock(mutex_);
    ++version_;
    const auto found = pvs_.find(key);
    if (found != pvs_.end()) {
        old = std::move(found->second);
        pvs_.erase(found);  // its key is a view of what the old entry holds
    }
    pvs_.emplace(key, std::move(entry));
    lock.unlock();
    return std::move(old.pv);
}

PvPtr PvTable::remove(std::string_view name) {
    Entry old;
    std::unique_lock lock(mutex_);
    const auto found = pvs_.find(name);
    if (found != pvs_.end()) {
        ++version_;
        old = std::move(found->second);
        pvs_.erase(found);
    }
    lock.unlock();
    return std::move(old.pv);
}

PvPtr PvTable::find(std::string_view name) const {
    std::shared_lock lock(mutex_);
    const auto found = pvs_.find(name);
    return found == pvs_.end() ? PvPtr{} : found->second.pv;
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
    all.reserve(pvs_.size());
    for (const auto& [name, entry] : pvs_) all.emplace_back(name);
    return all;
}

std::uint64_t PvTable::posts() const {
    std::uint64_t all = 0;
    std::shared_lock lock(mutex_);
    for (const auto& [name, entry] : pvs_) {
        if (!entry.other_name) all += entry.pv->posts();
    }
    return all;
}

std::size_t PvTable::size() const {
    std::shared_lock lock(mutex_);
    return pvs_.size();
}

}  // namespace pcas
