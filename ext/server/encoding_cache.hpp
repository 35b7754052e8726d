// The wire form of large snapshots, made once and shared by all who ask for the same
// type and count. Loop thread only.
#pragma once

#include <array>
#include <cstdint>

#include "base/buffer.hpp"
#include "dbr/codec.hpp"

namespace pcas {

class EncodingCache {
  public:
    // Payloads from this size on are encoded into a shared buffer.
    static constexpr std::uint64_t kShareFrom = 2048;

    struct Encoded {
        EcaStatus status;
        Ref<Buffer> bytes;  // padded; zeros if status is not ECA_NORMAL
    };
    // Throws std::bad_alloc.
    static Encoded make(const Snapshot& snapshot, DbrType type, std::uint32_t count);
    Encoded get(const SnapshotPtr& snapshot, DbrType type, std::uint32_t count);
    // Drops the entries whose snapshot nobody else holds any more, and those that
    // nobody has asked for since the last time.
    void drop_stale() noexcept;
    void clear() noexcept;
    bool empty() const noexcept;

  private:
    struct Entry {
        SnapshotPtr snapshot;
        DbrType type{};
        std::uint32_t count = 0;
        bool asked = false;  // for, since the last sweep
        Encoded encoded{};
    };
    std::array<Entry, 8> entries_;
    std::size_t next_ = 0;  // the entry to replace, in turn
};

}  // namespace pcas
