#include "fields/field_table.hpp"

#include <algorithm>
#include <array>

namespace pcas {
namespace {

using Type = FieldType;
using Id = FieldId;
using Events = FieldEvents;

constexpr std::uint16_t bits(RecordKind kind) {
    return static_cast<std::uint16_t>(kind);
}
constexpr std::uint16_t kAnalog = bits(RecordKind::Analog);
constexpr std::uint16_t kNumber =
    kAnalog | bits(RecordKind::Integer) | bits(RecordKind::Integer64);
constexpr std::uint16_t kBinary = bits(RecordKind::Binary);
constexpr std::uint16_t kMulti = bits(RecordKind::MultiBit);
constexpr std::uint16_t kArray = bits(RecordKind::Array);
constexpr std::uint16_t kLongText = bits(RecordKind::LongText);
constexpr std::uint16_t kAll = bits(RecordKind::Structure) - 1;
constexpr bool kNoPut = true;
constexpr bool kOfOutputs = true;

constexpr FieldDef label(const char* name, std::uint16_t kinds, std::uint8_t index) {
    return {name,  Id::Label,        kinds, Type::String, 26, false,
            false, Events::OnChange, index};
}

constexpr FieldDef severity(const char* name, std::uint16_t kinds, std::uint8_t index) {
    return {name,  Id::LabelSeverity, kinds, Type::Menu, 0, false,
            false, Events::OnChange,  index};
}

// By name.
constexpr auto kFields = [] {
    auto fields = std::to_array<FieldDef>({
        {"NAME", Id::Name, kAll, Type::String, 61, kNoPut},
        {"RTYP", Id::Rtyp, kAll, Type::String, 40},
        {"DESC", Id::Desc, kAll, Type::String, 41},
        {"ASG", Id::Asg, kAll, Type::String, 29},
        {"SCAN", Id::Scan, kAll, Type::Menu},
        {"DTYP", Id::Dtyp, kAll, Type::Menu},
        {"DISP", Id::Disp, kAll, Type::UChar},
        {"PROC", Id::Proc, kAll, Type::UChar},
        {"STAT", Id::Stat, kAll, Type::Menu, 0, kNoPut, false, Events::OfStat},
        {"SEVR", Id::Sevr, kAll, Type::Menu, 0, kNoPut, false, Events::OfSevr},
        {"ACKS", Id::Acks, kAll, Type::Menu, 0, kNoPut, false, Events::OfSevr},
        {"ACKT", Id::Ackt, kAll, Type::Menu, 0, kNoPut, false, Events::OfSevr},
        {"AMSG", Id::Amsg, kAll, Type::String, 40, kNoPut, false, Events::OfStat},
        {"UDF", Id::Udf, kAll, Type::UChar, 0, false, false, Events::None},
        {"TIME", Id::Time, kAll, Type::String, 40, kNoPut},
        {"EGU", Id::Egu, kNumber | kArray, Type::String, 16},
        {"PREC", Id::Prec, kAnalog | kArray, Type::Short},
        {"HOPR", Id::Hopr, kNumber | kArray, Type::Number},
        {"LOPR", Id::Lopr, kNumber | kArray, Type::Number},
        {"DRVH", Id::Drvh, kNumber, Type::Number, 0, false, kOfOutputs},
        {"DRVL", Id::Drvl, kNumber, Type::Number, 0, false, kOfOutputs},
        {"HIHI", Id::Hihi, kNumber, Type::Number},
        {"HIGH", Id::High, kNumber, Type::Number},
        {"LOW", Id::Low, kNumber, Type::Number},
        {"LOLO", Id::Lolo, kNumber, Type::Number},
        {"HHSV", Id::Hhsv, kNumber, Type::Menu},
        {"HSV", Id::Hsv, kNumber, Type::Menu},
        {"LSV", Id::Lsv, kNumber, Type::Menu},
        {"LLSV", Id::Llsv, kNumber, Type::Menu},
        {"HYST", Id::Hyst, kNumber, Type::Number},
        {"ADEL", Id::Adel, kNumber, Type::Number},
        {"MDEL", Id::Mdel, kNumber, Type::Number},
        {"NELM", Id::Nelm, kArray, Type::ULong, 0, kNoPut},
        {"NORD", Id::Nord, kArray, Type::ULong, 0, kNoPut},
        {"FTVL", Id::Ftvl, kArray, Type::Menu, 0, kNoPut},
        {"SIZV", Id::Sizv, kLongText, Type::UShort, 0, kNoPut},
        {"LEN", Id::Len, kLongText, Type::ULong, 0, kNoPut},
        label("ZNAM", kBinary, 0),
        label("ONAM", kBinary, 1),
        severity("ZSV", kBinary, 0),
        severity("OSV", kBinary, 1),
        label("ZRST", kMulti, 0),
        label("ONST", kMulti, 1),
        label("TWST", kMulti, 2),
        label("THST", kMulti, 3),
        label("FRST", kMulti, 4),
        label("FVST", kMulti, 5),
        label("SXST", kMulti, 6),
        label("SVST", kMulti, 7),
        label("EIST", kMulti, 8),
        label("NIST", kMulti, 9),
        label("TEST", kMulti, 10),
        label("ELST", kMulti, 11),
        label("TVST", kMulti, 12),
        label("TTST", kMulti, 13),
        label("FTST", kMulti, 14),
        label("FFST", kMulti, 15),
        severity("ZRSV", kMulti, 0),
        severity("ONSV", kMulti, 1),
        severity("TWSV", kMulti, 2),
        severity("THSV", kMulti, 3),
        severity("FRSV", kMulti, 4),
        severity("FVSV", kMulti, 5),
        severity("SXSV", kMulti, 6),
        severity("SVSV", kMulti, 7),
        severity("EISV", kMulti, 8),
        severity("NISV", kMulti, 9),
        severity("TESV", kMulti, 10),
        severity("ELSV", kMulti, 11),
        severity("TVSV", kMulti, 12),
        severity("TTSV", kMulti, 13),
        severity("FTSV", kMulti, 14),
        severity("FFSV", kMulti, 15),
    });
    std::sort(fields.begin(), fields.end(), [](const FieldDef& a, const FieldDef& b) {
        return std::string_view(a.name) < std::string_view(b.name);
    });
    return fields;
}();

const FieldDef* look_up(std::string_view name) noexcept {
    const auto found = std::lower_bound(
        kFields.begin(), kFields.end(), name,
        [](const FieldDef& field, std::string_view n) { return field.name < n; });
    return found != kFields.end() && found->name == name ? &*found : nullptr;
}

}  // namespace

bool is_field_name(std::string_view name) noexcept {
    return name == "VAL" || look_up(name);
}

const FieldDef* find_field(std::string_view name, RecordType type) noexcept {
    const FieldDef* field = look_up(name);
    if (!field || !(field->kinds & bits(type.kind))) return nullptr;
    return field->of_outputs && !type.is_output ? nullptr : field;
}

DbfType stored_type(const FieldDef& field, RecordType record) noexcept {
    switch (field.type) {
        case FieldType::String:
            return DbfType::String;
        case FieldType::Short:
            return DbfType::Short;
        case FieldType::UChar:
            return DbfType::UInt8;
        case FieldType::Menu:
            return DbfType::Enum;
        case FieldType::Number:
            if (record.kind == RecordKind::Integer) return DbfType::Long;
            if (record.kind == RecordKind::Integer64) return DbfType::Int64;
            break;
        case FieldType::UShort:
            return DbfType::UInt16;
        case FieldType::ULong:
            return DbfType::UInt32;
    }
    return DbfType::Double;
}

}  // namespace pcas
