#include "dbr/types.hpp"

#include <alarm.h>
#include <db_access.h>

#include "dbr/snapshot.hpp"

namespace pcas {

static_assert(kStringSize == MAX_STRING_SIZE);
static_assert(kUnitsSize == MAX_UNITS_SIZE);
static_assert(kMaxStates == MAX_ENUM_STATES);
static_assert(kStateTextSize == MAX_ENUM_STRING_SIZE);
static_assert(kDbrTypes == LAST_BUFFER_TYPE + 1);
static_assert(kDbfTypes == LAST_TYPE + 1);
static_assert(static_cast<int>(DbfType::Double) == DBF_DOUBLE);
static_assert(static_cast<int>(DbfType::Long) == DBF_LONG);
static_assert(static_cast<int>(DbfType::Char) == DBF_CHAR);
static_assert(static_cast<int>(DbfType::Enum) == DBF_ENUM);
static_assert(static_cast<int>(DbfType::Float) == DBF_FLOAT);
static_assert(static_cast<int>(DbfType::Short) == DBF_SHORT);
static_assert(static_cast<int>(DbfType::String) == DBF_STRING);
static_assert(element_size(DbfType::String) == sizeof(dbr_string_t));
static_assert(element_size(DbfType::Short) == sizeof(dbr_short_t));
static_assert(element_size(DbfType::Float) == sizeof(dbr_float_t));
static_assert(element_size(DbfType::Enum) == sizeof(dbr_enum_t));
static_assert(element_size(DbfType::Char) == sizeof(dbr_char_t));
static_assert(element_size(DbfType::Long) == sizeof(dbr_long_t));
static_assert(element_size(DbfType::Double) == sizeof(dbr_double_t));
static_assert(raw(kDbrPutAckt) == (DBR_PUT_ACKT));
static_assert(raw(kDbrPutAcks) == (DBR_PUT_ACKS));
static_assert(raw(kDbrStsackString) == (DBR_STSACK_STRING));
static_assert(raw(kDbrClassName) == (DBR_CLASS_NAME));
static_assert(AlarmState{}.status == epicsAlarmUDF);
static_assert(AlarmState{}.severity == epicsSevInvalid);

namespace {

constexpr auto kRead = true;
constexpr auto kWrite = true;

template <class Value>
constexpr DbrInfo row(DbfType element, DbrFamily family, std::size_t offset,
                      bool readable, bool writable = false) noexcept {
    return {static_cast<std::uint16_t>(offset),
            static_cast<std::uint16_t>(sizeof(Value)),
            element,
            family,
            readable,
            writable};
}

// A structure of db_access.h whose member `value` is the first element.
#define STRUCT_ROW(family, element, c_struct)                           \
    row<decltype(c_struct::value)>(DbfType::element, DbrFamily::family, \
                                   offsetof(c_struct, value), kRead)
#define PLAIN_ROW(element, c_type) \
    row<c_type>(DbfType::element, DbrFamily::Plain, 0, kRead, kWrite)

}  // namespace

constinit const DbrInfo kDbrInfo[kDbrTypes + 1] = {
    PLAIN_ROW(String, dbr_string_t),
    PLAIN_ROW(Short, dbr_short_t),
    PLAIN_ROW(Float, dbr_float_t),
    PLAIN_ROW(Enum, dbr_enum_t),
    PLAIN_ROW(Char, dbr_char_t),
    PLAIN_ROW(Long, dbr_long_t),
    PLAIN_ROW(Double, dbr_double_t),
    STRUCT_ROW(Sts, String, dbr_sts_string),
    STRUCT_ROW(Sts, Short, dbr_sts_short),
    STRUCT_ROW(Sts, Float, dbr_sts_float),
    STRUCT_ROW(Sts, Enum, dbr_sts_enum),
    STRUCT_ROW(Sts, Char, dbr_sts_char),
    STRUCT_ROW(Sts, Long, dbr_sts_long),
    STRUCT_ROW(Sts, Double, dbr_sts_double),
    STRUCT_ROW(Time, String, dbr_time_string),
    STRUCT_ROW(Time, Short, dbr_time_short),
    STRUCT_ROW(Time, Float, dbr_time_float),
    STRUCT_ROW(Time, Enum, dbr_time_enum),
    STRUCT_ROW(Time, Char, dbr_time_char),
    STRUCT_ROW(Time, Long, dbr_time_long),
    STRUCT_ROW(Time, Double, dbr_time_double),
    STRUCT_ROW(Gr, String, dbr_sts_string),  // has no structure of its own
    STRUCT_ROW(Gr, Short, dbr_gr_short),
    STRUCT_ROW(Gr, Float, dbr_gr_float),
    STRUCT_ROW(Gr, Enum, dbr_gr_enum),
    STRUCT_ROW(Gr, Char, dbr_gr_char),
    STRUCT_ROW(Gr, Long, dbr_gr_long),
    STRUCT_ROW(Gr, Double, dbr_gr_double),
    STRUCT_ROW(Ctrl, String, dbr_sts_string),
    STRUCT_ROW(Ctrl, Short, dbr_ctrl_short),
    STRUCT_ROW(Ctrl, Float, dbr_ctrl_float),
    STRUCT_ROW(Ctrl, Enum, dbr_ctrl_enum),
    STRUCT_ROW(Ctrl, Char, dbr_ctrl_char),
    STRUCT_ROW(Ctrl, Long, dbr_ctrl_long),
    STRUCT_ROW(Ctrl, Double, dbr_ctrl_double),
    row<dbr_put_ackt_t>(DbfType::Short, DbrFamily::Plain, 0, !kRead, kWrite),
    row<dbr_put_acks_t>(DbfType::Short, DbrFamily::Plain, 0, !kRead, kWrite),
    STRUCT_ROW(Sts, String, dbr_stsack_string),
    row<dbr_class_name_t>(DbfType::String, DbrFamily::Plain, 0, kRead),
    {0, 0, DbfType::String, DbrFamily::Plain, false, false},  // every other number
};

#undef STRUCT_ROW
#undef PLAIN_ROW

}  // namespace pcas
