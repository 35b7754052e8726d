// Values of PVAccess from snapshots, and snapshots from puts.
#include <alarm.h>
#include <epicsTime.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "check.hpp"
#include "pva/fill.hpp"
#include "pva/take.hpp"

using namespace pcas;
using namespace pcas::pva;
using pvxs::shared_array;
using pvxs::Value;

namespace {

constexpr DbfType kTypes[] = {
    DbfType::String, DbfType::Short,  DbfType::Float,  DbfType::Enum,  DbfType::Char,
    DbfType::Long,   DbfType::Double, DbfType::Int8,   DbfType::UInt8, DbfType::UInt16,
    DbfType::UInt32, DbfType::Int64,  DbfType::UInt64, DbfType::Bool};

Ref<Metadata> metadata() {
    Ref<Metadata> made(new Metadata);
    made->units = "mA";
    made->precision = 3;
    made->description = "a current";
    made->form = DisplayForm::Hex;
    made->lower_disp = -5;
    made->upper_disp = 300;
    made->lower_ctrl = -4;
    made->upper_ctrl = 290;
    made->upper_alarm = 280;
    made->states = {"off", "on"};
    return made;
}

template <class T>
SnapshotPtr snapshot(DbfType type, const std::vector<T>& elements) {
    Ref<Snapshot> made =
        Snapshot::create(type, static_cast<std::uint32_t>(elements.size()));
    std::memcpy(made->mutable_data(), elements.data(), elements.size() * sizeof(T));
    made->metadata = metadata();
    made->time = {100, 7};
    made->alarm = {epicsAlarmHigh, 1};
    return made;
}

SnapshotPtr zeros(DbfType type, std::uint32_t count) {
    Ref<Snapshot> made = Snapshot::create(type, count);
    made->metadata = metadata();
    return made;
}

Form form(DbfType type, std::uint32_t count = 1) {
    return form_of(type, count, *metadata());
}

bool marked(const Value& value, const char* field) {
    const Value found = value[field];
    return found && found.isMarked();
}

std::string refused(DbfType type, std::uint32_t max_count, const Value& put) {
    try {
        put_of(form(type, max_count), max_count, *zeros(type, 1), put);
    } catch (const BadPut& error) {
        return error.what();
    }
    return "taken";
}

}  // namespace

TEST_CASE("pva: structures of all types") {
    for (const DbfType type : kTypes) {
        NOTE("type", type);
        const bool is_enum = has_states(type);
        CHECK(form(type).prototype.id() ==
              std::string(is_enum ? "epics:nt/NTEnum:1.0" : "epics:nt/NTScalar:1.0"));
        CHECK(form(type, 5).prototype.id() ==
              std::string("epics:nt/NTScalarArray:1.0"));
    }
    Ref<Metadata> text = metadata();
    text->form = DisplayForm::String;
    CHECK(form_of(DbfType::Char, 9, *text).shape == Shape::Text);
    CHECK(form_of(DbfType::Char, 1, *text).shape == Shape::Scalar);
    CHECK(form_of(DbfType::Short, 9, *text).shape == Shape::Array);
}

TEST_CASE("pva: a whole value of a number") {
    const Value v =
        value_of(form(DbfType::Double), snapshot<double>(DbfType::Double, {1.5}));
    CHECK(v["value"].as<double>() == 1.5);
    CHECK(v["timeStamp.secondsPastEpoch"].as<std::int64_t>() ==
          100 + POSIX_TIME_AT_EPICS_EPOCH);
    CHECK(v["timeStamp.nanoseconds"].as<std::int32_t>() == 7);
    CHECK(v["alarm.severity"].as<std::int32_t>() == 1);
    CHECK(v["alarm.status"].as<std::int32_t>() == 1);
    CHECK(v["alarm.message"].as<std::string>() == "HIGH");
    CHECK(v["display.units"].as<std::string>() == "mA");
    CHECK(v["display.description"].as<std::string>() == "a current");
    CHECK(v["display.form.index"].as<std::int32_t>() == 4);
    CHECK(v["display.precision"].as<std::int32_t>() == 3);
    CHECK(v["display.limitHigh"].as<double>() == 300);
    CHECK(v["control.limitLow"].as<double>() == -4);
    CHECK(v["valueAlarm.highAlarmLimit"].as<double>() == 280);
    CHECK(std::isnan(v["valueAlarm.lowAlarmLimit"].as<double>()));
    for (const char* field :
         {"control.minStep", "valueAlarm.active", "valueAlarm.hysteresis"}) {
        NOTE("field", field);
        CHECK(!marked(v, field));
    }
}

TEST_CASE("pva: parts of a value") {
    const SnapshotPtr s = snapshot<std::int32_t>(DbfType::Long, {5});
    const Value value = value_of(form(DbfType::Long), s, kValuePart);
    CHECK(marked(value, "value"));
    CHECK(marked(value, "timeStamp.secondsPastEpoch"));
    CHECK(!marked(value, "alarm.severity"));
    CHECK(!marked(value, "display.units"));
    const Value properties = value_of(form(DbfType::Long), s, kPropertyPart);
    CHECK(!marked(properties, "value"));
    CHECK(!marked(properties, "timeStamp.secondsPastEpoch"));
    CHECK(marked(properties, "display.units"));
    CHECK(!marked(properties, "display.precision"));  // of a float only
}

TEST_CASE("pva: limits that the type cannot hold are the nearest that it can") {
    const Value v = value_of(form(DbfType::Char), zeros(DbfType::Char, 1));
    CHECK(v["display.limitLow"].as<std::int64_t>() == 0);
    CHECK(v["display.limitHigh"].as<std::int64_t>() == 255);
    CHECK(v["valueAlarm.lowAlarmLimit"].as<std::int64_t>() == 0);
}

TEST_CASE("pva: arrays are those of the snapshot") {
    const SnapshotPtr s = snapshot<double>(DbfType::Double, {1, 2, 3});
    const Value v = value_of(form(DbfType::Double, 9), s);
    const auto elements = v["value"].as<shared_array<const double>>();
    CHECK(elements.size() == 3u);
    CHECK(static_cast<const void*>(elements.data()) ==
          static_cast<const void*>(s->data()));
    for (const DbfType type : kTypes) {
        NOTE("type", type);
        const Value none = value_of(form(type, 9), zeros(type, 0));
        CHECK(none["value"].as<shared_array<const void>>().size() == 0u);
        CHECK(marked(none, "value"));
    }
}

TEST_CASE("pva: an enum has its choices") {
    const Value v =
        value_of(form(DbfType::Enum), snapshot<std::uint16_t>(DbfType::Enum, {1}));
    CHECK(v["value.index"].as<std::int32_t>() == 1);
    CHECK(v["value.choices"].as<shared_array<const std::string>>().size() == 2u);
    CHECK(!v["display.units"]);
}

TEST_CASE("pva: a bool is one, or an enum where it has labels of its own") {
    const auto of = [](const SnapshotPtr& s, std::uint32_t max_count) {
        return value_of(form_of(DbfType::Bool, max_count, *s->metadata), s);
    };
    const auto with_labels = [](std::vector<std::string> labels) {
        Ref<Snapshot> made = Snapshot::create(DbfType::Bool, 1);
        made->mutable_data()[0] = std::byte{1};
        Ref<Metadata> told = metadata();
        told->states = std::move(labels);
        made->metadata = told;
        return made;
    };
    const Value plain = of(with_labels({"False", "True"}), 1);
    CHECK(plain["value"].type() == pvxs::TypeCode::Bool);
    CHECK(plain["value"].as<bool>());
    const Value labelled = of(with_labels({"Closed", "Open"}), 1);
    CHECK(labelled["value.index"].as<std::int32_t>() == 1);
    const Value many = of(with_labels({"Closed", "Open"}), 5);
    CHECK(many["value"].as<shared_array<const bool>>().size() == 1u);
}

TEST_CASE("pva: types without a DBR type go as they are") {
    const auto code = [](DbfType type, std::uint32_t count) {
        return form(type, count).prototype["value"].type();
    };
    using pvxs::TypeCode;
    CHECK(code(DbfType::Int8, 1) == TypeCode::Int8);
    CHECK(code(DbfType::UInt8, 1) == TypeCode::UInt8);
    CHECK(code(DbfType::UInt16, 9) == TypeCode::UInt16A);
    CHECK(code(DbfType::UInt32, 9) == TypeCode::UInt32A);
    CHECK(code(DbfType::Int64, 1) == TypeCode::Int64);
    CHECK(code(DbfType::UInt64, 9) == TypeCode::UInt64A);
    CHECK(code(DbfType::Bool, 9) == TypeCode::BoolA);
    const std::uint64_t large = 18446744073709551615u;
    const SnapshotPtr s = snapshot<std::uint64_t>(DbfType::UInt64, {large});
    CHECK(value_of(form(DbfType::UInt64), s)["value"].as<std::uint64_t>() == large);
    Value put = form(DbfType::UInt64).prototype.cloneEmpty();
    put["value"] = large;
    const SnapshotPtr made =
        put_of(form(DbfType::UInt64), 1, *zeros(DbfType::UInt64, 1), put);
    CHECK(made->elements<std::uint64_t>()[0] == large);
}

TEST_CASE("pva: alarm statuses in their groups") {
    CHECK(alarm_status_of(epicsAlarmNone) == 0);
    CHECK(alarm_status_of(epicsAlarmLoLo) == 1);
    CHECK(alarm_status_of(epicsAlarmUDF) == 2);
    CHECK(alarm_status_of(epicsAlarmCalc) == 3);
    CHECK(alarm_status_of(epicsAlarmWriteAccess) == 4);
    CHECK(alarm_status_of(999) == 6);
}

TEST_CASE("pva: puts come back as they were sent") {
    for (const DbfType type : kTypes) {
        NOTE("type", type);
        Value put = form(type).prototype.cloneEmpty();
        Value field = put[has_states(type) ? "value.index" : "value"];
        if (type == DbfType::String)
            field = std::string("text");
        else
            field = 1;
        const SnapshotPtr made = put_of(form(type), 1, *zeros(type, 1), put);
        CHECK(made->type() == type);
        CHECK(made->count() == 1u);
        Ref<Snapshot> again = Snapshot::copy(*made);
        again->metadata = metadata();
        const Value back = value_of(form(type), again);
        const char* name = has_states(type) ? "value.index" : "value";
        CHECK(back[name].as<std::string>() == put[name].as<std::string>());
    }
}

TEST_CASE("pva: puts that are refused") {
    Value put = form(DbfType::Double).prototype.cloneEmpty();
    CHECK(refused(DbfType::Double, 1, put) == "this put has no value");
    put = form(DbfType::Enum).prototype.cloneEmpty();
    CHECK(refused(DbfType::Enum, 1, put) == "this put has no value");
    for (const std::int32_t index : {-1, 2, 65536}) {
        put["value.index"] = index;
        CHECK(refused(DbfType::Enum, 1, put) ==
              "there is no choice " + std::to_string(index));
    }
    put = form(DbfType::String).prototype.cloneEmpty();
    put["value"] = std::string(39, 'x');
    CHECK(refused(DbfType::String, 1, put) == "taken");
    put["value"] = std::string(40, 'x');
    CHECK(refused(DbfType::String, 1, put) != "taken");
    put = form(DbfType::Double, 3).prototype.cloneEmpty();
    put["value"] = shared_array<const double>({1, 2, 3});
    CHECK(refused(DbfType::Double, 3, put) == "taken");
    put["value"] = shared_array<const double>({1, 2, 3, 4});
    CHECK(refused(DbfType::Double, 3, put) != "taken");
}

TEST_CASE("pva: text in characters keeps its NUL where there is room") {
    Ref<Metadata> text = metadata();
    text->form = DisplayForm::String;
    const Form form = form_of(DbfType::Char, 4, *text);
    const SnapshotPtr now = zeros(DbfType::Char, 4);
    Value put = form.prototype.cloneEmpty();
    for (const std::string sent : {"", "abc", "abcd"}) {
        NOTE("text", sent);
        put["value"] = sent;
        const SnapshotPtr made = put_of(form, 4, *now, put);
        CHECK(made->count() == std::min<std::size_t>(sent.size() + 1, 4));
        CHECK(std::memcmp(made->data(), sent.c_str(), made->count()) == 0);
    }
    put["value"] = std::string("abcde");
    bool taken = true;
    try {
        put_of(form, 4, *now, put);
    } catch (const BadPut&) {
        taken = false;
    }
    CHECK(!taken);
}

TEST_CASE("pva: a put in words") {
    Value put = form(DbfType::Double).prototype.cloneEmpty();
    CHECK(put_text(form(DbfType::Double), put) == "no value");
    put["value"] = 2.5;
    CHECK(put_text(form(DbfType::Double), put) == "2.5");
    put = form(DbfType::String).prototype.cloneEmpty();
    put["value"] = std::string("a\nb");
    CHECK(put_text(form(DbfType::String), put) == "'a\\x0ab'");
    put = form(DbfType::Double, 9).prototype.cloneEmpty();
    put["value"] = shared_array<const double>({1, 2});
    CHECK(put_text(form(DbfType::Double, 9), put) == "2 elements");
}
