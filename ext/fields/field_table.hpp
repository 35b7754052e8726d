// The fields that a PV has by its type, as an IOC's records have them (the .dbd files
// of EPICS).
#pragma once

#include <cstdint>
#include <string_view>

#include "fields/record_type.hpp"

namespace pcas {

// clang-format off
enum class FieldId : std::uint8_t {
    Name, Rtyp, Desc, Asg, Scan, Dtyp, Disp, Proc, Stat, Sevr, Amsg, Udf, Time,
    Egu, Prec, Hopr, Lopr, Drvh, Drvl, Hihi, High, Low, Lolo,
    Hhsv, Hsv, Lsv, Llsv, Hyst, Adel, Mdel, Nelm, Nord, Ftvl, Sizv, Len, Acks, Ackt,
    Label,         // ZNAM ONAM ZRST ... FFST
    LabelSeverity  // ZSV OSV ZRSV ... FFSV
};
// clang-format on

// As an IOC declares it.
// clang-format off
enum class FieldType : std::uint8_t {
    String, Short, UChar, ULong, Menu,
    UShort,
    Number  // that of the value: DOUBLE, LONG or INT64
};
// clang-format on

// What a field's events are, next to those of changed properties, which all have.
enum class FieldEvents : std::uint8_t {
    OnChange,  // VALUE and LOG
    OfSevr,    // VALUE
    OfStat,    // VALUE, and ALARM with a changed severity
    None
};

struct FieldDef {
    const char* name;
    FieldId id;
    std::uint16_t kinds;  // bits of RecordKind
    FieldType type;
    std::uint8_t size = 0;    // bytes of text, with its NUL
    bool no_put = false;      // nobody has the right to write
    bool of_outputs = false;  // only those have it
    FieldEvents events = FieldEvents::OnChange;
    std::uint8_t index = 0;  // of a label
};

// Null if such a record has no field of that name. VAL is not among them: it is the PV.
const FieldDef* find_field(std::string_view name, RecordType type) noexcept;

// Whether any record has it, or it is VAL.
bool is_field_name(std::string_view name) noexcept;

DbfType stored_type(const FieldDef& field, RecordType record) noexcept;

}  // namespace pcas
