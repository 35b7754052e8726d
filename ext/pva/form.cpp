#include "pva/form.hpp"

#include <pvxs/nt.h>

namespace pcas::pva {

using pvxs::TypeCode;

namespace {

namespace nt = pvxs::nt;

// Labels of a bool that say no more than a bool of PVAccess.
bool plain_labels(const Metadata& metadata) {
    const auto& labels = metadata.states;
    return labels.empty() ||
           (labels.size() == 2 && labels[0] == "False" && labels[1] == "True");
}

Shape shape_of(DbfType type, std::uint32_t max_count, const Metadata& metadata) {
    if (type == DbfType::Structure) {
        return metadata.columns.empty() ? Shape::Image : Shape::Table;
    }
    if (max_count > 1) {
        const bool text = type == DbfType::Char && metadata.form == DisplayForm::String;
        return text ? Shape::Text : Shape::Array;
    }
    if (type == DbfType::Bool && plain_labels(metadata)) return Shape::Scalar;
    return has_states(type) ? Shape::Enum : Shape::Scalar;
}

pvxs::Value table_of(const Metadata& metadata) {
    nt::NTTable table;
    for (const ColumnInfo& column : metadata.columns) {
        table.add_column(code_of(column.type), column.name.c_str());
    }
    return table.create();
}

// With an optional field that pvxs leaves out.
pvxs::Value image() {
    pvxs::TypeDef type = nt::NTNDArray{}.build();
    type += {pvxs::Member(TypeCode::String, "descriptor")};
    return type.create();
}

pvxs::Value prototype_of(Shape shape, DbfType type, const Metadata& metadata) {
    if (shape == Shape::Table) return table_of(metadata);
    if (shape == Shape::Image) return image();
    if (shape == Shape::Enum) return nt::NTEnum{}.create();
    TypeCode code = shape == Shape::Text ? TypeCode(TypeCode::String) : code_of(type);
    if (shape == Shape::Array) code = code.arrayOf();
    return nt::NTScalar{code, true, true, true, true}.create();
}

}  // namespace

TypeCode code_of(DbfType type) {
    switch (type) {
        case DbfType::String:
            return TypeCode::String;
        case DbfType::Short:
            return TypeCode::Int16;
        case DbfType::Float:
            return TypeCode::Float32;
        case DbfType::Enum:
        case DbfType::UInt16:
            return TypeCode::UInt16;
        case DbfType::Char:
        case DbfType::UInt8:
            return TypeCode::UInt8;
        case DbfType::Long:
            return TypeCode::Int32;
        case DbfType::Int8:
            return TypeCode::Int8;
        case DbfType::UInt32:
            return TypeCode::UInt32;
        case DbfType::Int64:
            return TypeCode::Int64;
        case DbfType::UInt64:
            return TypeCode::UInt64;
        case DbfType::Bool:
            return TypeCode::Bool;
        default:
            return TypeCode::Float64;
    }
}

Form form_of(DbfType type, std::uint32_t max_count, const Metadata& metadata) {
    const Shape shape = shape_of(type, max_count, metadata);
    return {shape, type, prototype_of(shape, type, metadata)};
}

}  // namespace pcas::pva
