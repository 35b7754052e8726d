// PVs by their own names, in little room: a table without nodes. A PV keeps the hash of
// its name, so that growing reads no names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/export.hpp"
#include "pv/pv.hpp"

namespace pcas {

// Whoever uses it guards it.
class PCAS_API NameSet {
  public:
    // Null if there is none of that name.
    const PvPtr* find(std::string_view name) const noexcept;
    // There is none of its name. Throws std::bad_alloc, and then nothing has changed.
    void insert(PvPtr pv);
    // Removes the PV of that name; null if there is none.
    PvPtr take(std::string_view name) noexcept;
    std::size_t size() const noexcept { return size_; }
    // f(pv) of all, in no order.
    template <class F>
    void for_each(F&& f) const {
        for (const PvPtr& pv : slots_) {
            if (pv) f(pv);
        }
    }

  private:
    // A PV is in the first slot that was free from that of its hash on. Its mark has
    // some bits of the hash, so that most PVs of other names need not be looked at.
    static constexpr std::uint8_t kFree = 0;
    static std::uint8_t mark_of(std::uint32_t hash) noexcept {
        return static_cast<std::uint8_t>(hash >> 25 | 0x80);
    }
    static constexpr std::size_t kNowhere = ~std::size_t{0};
    std::size_t where(std::string_view name) const noexcept;
    std::size_t next(std::size_t slot) const noexcept {
        return (slot + 1) & (slots_.size() - 1);
    }
    void put(PvPtr pv) noexcept;  // there is room
    void grow();

    std::vector<std::uint8_t> marks_;
    std::vector<PvPtr> slots_;  // as many: a power of two, or none
    std::size_t size_ = 0;
};

}  // namespace pcas
