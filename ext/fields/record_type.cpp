#include "fields/record_type.hpp"

namespace pcas {
namespace {

RecordKind kind_of(const Pv& pv, const Metadata& metadata) noexcept {
    if (pv.max_count() > 1) {
        return is_long_text(pv, metadata) ? RecordKind::LongText : RecordKind::Array;
    }
    switch (pv.type()) {
        case DbfType::Structure:
            return RecordKind::Structure;
        case DbfType::String:
            return RecordKind::Text;
        case DbfType::UInt32:
        case DbfType::Int64:
        case DbfType::UInt64:
            return RecordKind::Integer64;
        case DbfType::Bool:
        case DbfType::Enum:
            return metadata.states.size() == 2 ? RecordKind::Binary
                                               : RecordKind::MultiBit;
        case DbfType::Float:
        case DbfType::Double:
            return RecordKind::Analog;
        default:
            return RecordKind::Integer;
    }
}

}  // namespace

bool is_long_text(const Pv& pv, const Metadata& metadata) noexcept {
    return pv.type() == DbfType::Char && pv.max_count() > 1 &&
           metadata.form == DisplayForm::String;
}

RecordType record_type_of(const Pv& pv, const Metadata& metadata) noexcept {
    const bool is_input = pv.read_only() || metadata.details().scan_period > 0;
    return {kind_of(pv, metadata), !is_input};
}

const char* name_of(RecordType type) noexcept {
    switch (type.kind) {
        case RecordKind::Analog:
            return type.is_output ? "ao" : "ai";
        case RecordKind::Integer:
            return type.is_output ? "longout" : "longin";
        case RecordKind::Integer64:
            return type.is_output ? "int64out" : "int64in";
        case RecordKind::Binary:
            return type.is_output ? "bo" : "bi";
        case RecordKind::MultiBit:
            return type.is_output ? "mbbo" : "mbbi";
        case RecordKind::Text:
            return type.is_output ? "stringout" : "stringin";
        case RecordKind::LongText:
            return type.is_output ? "lso" : "lsi";
        case RecordKind::Array:
            return "waveform";
        case RecordKind::Structure:
            break;
    }
    return "";
}

}  // namespace pcas
