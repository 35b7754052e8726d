// Snapshot -> wire. A reply is the part ahead of the value by family, the elements, and
// zeros to the end.
#include <caerr.h>
#include <db_access.h>

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "base/byte_order.hpp"
#include "dbr/acknowledgement.hpp"
#include "dbr/codec.hpp"
#include "dbr/convert.hpp"
#include "dbr/swap.hpp"

namespace pcas {

namespace {

constexpr char kClassName[] = "pcaspy";
constexpr std::size_t kLimitsGr = 6;
constexpr std::size_t kLimitsCtrl = 8;

// Conversions go through a block that stays in the first cache.
constexpr std::size_t kBlock = 512;

const Metadata& metadata_of(const Snapshot& snapshot) noexcept {
    static const Metadata kNone;
    return snapshot.metadata ? *snapshot.metadata : kNone;
}

EcaStatus fail(std::span<std::byte> out, EcaStatus status) noexcept {
    std::fill(out.begin(), out.end(), std::byte{0});
    return status;
}

template <class UInt>
inline void put_one(std::byte* out, const std::byte* element) noexcept {
    UInt bits;
    std::memcpy(&bits, element, sizeof bits);
    store_be(out, bits);
}

// Elements in host order to the wire; a single one without a loop.
inline void put_elements(std::byte* out, const std::byte* elements, std::size_t n,
                         std::size_t size) noexcept {
    if (n != 1) return copy_swapped(out, elements, n, size);
    switch (size) {
        case 8:
            return put_one<std::uint64_t>(out, elements);
        case 4:
            return put_one<std::uint32_t>(out, elements);
        case 2:
            return put_one<std::uint16_t>(out, elements);
        case 1:
            *out = *elements;
            return;
        default:
            std::memcpy(out, elements, kStringSize);
    }
}

// --- ahead of the value

inline void put_alarm(std::byte* out, const AlarmState& alarm) noexcept {
    store_be16(out, alarm.status);
    store_be16(out + 2, alarm.severity);
}

// The 4 and 12 bytes that count, and zeros as far as the value may begin. `out`, a
// multiple of 8, is always that long.
inline void put_sts(std::byte* out, const Snapshot& snapshot) noexcept {
    put_alarm(out, snapshot.alarm);
    store_be32(out + 4, 0);
}

inline void put_time(std::byte* out, const Snapshot& snapshot) noexcept {
    put_alarm(out, snapshot.alarm);
    store_be32(out + 4, snapshot.time.seconds);
    store_be32(out + 8, snapshot.time.nanoseconds);
    store_be32(out + 12, 0);
}

void put_units(std::byte* out, const Metadata& metadata) noexcept {
    std::memcpy(out, metadata.units.data(),
                std::min(metadata.units.size(), kUnitsSize - 1));
}

template <class T>
void put_limits(std::byte* out, const Metadata& m, std::size_t n) noexcept {
    const double limits[] = {m.upper_disp,    m.lower_disp,    m.upper_alarm,
                             m.upper_warning, m.lower_warning, m.lower_alarm,
                             m.upper_ctrl,    m.lower_ctrl};
    for (std::size_t i = 0; i < n; ++i) {
        T limit;
        if constexpr (std::is_same_v<T, double>) {
            limit = limits[i];
        } else if constexpr (std::is_same_v<T, float>) {
            limit = to_float(limits[i]);
        } else {
            limit = clamp_to<T>(limits[i]);
        }
        std::byte host[sizeof limit];
        std::memcpy(host, &limit, sizeof limit);
        put_elements(out + i * sizeof limit, host, 1, sizeof limit);
    }
}

template <class T, class Struct>
void put_integer_info(std::byte* out, const Metadata& m, std::size_t limits) noexcept {
    put_units(out + offsetof(Struct, units), m);
    put_limits<T>(out + offsetof(Struct, upper_disp_limit), m, limits);
}

template <class T, class Struct>
void put_float_info(std::byte* out, const Metadata& m, std::size_t limits) noexcept {
    store_be16(out + offsetof(Struct, precision),
               static_cast<std::uint16_t>(m.precision));
    put_units(out + offsetof(Struct, units), m);
    put_limits<T>(out + offsetof(Struct, upper_disp_limit), m, limits);
}

void put_states(std::byte* out, const Snapshot& snapshot) noexcept {
    if (!has_states(snapshot.type())) return;
    const auto& states = metadata_of(snapshot).states;
    const std::size_t n = std::min(states.size(), kMaxStates);
    store_be16(out + offsetof(dbr_gr_enum, no_str), static_cast<std::uint16_t>(n));
    for (std::size_t i = 0; i < n; ++i) {
        std::memcpy(out + offsetof(dbr_gr_enum, strs) + i * kStateTextSize,
                    states[i].data(), std::min(states[i].size(), kStateTextSize - 1));
    }
}

// GR and CTRL: units, limits and so on begin at the same offsets in both.
void put_info(std::byte* out, const Snapshot& snapshot, const DbrInfo& row) noexcept {
    const Metadata& m = metadata_of(snapshot);
    const std::size_t limits = row.family == DbrFamily::Ctrl ? kLimitsCtrl : kLimitsGr;
    std::memset(out, 0, row.value_offset);
    put_alarm(out, snapshot.alarm);
    switch (row.element) {
        case DbfType::String:
            return;
        case DbfType::Enum:
            return put_states(out, snapshot);
        case DbfType::Short:
            return put_integer_info<dbr_short_t, dbr_gr_short>(out, m, limits);
        case DbfType::Char:
            if (snapshot.type() == DbfType::Int8) {
                return put_integer_info<std::int8_t, dbr_gr_char>(out, m, limits);
            }
            return put_integer_info<dbr_char_t, dbr_gr_char>(out, m, limits);
        case DbfType::Long:
            return put_integer_info<dbr_long_t, dbr_gr_long>(out, m, limits);
        case DbfType::Float:
            return put_float_info<dbr_float_t, dbr_gr_float>(out, m, limits);
        default:
            return put_float_info<dbr_double_t, dbr_gr_double>(out, m, limits);
    }
}

inline void put_head(std::byte* out, const Snapshot& snapshot,
                     const DbrInfo& row) noexcept {
    switch (row.family) {
        case DbrFamily::Plain:
            return;
        case DbrFamily::Sts:
            return put_sts(out, snapshot);
        case DbrFamily::Time:
            return put_time(out, snapshot);
        case DbrFamily::Gr:
        case DbrFamily::Ctrl:
            return put_info(out, snapshot, row);
    }
}

// --- the value

bool put_converted(std::byte* out, const Snapshot& snapshot, std::size_t n,
                   DbfType to) noexcept {
    const ConvertRules rules = convert_rules(snapshot);
    const std::byte* from = snapshot.data();
    if (to == DbfType::String || to == DbfType::Char) {  // no bytes to swap
        return convert_elements(snapshot.type(), from, to, out, n, rules);
    }
    const std::size_t from_size = element_size(snapshot.type());
    const std::size_t to_size = element_size(to);
    alignas(8) std::byte block[kBlock];
    while (n > 0) {
        const std::size_t part = std::min(n, kBlock / to_size);
        if (!convert_elements(snapshot.type(), from, to, block, part, rules)) {
            return false;
        }
        put_elements(out, block, part, to_size);
        from += part * from_size;
        out += part * to_size;
        n -= part;
    }
    return true;
}

// --- what most requests ask for: one element as it is stored, with or without its time

// A TIME structure's value sits at the end of its 16 or, with a double, 24 bytes.
template <class UInt>
constexpr std::size_t kTimeOffset =
    sizeof(UInt) == 8   ? offsetof(dbr_time_double, value)
    : sizeof(UInt) == 4 ? offsetof(dbr_time_long, value)
                        : offsetof(dbr_time_short, value);

// False, with nothing written, if this is not such a snapshot or buffer.
template <DbfType Element, class UInt, bool WithTime>
inline bool put_scalar(std::span<std::byte> out, const Snapshot& snapshot) noexcept {
    constexpr std::size_t kOffset = WithTime ? kTimeOffset<UInt> : 0;
    constexpr std::size_t kSize = padded(kOffset + sizeof(UInt));
    if (snapshot.type() != Element || snapshot.count() == 0 || out.size() != kSize) {
        return false;
    }
    store_be(out.data() + kSize - 8, std::uint64_t{0});
    if constexpr (WithTime) put_time(out.data(), snapshot);
    put_one<UInt>(out.data() + kOffset, snapshot.data());
    return true;
}

inline bool encode_scalar(std::span<std::byte> out, const Snapshot& snapshot,
                          DbrType type) noexcept {
    switch (raw(type)) {
        case DBR_SHORT:
            return put_scalar<DbfType::Short, std::uint16_t, false>(out, snapshot);
        case DBR_FLOAT:
            return put_scalar<DbfType::Float, std::uint32_t, false>(out, snapshot);
        case DBR_ENUM:
            return put_scalar<DbfType::Enum, std::uint16_t, false>(out, snapshot);
        case DBR_LONG:
            return put_scalar<DbfType::Long, std::uint32_t, false>(out, snapshot);
        case DBR_DOUBLE:
            return put_scalar<DbfType::Double, std::uint64_t, false>(out, snapshot);
        case DBR_TIME_SHORT:
            return put_scalar<DbfType::Short, std::uint16_t, true>(out, snapshot);
        case DBR_TIME_FLOAT:
            return put_scalar<DbfType::Float, std::uint32_t, true>(out, snapshot);
        case DBR_TIME_ENUM:
            return put_scalar<DbfType::Enum, std::uint16_t, true>(out, snapshot);
        case DBR_TIME_LONG:
            return put_scalar<DbfType::Long, std::uint32_t, true>(out, snapshot);
        case DBR_TIME_DOUBLE:
            return put_scalar<DbfType::Double, std::uint64_t, true>(out, snapshot);
        default:
            return false;
    }
}

EcaStatus encode_class_name(std::uint32_t count, std::span<std::byte> out) noexcept {
    std::fill(out.begin(), out.end(), std::byte{0});
    if (count) std::memcpy(out.data(), kClassName, sizeof kClassName);
    return ECA_NORMAL;
}

EcaStatus unreadable(DbrType type) noexcept {
    return raw(type) < kDbrTypes ? ECA_GETFAIL : ECA_BADTYPE;
}

// Not inlined, or the short path would save registers for the long one.
[[gnu::noinline]] EcaStatus encode_any(const Snapshot& snapshot, DbrType type,
                                       std::uint32_t count,
                                       std::span<std::byte> out) noexcept {
    const DbrInfo& row = info(type);
    if (!row.readable) return fail(out, unreadable(type));
    const std::uint64_t size =
        row.value_offset + std::uint64_t{count} * row.element_size;
    if (out.size() < padded(size)) return fail(out, ECA_TOLARGE);
    if (type == kDbrClassName) return encode_class_name(count, out);

    // Zeroes the padding with one store, ahead of what may overwrite it.
    if (out.size() >= 8) store_be(out.data() + out.size() - 8, std::uint64_t{0});
    put_head(out.data(), snapshot, row);
    if (type == kDbrStsackString) put_acknowledgement(out, {});
    const std::size_t n = std::min(count, snapshot.count());
    std::byte* value = out.data() + row.value_offset;
    if (row.element == snapshot.type()) {
        put_elements(value, snapshot.data(), n, row.element_size);
    } else if (!put_converted(value, snapshot, n, row.element)) {
        return fail(out, ECA_GETFAIL);
    }
    const std::size_t end = row.value_offset + n * row.element_size;
    if (out.size() - end >= 8) std::memset(out.data() + end, 0, out.size() - end);
    return ECA_NORMAL;
}

}  // namespace

ConvertRules convert_rules(const Snapshot& snapshot) noexcept {
    const Metadata& m = metadata_of(snapshot);
    ConvertRules rules{{}, m.string_precision};
    if (has_states(snapshot.type())) rules.states = m.states;
    return rules;
}

void put_acknowledgement(std::span<std::byte> out, const Acknowledgement& a) noexcept {
    store_be16(out.data() + offsetof(dbr_stsack_string, ackt), a.transient ? 1 : 0);
    store_be16(out.data() + offsetof(dbr_stsack_string, acks), a.severity);
}

std::size_t encode_head(const Snapshot& snapshot, DbrType type,
                        std::span<std::byte> out) noexcept {
    put_head(out.data(), snapshot, info(type));
    return value_offset(type);
}

EcaStatus encode(const Snapshot& snapshot, DbrType type, std::uint32_t count,
                 std::span<std::byte> out) noexcept {
    if (count == 1 && encode_scalar(out, snapshot, type)) return ECA_NORMAL;
    return encode_any(snapshot, type, count, out);
}

}  // namespace pcas
