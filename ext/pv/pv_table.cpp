#include "pv/pv_table.hpp"

#include <mutex>
#include <utility>

namespace pcas {

PvPtr PvTable::add(PvPtr pv) {
    PvPtr old;
    std::unique_lock lock(mutex_);
    const auto found = pvs_.find(pv->name());
    if (found != pvs_.end()) {
        old = std::move(found->second);
        pvs_.erase(found);  // its key is a view of the old PV's name
    }
    const std::string_view name = pv->name();
    pvs_.emplace(name, std::move(pv));
    return old;
}

PvPtr PvTable::remove(std::string_view name) {
    PvPtr old;
    std::unique_lock lock(mutex_);
    const auto found = pvs_.find(name);
    if (found != pvs_.end()) {
        old = std::move(found->second);
        pvs_.erase(found);
    }
    return old;
}

PvPtr PvTable::find(std::string_view name) const {
    std::shared_lock lock(mutex_);
    const auto found = pvs_.find(name);
    return found == pvs_.end() ? PvPtr{} : found->second;
}

std::size_t PvTable::size() const {
    std::shared_lock lock(mutex_);
    return pvs_.size();
}

std::vector<PvPtr> PvTable::all() const {
    std::shared_lock lock(mutex_);
    std::vector<PvPtr> out;
    out.reserve(pvs_.size());
    for (const auto& [name, pv] : pvs_) out.push_back(pv);
    return out;
}

void PvTable::clear() {
    std::unordered_map<std::string_view, PvPtr> gone;
    std::unique_lock lock(mutex_);
    gone.swap(pvs_);
}

}  // namespace pcas
