#include "pva/fill.hpp"

#include <alarm.h>
#include <alarmString.h>
#include <epicsTime.h>

#include <cstring>
#include <memory>
#include <string>
#include <type_traits>

#include "dbr/convert.hpp"
#include "dbr/elements.hpp"
#include "pva/elements.hpp"
#include "pva/structured.hpp"

namespace pcas::pva {
namespace {

using pvxs::shared_array;
using pvxs::Value;

// Looked up for every value: made once.
struct Names {
    const std::string value{"value"}, index{"value.index"}, choices{"value.choices"};
    const std::string seconds{"timeStamp.secondsPastEpoch"};
    const std::string nanoseconds{"timeStamp.nanoseconds"};
    const std::string tag{"timeStamp.userTag"};
    const std::string severity{"alarm.severity"}, status{"alarm.status"};
    const std::string message{"alarm.message"};
    const std::string description{"display.description"}, units{"display.units"};
    const std::string display_low{"display.limitLow"},
        display_high{"display.limitHigh"};
    const std::string precision{"display.precision"};
    const std::string form{"display.form.index"}, forms{"display.form.choices"};
    const std::string control_low{"control.limitLow"},
        control_high{"control.limitHigh"};
    const std::string lolo{"valueAlarm.lowAlarmLimit"};
    const std::string low{"valueAlarm.lowWarningLimit"};
    const std::string high{"valueAlarm.highWarningLimit"};
    const std::string hihi{"valueAlarm.highAlarmLimit"};
};

const Names& names() {
    static const Names made;
    return made;
}

std::string text_at(const Snapshot& s, std::size_t i) {
    const char* text = reinterpret_cast<const char*>(s.data()) + kStringSize * i;
    return {text, strnlen(text, kStringSize)};
}

void fill_scalar(Value field, const Snapshot& s) {
    visit_type(s.type(), [&](auto tag) {
        if constexpr (tag.type == DbfType::String) {
            field = text_at(s, 0);
        } else {
            field = s.elements<typename decltype(tag)::Element>()[0];
        }
    });
}

void fill_value(Value& v, const Form& form, const SnapshotPtr& s) {
    if (form.shape == Shape::Table) return fill_table(v, s);
    if (form.shape == Shape::Image) return fill_image(v, s);
    if (form.shape == Shape::Array) {
        v[names().value] = array_of(s);
        return;
    }
    if (form.shape == Shape::Text) {
        const char* text = reinterpret_cast<const char*>(s->data());
        v[names().value] = std::string(text, strnlen(text, s->count()));
        return;
    }
    if (s->count() == 0) return v[names().value].mark();
    if (form.shape != Shape::Enum) return fill_scalar(v[names().value], *s);
    v[names().index] = form.type == DbfType::Bool
                           ? std::int32_t{s->elements<std::uint8_t>()[0]}
                           : std::int32_t{s->elements<std::uint16_t>()[0]};
}

void fill_time(Value& v, const TimeStamp& time) {
    v[names().seconds] = std::int64_t{time.seconds} + POSIX_TIME_AT_EPICS_EPOCH;
    v[names().nanoseconds] = static_cast<std::int32_t>(time.nanoseconds);
    v[names().tag] = std::int32_t{0};
}

void fill_alarm(Value& v, const AlarmState& alarm, const Metadata& metadata) {
    v[names().severity] = std::int32_t{alarm.severity};
    v[names().status] = std::int32_t{alarm_status_of(alarm.status)};
    const bool named = alarm.status != epicsAlarmNone && alarm.status < ALARM_NSTATUS;
    const std::string& message = metadata.alarm_message;
    v[names().message] = !message.empty() ? message
                         : named ? std::string(epicsAlarmConditionStrings[alarm.status])
                                 : std::string();
}

shared_array<const std::string> texts_of(const std::vector<std::string>& from) {
    shared_array<std::string> texts(from.begin(), from.end());
    return texts.freeze();
}

const shared_array<const std::string>& forms() {
    static const auto names = texts_of({"Default", "String", "Binary", "Decimal", "Hex",
                                        "Exponential", "Engineering"});
    return names;
}

// The limits of Metadata, in its order.
enum class Limit : std::uint8_t {
    UpperDisp,
    LowerDisp,
    UpperAlarm,
    UpperWarning,
    LowerWarning,
    LowerAlarm,
    UpperCtrl,
    LowerCtrl
};

double limit_of(const Metadata& m, Limit which) noexcept {
    const double limits[] = {m.upper_disp,    m.lower_disp,    m.upper_alarm,
                             m.upper_warning, m.lower_warning, m.lower_alarm,
                             m.upper_ctrl,    m.lower_ctrl};
    return limits[static_cast<std::size_t>(which)];
}

// A limit has the type of the value: what does not fit is the nearest that does.
void fill_limit(Value field, DbfType type, const Metadata& m, Limit which) {
    visit_type(type, [&](auto tag) {
        using Element = typename decltype(tag)::Element;
        if constexpr (!std::is_integral_v<Element> || std::is_same_v<Element, bool>) {
            field = limit_of(m, which);
        } else if (sizeof(Element) == sizeof(std::uint64_t) && m.exact) {
            field = static_cast<Element>((*m.exact)[static_cast<std::size_t>(which)]);
        } else {
            field = clamp_to<Element>(limit_of(m, which));
        }
    });
}

void fill_properties(Value& v, const Form& form, const Metadata& m) {
    if (form.shape == Shape::Table) return fill_table_properties(v, m);
    if (form.shape == Shape::Image) return fill_image_properties(v, m);
    v[names().description] = m.description;
    if (form.shape == Shape::Enum) {
        v[names().choices] = texts_of(m.states);
        return;
    }
    v[names().units] = m.units;
    if (!form.is_number()) return;
    fill_limit(v[names().display_low], form.type, m, Limit::LowerDisp);
    fill_limit(v[names().display_high], form.type, m, Limit::UpperDisp);
    v[names().forms] = forms();
    v[names().form] = static_cast<std::int32_t>(m.form);
    if (form.type == DbfType::Double || form.type == DbfType::Float) {
        v[names().precision] = std::int32_t{m.precision};
    }
    fill_limit(v[names().control_low], form.type, m, Limit::LowerCtrl);
    fill_limit(v[names().control_high], form.type, m, Limit::UpperCtrl);
    if (form.shape == Shape::Array) return;
    fill_limit(v[names().lolo], form.type, m, Limit::LowerAlarm);
    fill_limit(v[names().low], form.type, m, Limit::LowerWarning);
    fill_limit(v[names().high], form.type, m, Limit::UpperWarning);
    fill_limit(v[names().hihi], form.type, m, Limit::UpperAlarm);
}

}  // namespace

int alarm_status_of(unsigned status) noexcept {
    switch (status) {
        case epicsAlarmNone:
            return 0;  // none
        case epicsAlarmRead:
        case epicsAlarmWrite:
        case epicsAlarmHiHi:
        case epicsAlarmHigh:
        case epicsAlarmLoLo:
        case epicsAlarmLow:
        case epicsAlarmState:
        case epicsAlarmCos:
        case epicsAlarmHwLimit:
            return 1;  // device
        case epicsAlarmComm:
        case epicsAlarmTimeout:
        case epicsAlarmUDF:
            return 2;  // driver
        case epicsAlarmCalc:
        case epicsAlarmScan:
        case epicsAlarmLink:
        case epicsAlarmSoft:
        case epicsAlarmBadSub:
            return 3;  // record
        case epicsAlarmDisable:
        case epicsAlarmSimm:
        case epicsAlarmReadAccess:
        case epicsAlarmWriteAccess:
            return 4;  // database
        default:
            return 6;  // undefined
    }
}

Value value_of(const Form& form, const SnapshotPtr& snapshot, Parts parts) {
    Value v = form.prototype.cloneEmpty();
    if (parts & kValuePart) {
        fill_value(v, form, snapshot);
        fill_time(v, snapshot->time);
    }
    if (parts & kAlarmPart) fill_alarm(v, snapshot->alarm, *snapshot->metadata);
    if (parts & kPropertyPart) fill_properties(v, form, *snapshot->metadata);
    return v;
}

}  // namespace pcas::pva
