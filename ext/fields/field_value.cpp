#include "fields/field_value.hpp"

#include <alarm.h>
#include <alarmString.h>
#include <epicsTime.h>
#include <menuFtype.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <new>
#include <utility>

#include "dbr/convert.hpp"

namespace pcas {
namespace {

// ---- menus ----

MetadataPtr menu(std::vector<std::string> labels) {
    auto* made = new Metadata;
    MetadataPtr held(made);
    made->states = std::move(labels);
    return held;
}

template <std::size_t N>
std::vector<std::string> texts(const char* const (&from)[N]) {
    return {std::begin(from), std::end(from)};
}

const MetadataPtr& severities() {
    static const MetadataPtr labels = menu(texts(epicsAlarmSeverityStrings));
    return labels;
}

const MetadataPtr& conditions() {
    static const MetadataPtr labels = menu(texts(epicsAlarmConditionStrings));
    return labels;
}

// Those of menuFtype, menuScan and of what is called "Soft Channel", in their order.
const MetadataPtr& element_types() {
    static const MetadataPtr labels =
        menu({"STRING", "CHAR", "UCHAR", "SHORT", "USHORT", "LONG", "ULONG", "INT64",
              "UINT64", "FLOAT", "DOUBLE", "ENUM"});
    return labels;
}

const MetadataPtr& scans() {
    static const MetadataPtr labels =
        menu({"Passive", "Event", "I/O Intr", "10 second", "5 second", "2 second",
              "1 second", ".5 second", ".2 second", ".1 second"});
    return labels;
}

const MetadataPtr& device_types() {
    static const MetadataPtr labels = menu({"Soft Channel"});
    return labels;
}

const MetadataPtr& truths() {
    static const MetadataPtr labels = menu({"NO", "YES"});
    return labels;
}

const MetadataPtr& menu_of(FieldId id) {
    switch (id) {
        case FieldId::Stat:
            return conditions();
        case FieldId::Scan:
            return scans();
        case FieldId::Dtyp:
            return device_types();
        case FieldId::Ackt:
            return truths();
        case FieldId::Ftvl:
            return element_types();
        default:
            return severities();
    }
}

// The scan of the menu that is nearest to a period, by their ratio.
std::uint16_t scan_index(double period) noexcept {
    constexpr double kPeriods[] = {10, 5, 2, 1, .5, .2, .1};
    constexpr std::uint16_t kFirst = 3;  // "10 second"
    if (!(period > 0)) return 0;         // "Passive"
    const auto nearest = std::min_element(
        std::begin(kPeriods), std::end(kPeriods), [&](double a, double b) {
            return std::fabs(std::log(a / period)) < std::fabs(std::log(b / period));
        });
    return static_cast<std::uint16_t>(kFirst + (nearest - std::begin(kPeriods)));
}

std::uint16_t element_type(DbfType type) noexcept {
    switch (type) {
        case DbfType::String:
            return menuFtypeSTRING;
        case DbfType::Short:
            return menuFtypeSHORT;
        case DbfType::Float:
            return menuFtypeFLOAT;
        case DbfType::Enum:
            return menuFtypeENUM;
        case DbfType::Char:
        case DbfType::Int8:
            return menuFtypeCHAR;
        case DbfType::Long:
            return menuFtypeLONG;
        case DbfType::UInt8:
        case DbfType::Bool:
            return menuFtypeUCHAR;
        case DbfType::UInt16:
            return menuFtypeUSHORT;
        case DbfType::UInt32:
            return menuFtypeULONG;
        case DbfType::Int64:
            return menuFtypeINT64;
        case DbfType::UInt64:
            return menuFtypeUINT64;
        case DbfType::Double:
        case DbfType::Structure:
            break;
    }
    return menuFtypeDOUBLE;
}

// ---- units and limits ----

// Of an IOC's fields; that of a value goes as it is.
constexpr std::int16_t kMostPrecision = 15;

template <class Int>
void hold(Metadata& m) noexcept {
    m.lower_ctrl = static_cast<double>(std::numeric_limits<Int>::min());
    m.upper_ctrl = static_cast<double>(std::numeric_limits<Int>::max());
}

// The control limits of fields that have none of their own: what their type can hold.
void set_range(Metadata& m, DbfType stored) noexcept {
    m.lower_ctrl = -1e300;
    m.upper_ctrl = 1e300;
    if (stored == DbfType::UInt32) hold<std::uint32_t>(m);
    if (stored == DbfType::UInt16) hold<std::uint16_t>(m);
    if (stored == DbfType::UInt8) hold<std::uint8_t>(m);
    if (stored == DbfType::Short) hold<std::int16_t>(m);
    if (stored == DbfType::Long) hold<std::int32_t>(m);
    if (stored == DbfType::Int64) hold<std::int64_t>(m);
}

bool is_limit(FieldId id) noexcept {
    return id == FieldId::Hihi || id == FieldId::High || id == FieldId::Low ||
           id == FieldId::Lolo;
}

bool has_limits(RecordKind kind) noexcept {
    return kind == RecordKind::Analog || kind == RecordKind::Integer ||
           kind == RecordKind::Integer64 || kind == RecordKind::Array;
}

MetadataPtr number_metadata(const FieldDef& field, const RecordView& record) {
    auto* made = new Metadata;
    MetadataPtr held(made);
    const Metadata& of = record.metadata();
    made->string_precision = 0;
    if (field.type == FieldType::Number) {
        made->units = of.units;
        made->precision = std::min<std::int16_t>(of.precision, kMostPrecision);
        made->string_precision = of.precision;
    }
    if (is_limit(field.id)) {
        made->upper_disp = of.upper_disp;
        made->lower_disp = of.lower_disp;
        made->upper_ctrl = of.upper_ctrl;
        made->lower_ctrl = of.lower_ctrl;
        return held;
    }
    const RecordKind kind = record.type.kind;
    const bool is_bo = kind == RecordKind::Binary && record.type.is_output;
    if (is_bo || has_limits(kind)) set_range(*made, stored_type(field, record.type));
    if (field.id == FieldId::Nord) made->upper_ctrl = record.pv.max_count();
    if (has_limits(kind)) {
        made->upper_disp = made->upper_ctrl;
        made->lower_disp = made->lower_ctrl;
    }
    return held;
}

// ---- values ----

double or_silent(double limit, double silent) noexcept {
    return std::isnan(limit) ? silent : limit;
}

double number(const FieldDef& field, const RecordView& record) noexcept {
    const Metadata& m = record.metadata();
    const RecordDetails& details = m.details();
    switch (field.id) {
        case FieldId::Hopr:
            return m.upper_disp;
        case FieldId::Lopr:
            return m.lower_disp;
        case FieldId::Drvh:
            return m.upper_ctrl;
        case FieldId::Drvl:
            return m.lower_ctrl;
        case FieldId::Hihi:
            return or_silent(m.upper_alarm, details.silent_limits[0]);
        case FieldId::High:
            return or_silent(m.upper_warning, details.silent_limits[1]);
        case FieldId::Low:
            return or_silent(m.lower_warning, details.silent_limits[2]);
        case FieldId::Lolo:
            return or_silent(m.lower_alarm, details.silent_limits[3]);
        case FieldId::Hyst:
            return details.hyst;
        case FieldId::Adel:
            return details.adel;
        case FieldId::Mdel:
            return details.mdel;
        case FieldId::Nelm:
        case FieldId::Sizv:
            return record.pv.max_count();
        case FieldId::Nord:
        case FieldId::Len:
            return record.now.count();
        case FieldId::Prec:
            return m.precision;
        case FieldId::Disp:
            return record.pv.puts_disabled() ? 1 : 0;
        case FieldId::Proc:
            return record.last_proc;
        case FieldId::Udf:
            return record.now.alarm.status == epicsAlarmUDF ? 1 : 0;
        default:
            return 0;
    }
}

std::uint16_t choice(const FieldDef& field, const RecordView& record) noexcept {
    const RecordDetails& details = record.metadata().details();
    const auto& of_states = details.state_severities;
    switch (field.id) {
        case FieldId::Stat:
            return record.now.alarm.status;
        case FieldId::Sevr:
            return record.now.alarm.severity;
        case FieldId::Acks:
            return record.pv.acknowledgement().severity;
        case FieldId::Ackt:
            return record.pv.acknowledgement().transient ? 1 : 0;
        case FieldId::Scan:
            return scan_index(details.scan_period);
        case FieldId::Ftvl:
            return element_type(record.pv.type());
        case FieldId::Hhsv:
            return record.metadata().limit_severities[0];
        case FieldId::Hsv:
            return record.metadata().limit_severities[1];
        case FieldId::Lsv:
            return record.metadata().limit_severities[2];
        case FieldId::Llsv:
            return record.metadata().limit_severities[3];
        case FieldId::LabelSeverity:
            return field.index < of_states.size() ? of_states[field.index]
                                                  : std::uint16_t{0};
        default:
            return 0;
    }
}

std::string time_text(const TimeStamp& time) {
    const epicsTimeStamp stamp{time.seconds, time.nanoseconds};
    char text[kStringSize] = {};
    epicsTimeToStrftime(text, sizeof text, "%Y-%m-%d %H:%M:%S.%06f", &stamp);
    return text;
}

template <class T>
void store(Snapshot& to, T value) noexcept {
    std::memcpy(to.mutable_data(), &value, sizeof value);
}

void store_number(Snapshot& to, double value) noexcept {
    switch (to.type()) {
        case DbfType::Short:
            return store(to, clamp_to<std::int16_t>(value));
        case DbfType::UInt8:
            return store(to, clamp_to<std::uint8_t>(value));
        case DbfType::UInt16:
            return store(to, clamp_to<std::uint16_t>(value));
        case DbfType::UInt32:
            return store(to, clamp_to<std::uint32_t>(value));
        case DbfType::Long:
            return store(to, clamp_to<std::int32_t>(value));
        case DbfType::Int64:
            return store(to, clamp_to<std::int64_t>(value));
        default:
            return store(to, value);
    }
}

void store_text(Snapshot& to, const std::string& text) noexcept {
    std::memset(to.mutable_data(), 0, kStringSize);
    std::memcpy(to.mutable_data(), text.data(), std::min(text.size(), kStringSize - 1));
}

}  // namespace

MetadataPtr field_metadata(const FieldDef& field, const RecordView& record) {
    static const MetadataPtr kNone(new Metadata);
    if (field.type == FieldType::Menu) return menu_of(field.id);
    return field.type == FieldType::String ? kNone : number_metadata(field, record);
}

std::string field_text(const FieldDef& field, const RecordView& record) {
    const Metadata& m = record.metadata();
    switch (field.id) {
        case FieldId::Name:
            return std::string(record.pv.name());
        case FieldId::Rtyp:
            return name_of(record.type);
        case FieldId::Desc:
            return m.description;
        case FieldId::Asg:
            return record.group;
        case FieldId::Egu:
            return m.units;
        case FieldId::Amsg:
            return m.alarm_message;
        case FieldId::Time:
            return time_text(record.now.time);
        case FieldId::Label:
            return field.index < m.states.size() ? m.states[field.index] : "";
        default:
            return {};
    }
}

SnapshotPtr field_value(const FieldDef& field, const RecordView& record,
                        MetadataPtr metadata) {
    Ref<Snapshot> made = Snapshot::create_unfilled(stored_type(field, record.type), 1);
    if (!made) throw std::bad_alloc();
    made->time = record.now.time;
    made->alarm = record.now.alarm;
    made->metadata = std::move(metadata);
    if (field.type == FieldType::String)
        store_text(*made, field_text(field, record));
    else if (field.type == FieldType::Menu)
        store(*made, choice(field, record));
    else
        store_number(*made, number(field, record));
    return made;
}

}  // namespace pcas
