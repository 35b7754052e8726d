// Which type of record a PV is to clients that ask for its fields.
#pragma once

#include <cstdint>

#include "pv/pv.hpp"

namespace pcas {

// By its type and count. The values are bits of a set.
enum class RecordKind : std::uint16_t {
    Analog = 1,       // ai, ao
    Integer = 2,      // longin, longout
    Integer64 = 4,    // int64in, int64out: integers that are no LONG
    Binary = 8,       // bi, bo: a bool, or an enum of two labels
    MultiBit = 16,    // mbbi, mbbo: any other enum
    Text = 32,        // stringin, stringout
    LongText = 64,    // lsi, lso: characters that are a text
    Array = 128,      // waveform
    Structure = 256,  // none: tables and images have no fields
};

struct RecordType {
    RecordKind kind;
    bool is_output;  // clients put to it
};

// Its characters are a text, whatever that is of a client's type.
bool is_long_text(const Pv& pv, const Metadata& metadata) noexcept;

// A PV that is read only or scanned is an input.
RecordType record_type_of(const Pv& pv, const Metadata& metadata) noexcept;

// Its RTYP.
const char* name_of(RecordType type) noexcept;

}  // namespace pcas
