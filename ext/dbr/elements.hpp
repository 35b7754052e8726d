// The C++ types of elements, and code that is made for each of them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dbr/types.hpp"

namespace pcas {

struct StringSlot {
    char bytes[kStringSize];
};

template <DbfType Type>
struct Element;
template <>
struct Element<DbfType::String> {
    using type = StringSlot;
};
template <>
struct Element<DbfType::Short> {
    using type = std::int16_t;
};
template <>
struct Element<DbfType::Float> {
    using type = float;
};
template <>
struct Element<DbfType::Enum> {
    using type = std::uint16_t;
};
template <>
struct Element<DbfType::Char> {
    using type = std::uint8_t;
};
template <>
struct Element<DbfType::Long> {
    using type = std::int32_t;
};
template <>
struct Element<DbfType::Double> {
    using type = double;
};
template <>
struct Element<DbfType::Int8> {
    using type = std::int8_t;
};
template <>
struct Element<DbfType::UInt8> {
    using type = std::uint8_t;
};
template <>
struct Element<DbfType::UInt16> {
    using type = std::uint16_t;
};
template <>
struct Element<DbfType::UInt32> {
    using type = std::uint32_t;
};
template <>
struct Element<DbfType::Int64> {
    using type = std::int64_t;
};
template <>
struct Element<DbfType::UInt64> {
    using type = std::uint64_t;
};
template <>
struct Element<DbfType::Bool> {
    using type = bool;
};
template <DbfType Type>
using ElementOf = typename Element<Type>::type;
static_assert(sizeof(bool) == 1);

// A DbfType that is known at compile time.
template <DbfType Type>
struct TypeTag {
    static constexpr DbfType type = Type;
    using Element = ElementOf<Type>;
};

// Calls `visit` with the tag of `type`.
template <class Visit>
decltype(auto) visit_type(DbfType type, Visit&& visit) {
    switch (type) {
        case DbfType::String:
            return visit(TypeTag<DbfType::String>{});
        case DbfType::Short:
            return visit(TypeTag<DbfType::Short>{});
        case DbfType::Float:
            return visit(TypeTag<DbfType::Float>{});
        case DbfType::Enum:
            return visit(TypeTag<DbfType::Enum>{});
        case DbfType::Char:
            return visit(TypeTag<DbfType::Char>{});
        case DbfType::Long:
            return visit(TypeTag<DbfType::Long>{});
        case DbfType::Int8:
            return visit(TypeTag<DbfType::Int8>{});
        case DbfType::UInt8:
            return visit(TypeTag<DbfType::UInt8>{});
        case DbfType::UInt16:
            return visit(TypeTag<DbfType::UInt16>{});
        case DbfType::UInt32:
            return visit(TypeTag<DbfType::UInt32>{});
        case DbfType::Int64:
            return visit(TypeTag<DbfType::Int64>{});
        case DbfType::UInt64:
            return visit(TypeTag<DbfType::UInt64>{});
        case DbfType::Bool:
            return visit(TypeTag<DbfType::Bool>{});
        case DbfType::Double:
        case DbfType::Structure:  // has none: nobody asks
            break;
    }
    return visit(TypeTag<DbfType::Double>{});
}

}  // namespace pcas
