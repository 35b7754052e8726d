// The names a server serves.
#pragma once

#include <cstddef>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "pv/pv.hpp"

namespace pcas {

class PvTable {
  public:
    // Any thread. Returns the PV of that name that was there before, or null.
    PvPtr add(PvPtr pv);
    PvPtr remove(std::string_view name);
    PvPtr find(std::string_view name) const;
    std::size_t size() const;
    std::vector<PvPtr> all() const;
    void clear();

  private:
    mutable std::shared_mutex mutex_;  // leaf
    // The key is a view of the PV's own name.
    std::unordered_map<std::string_view, PvPtr> pvs_;
};

}  // namespace pcas
