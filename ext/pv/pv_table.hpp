// PVs by name: the source of names that a server fills.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/export.hpp"
#include "base/keyed_hash.hpp"
#include "pv/name_set.hpp"
#include "pv/pv.hpp"
#include "pv/source.hpp"

namespace pcas {

class PCAS_API PvTable final : public Source {
  public:
    // Any thread. Returns the PV of that name that was there before, or null.
    PvPtr add(PvPtr pv);
    // The same under another name than the PV's own, or one more.
    PvPtr add(std::string_view name, PvPtr pv);
    PvPtr remove(std::string_view name);
    PvPtr find(std::string_view name) const;
    std::size_t size() const;
    // All there are, in no order.
    std::vector<std::string> names() const;
    // Posts of all PVs that are here, each counted once. It takes as long as there are
    // PVs.
    std::uint64_t posts() const;

    // ---- for whoever looks inside, any thread ----
    // Another one after each change.
    std::uint64_t version() const noexcept { return version_.load(); }
    // f(name, pv) of all, in no order, with the lock held; the version that they are
    // of.
    template <class F>
    std::uint64_t for_each(F&& f) const {
        std::shared_lock lock(mutex_);
        pvs_.for_each([&](const PvPtr& pv) {
            f(std::string_view(pv->name()), std::as_const(*pv));
        });
        for (const auto& [name, pv] : others_)
            f(std::string_view(name), std::as_const(*pv));
        return version_;
    }
    // f() while nothing changes; false, without it, if it is another version by now.
    template <class F>
    bool if_unchanged(std::uint64_t version, F&& f) const {
        std::shared_lock lock(mutex_);
        if (version_ != version) return false;
        f();
        return true;
    }

    // ---- Source ----
    Found find(std::string_view name, NameUse use) const override;
    void prepare_fork() override { mutex_.lock(); }
    void after_fork_in_parent() override { mutex_.unlock(); }
    void after_fork_in_child() override;

  private:
    PvPtr taken_out(std::string_view name);  // the mutex is held

    mutable std::shared_mutex mutex_;  // leaf
    NameSet pvs_;
    // Under other names than their own; none of them is in `pvs_`, too.
    std::unordered_map<std::string, PvPtr, KeyedTextHash> others_;
    std::atomic<std::uint64_t> version_{0};  // written with the mutex
};

}  // namespace pcas
