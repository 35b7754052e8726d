// One event's message, made once for all the subscriptions that want it in the same
// type and count: they differ in the SUBID only. For small values; large ones share the
// payload alone (encoding_cache.hpp). Loop thread only, for the time of one delivery.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "dbr/codec.hpp"
#include "pv/pv.hpp"

namespace pcas {

class UpdateForm {
  public:
    static constexpr std::size_t kMaxSize = 256;
    static constexpr std::size_t kSubidOffset = 12;

    // Both have to stay while this is used.
    UpdateForm(const Pv& pv, const Snapshot& snapshot) noexcept
        : pv_(pv), snapshot_(snapshot) {}
    // The message, SUBID not set. Empty if it has to be made in another way: it is
    // large, or the value cannot be had in that type. Count 0: as many as there are.
    std::span<const std::byte> message(DbrType type, std::uint32_t count) noexcept {
        if (!made_ || type != type_ || count != count_) make(type, count);
        return {bytes_.data(), size_};
    }

  private:
    void make(DbrType type, std::uint32_t count) noexcept;

    const Pv& pv_;
    const Snapshot& snapshot_;
    DbrType type_{};
    std::uint32_t count_ = 0;
    bool made_ = false;
    std::size_t size_ = 0;
    std::array<std::byte, kMaxSize> bytes_;
};

}  // namespace pcas
