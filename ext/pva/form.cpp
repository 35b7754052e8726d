#include "pva/form.hpp"

#include <pvxs/nt.h>

namespace pcas::pva {
namespace {

namespace nt = pvxs::nt;
using pvxs::TypeCode;

TypeCode code_of(DbfType type) {
    switch (type) {
        case DbfType::String:
            return TypeCode::String;
        case DbfType::Short:
            return TypeCode::Int16;
        case DbfType::Float:
            return TypeCode::Float32;
        case DbfType::Enum:
            return TypeCode::UInt16;
        case DbfType::Char:
            return TypeCode::UInt8;
        case DbfType::Long:
            return TypeCode::Int32;
        case DbfType::Double:
            break;
    }
    return TypeCode::Float64;
}

Shape shape_of(DbfType type, std::uint32_t max_count, const Metadata& metadata) {
    if (max_count > 1) {
        const bool text = type == DbfType::Char && metadata.form == DisplayForm::String;
        return text ? Shape::Text : Shape::Array;
    }
    return type == DbfType::Enum ? Shape::Enum : Shape::Scalar;
}

pvxs::Value prototype_of(Shape shape, DbfType type) {
    if (shape == Shape::Enum) return nt::NTEnum{}.create();
    TypeCode code = shape == Shape::Text ? TypeCode(TypeCode::String) : code_of(type);
    if (shape == Shape::Array) code = code.arrayOf();
    return nt::NTScalar{code, true, true, true, true}.create();
}

}  // namespace

Form form_of(DbfType type, std::uint32_t max_count, const Metadata& metadata) {
    const Shape shape = shape_of(type, max_count, metadata);
    return {shape, type, prototype_of(shape, type)};
}

}  // namespace pcas::pva
