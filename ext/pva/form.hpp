// What a PV looks like over PVAccess: its structure (EPICS' normative types), which is
// settled when its first client comes. Pure.
#pragma once

#include <pvxs/data.h>

#include <cstdint>

#include "dbr/snapshot.hpp"

namespace pcas::pva {

enum class Shape : std::uint8_t {
    Scalar,  // NTScalar, also of a bool without labels of its own
    Enum,    // NTEnum
    Array,   // NTScalarArray
    Text,    // NTScalar of a string, which is stored as characters
    Table,   // NTTable
    Image    // NTNDArray
};

struct Form {
    Shape shape;
    DbfType type;
    pvxs::Value prototype;  // empty; every value of the PV is of its type

    bool is_structured() const noexcept {
        return shape == Shape::Table || shape == Shape::Image;
    }
    bool is_number() const noexcept {
        return (shape == Shape::Scalar || shape == Shape::Array) &&
               type != DbfType::String && type != DbfType::Bool;
    }
};

// Of an element.
pvxs::TypeCode code_of(DbfType type);

Form form_of(DbfType type, std::uint32_t max_count, const Metadata& metadata);

}  // namespace pcas::pva
