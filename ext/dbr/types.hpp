// The DBF and DBR type tables: sizes and offsets, taken from db_access.h at compile
// time.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/export.hpp"

namespace pcas {

// How a PV stores its elements. The first seven values are the wire's (DBR_STRING ...
// DBR_DOUBLE). The others have no DBR type: wire_type() says as what they go.
enum class DbfType : std::uint8_t {
    String = 0,
    Short = 1,
    Float = 2,
    Enum = 3,
    Char = 4,
    Long = 5,
    Double = 6,
    Int8,
    UInt8,  // a number, where Char is text
    UInt16,
    UInt32,
    Int64,
    UInt64,
    Bool,      // 0 or 1
    Structure  // a table or an image, which only PVAccess has
};
inline constexpr int kDbfTypes = 7;      // of the wire
inline constexpr int kStoredTypes = 15;  // all

// What a request asks for: any value of the wire, valid or not.
enum class DbrType : std::uint16_t {};

enum class DbrFamily : std::uint8_t { Plain = 0, Sts, Time, Gr, Ctrl };

inline constexpr DbrType kDbrPutAckt{35};
inline constexpr DbrType kDbrPutAcks{36};
inline constexpr DbrType kDbrStsackString{37};
inline constexpr DbrType kDbrClassName{38};
inline constexpr std::uint16_t kDbrTypes = 39;

// An ECA status as it goes on the wire (caerr.h).
using EcaStatus = std::uint32_t;

// Elements that a PV may have: the largest payload of the protocol, 1 GB of doubles.
inline constexpr std::uint32_t kMaxCount = std::uint32_t{1} << 27;
inline constexpr std::size_t kStringSize = 40;     // MAX_STRING_SIZE
inline constexpr std::size_t kUnitsSize = 8;       // MAX_UNITS_SIZE
inline constexpr std::size_t kMaxStates = 16;      // MAX_ENUM_STATES
inline constexpr std::size_t kStateTextSize = 26;  // MAX_ENUM_STRING_SIZE

// How a type is stored, and as which of the first seven it goes over Channel Access:
// as an IOC's fields of that type do.
struct StoredInfo {
    std::uint8_t size;
    DbfType wire;
};
inline constexpr StoredInfo kStoredInfo[kStoredTypes] = {
    {kStringSize, DbfType::String},  // String
    {2, DbfType::Short},             // Short
    {4, DbfType::Float},             // Float
    {2, DbfType::Enum},              // Enum
    {1, DbfType::Char},              // Char
    {4, DbfType::Long},              // Long
    {8, DbfType::Double},            // Double
    {1, DbfType::Char},              // Int8
    {1, DbfType::Char},              // UInt8
    {2, DbfType::Long},              // UInt16
    {4, DbfType::Double},            // UInt32
    {8, DbfType::Double},            // Int64
    {8, DbfType::Double},            // UInt64
    {1, DbfType::Enum},              // Bool
    {8, DbfType::Double},            // Structure: a pointer; it never goes
};

constexpr DbfType wire_type(DbfType t) noexcept {
    return kStoredInfo[static_cast<std::size_t>(t)].wire;
}
// The DBR type without anything ahead of the value.
constexpr DbrType plain_dbr(DbfType t) noexcept {
    return DbrType{static_cast<std::uint16_t>(wire_type(t))};
}
// Its numbers stand for labels.
constexpr bool has_states(DbfType t) noexcept {
    return t == DbfType::Enum || t == DbfType::Bool;
}
constexpr std::uint16_t raw(DbrType t) noexcept {
    return static_cast<std::uint16_t>(t);
}

// One row of the table of DBR types.
struct DbrInfo {
    std::uint16_t value_offset;
    std::uint16_t element_size;
    DbfType element;
    DbrFamily family;
    bool readable;
    bool writable;
};
// The last row stands for every number that is no type: no sizes, not readable.
PCAS_API extern const DbrInfo kDbrInfo[kDbrTypes + 1];

inline const DbrInfo& info(DbrType type) noexcept {
    return kDbrInfo[raw(type) < kDbrTypes ? raw(type) : kDbrTypes];
}

// A type that a read or a subscription may ask for: 0-34, 37, 38.
inline bool is_readable(DbrType type) noexcept { return info(type).readable; }
// A type that a write may carry: 0-6, 35, 36.
inline bool is_writable(DbrType type) noexcept { return info(type).writable; }
// A write that acknowledges an alarm, or says what has to be acknowledged.
constexpr bool is_acknowledgement(DbrType type) noexcept {
    return type == kDbrPutAckt || type == kDbrPutAcks;
}
// Element type of a readable or writable type (35, 36: Short; 37, 38: String).
inline DbfType element_type(DbrType type) noexcept { return info(type).element; }
// Family of types 0-34; STSACK_STRING counts as Sts, CLASS_NAME as Plain.
inline DbrFamily family(DbrType type) noexcept { return info(type).family; }

// Units, limits or labels go with it, or its text may be made of labels.
inline bool needs_metadata(DbrType type) noexcept {
    return family(type) >= DbrFamily::Gr || element_type(type) == DbfType::String;
}

constexpr std::size_t element_size(DbfType type) noexcept {
    return kStoredInfo[static_cast<std::size_t>(type)].size;
}
// Bytes ahead of the first element.
inline std::size_t value_offset(DbrType type) noexcept {
    return info(type).value_offset;
}
// Bytes of `count` elements with what goes ahead of them, unpadded; 64-bit arithmetic.
// Valid for count 0 (the part ahead of the value, e.g. 16 for TIME_DOUBLE); 0 for a
// number that is no type.
inline std::uint64_t dbr_size(DbrType type, std::uint64_t count) noexcept {
    return info(type).value_offset + count * info(type).element_size;
}

// Rounded up to the wire's multiple of 8.
constexpr std::uint64_t padded(std::uint64_t size) noexcept {
    return (size + 7) & ~std::uint64_t{7};
}

}  // namespace pcas
