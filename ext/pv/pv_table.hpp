// The names a server serves.
#pragma once

#include <cstddef>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/keyed_hash.hpp"
#include "pv/pv.hpp"

namespace pcas {

class PvTable {
  public:
    // Any thread. Returns the PV of that name that was there before, or null.
    PvPtr add(PvPtr pv);
    // The same under another name than the PV's own, or one more.
    PvPtr add(std::string_view name, PvPtr pv);
    PvPtr remove(std::string_view name);
    PvPtr find(std::string_view name) const;
    std::size_t size() const;

    // Around fork(), by the thread that forks: the child finds the table whole.
    void prepare_fork() { mutex_.lock(); }
    void after_fork_in_parent() { mutex_.unlock(); }
    void after_fork_in_child();

  private:
    mutable std::shared_mutex mutex_;  // leaf
    struct Entry {
        PvPtr pv;
        std::unique_ptr<const std::string> other_name;  // null: the PV's own
    };
    // The key is a view of the PV's own name, or of the entry's other one.
    std::unordered_map<std::string_view, Entry, KeyedHash> pvs_;
};

}  // namespace pcas
