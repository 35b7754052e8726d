// The wire form of many numbers or states as text, made piece by piece: such a
// conversion takes a thousand times as long as a copy, and its text five times the
// memory. It cannot fail. Pure, as all of dbr/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dbr/acknowledgement.hpp"
#include "dbr/snapshot.hpp"
#include "dbr/types.hpp"

namespace pcas {

class TextStream {
  public:
    // From this payload size on it is worth the trouble.
    static constexpr std::uint64_t kFrom = 16384;
    // `out` of next() is at least so long.
    static constexpr std::size_t kLeast = 128;

    // Whether encode() of these would be such a conversion.
    static bool suits(const Snapshot& snapshot, DbrType type,
                      std::uint32_t count) noexcept;
    // The acknowledgement is for a kDbrStsackString.
    TextStream(SnapshotPtr snapshot, DbrType type, std::uint32_t count,
               Acknowledgement acknowledgement = {}) noexcept;

    // Writes what comes next, and returns how many bytes that are; 0 at the end. In all
    // they are what encode() writes to padded(dbr_size(type, count)) bytes.
    std::size_t next(std::span<std::byte> out) noexcept;
    // What is still to come.
    std::uint64_t left() const noexcept { return left_; }
    const SnapshotPtr& snapshot() const noexcept { return snapshot_; }

  private:
    SnapshotPtr snapshot_;
    DbrType type_;
    std::uint32_t count_;
    std::uint32_t done_ = 0;  // elements
    bool begun_ = false;      // what goes ahead of them is written
    Acknowledgement acknowledgement_;
    std::uint64_t left_;
};

}  // namespace pcas
