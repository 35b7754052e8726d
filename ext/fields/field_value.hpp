// What a field shows: made of what its PV is and has.
#pragma once

#include <string>

#include "fields/field_table.hpp"

namespace pcas {

// A PV as its fields see it, at one moment.
struct RecordView {
    const Pv& pv;
    RecordType type;
    const Snapshot& now;
    std::uint8_t last_proc;    // what was last put to PROC
    const std::string& group;  // of access security

    const Metadata& metadata() const noexcept { return *now.metadata; }
};

// The units, limits or labels of a field, as an IOC gives them.
MetadataPtr field_metadata(const FieldDef& field, const RecordView& record);

// Its value, with the alarm and time of the record, as an IOC's. Throws std::bad_alloc.
SnapshotPtr field_value(const FieldDef& field, const RecordView& record,
                        MetadataPtr metadata);

// The text of a field of type STRING, whole.
std::string field_text(const FieldDef& field, const RecordView& record);

}  // namespace pcas
