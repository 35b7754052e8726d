// Snapshot -> wire (encode) and wire -> Snapshot (decode), with EPICS' conversions.
// Pure functions: no clocks, locks or logs. Rules: EPICS IOC (rsrv) unless said
// otherwise.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dbr/convert.hpp"
#include "dbr/snapshot.hpp"
#include "dbr/types.hpp"

namespace pcas {

// Writes dbr_size(type, count) bytes of `snapshot` to `out`, big endian, and zeroes the
// rest of `out` (the padding). Elements beyond the snapshot's count are zeros.
//
// Returns ECA_NORMAL, or without a usable `out` (all zeros then):
//   ECA_BADTYPE  type is not readable (39 and more)
//   ECA_GETFAIL  PUT_ACKT, PUT_ACKS; a string that is no number asked for as one
//   ECA_TOLARGE  `out` is shorter than padded(dbr_size(type, count))
// `type` and `count` may be any value. An update without elements is sent in 8 bytes,
// all zeros: `out` may be longer than the type needs.
EcaStatus encode(const Snapshot& snapshot, DbrType type, std::uint32_t count,
                 std::span<std::byte> out) noexcept;

// How the snapshot's elements become another type.
ConvertRules convert_rules(const Snapshot& snapshot) noexcept;

// Writes what goes ahead of the elements, and returns its size, value_offset(type).
// `out` is at least as long as a value of that type may begin late: 640 bytes will do,
// and 16 for text. What is behind the head may be overwritten with zeros.
std::size_t encode_head(const Snapshot& snapshot, DbrType type,
                        std::span<std::byte> out) noexcept;

struct DecodeTarget {
    DbfType type;              // how the PV stores
    std::uint32_t max_count;   // its largest number of elements
    const Metadata* metadata;  // states and precision; null if it needs_no_states()
};

// Elements are taken as they come: decode() looks at no metadata of the PV.
inline bool needs_no_states(DbrType type, DbfType stored) noexcept {
    return stored != DbfType::String && raw(type) == static_cast<std::uint16_t>(stored);
}

struct Decoded {
    EcaStatus status;  // ECA_NORMAL: snapshot is set
    Ref<Snapshot>
        snapshot;  // elements in the target's type; time, alarm, metadata unset
};

// The elements that a WRITE or WRITE_NOTIFY carries, converted to how the PV stores
// them.
//   ECA_BADTYPE  type is none of 0-6
//   ECA_BADCOUNT count is 0 for a PV of one element, above max_count, or the payload is
//                shorter than count says (a single DBR_STRING may be shorter than 40
//                bytes)
//   ECA_PUTFAIL  text that is no number or no state; an enum index with no state
//   ECA_ALLOCMEM no memory
// One DBR_STRING for a CHAR PV of more than one element is taken as its text, with its
// NUL where there is room; text longer than the PV is ECA_BADCOUNT.
Decoded decode(DbrType type, std::uint32_t count, std::span<const std::byte> payload,
               const DecodeTarget& target) noexcept;

}  // namespace pcas
