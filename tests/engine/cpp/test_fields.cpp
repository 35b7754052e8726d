// Names of fields, who holds their PVs, and what views make of values.
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "check.hpp"
#include "fields/field_source.hpp"
#include "fields/modifiers.hpp"
#include "pv/namespace.hpp"

using namespace pcas;

namespace {

PvPtr make_record(const char* name, DbfType type = DbfType::Double,
                  std::uint32_t count = 1) {
    auto* metadata = new Metadata;
    metadata->units = "mm";
    return Pv::create(name, type, count, MetadataPtr(metadata));
}

struct Served {
    Namespace names{10, 1000};
    FieldSource& fields = FieldSource::add_to(names);

    PvPtr attach(std::string_view name) const {
        return names.find(name, NameUse::Attach).pv;
    }
    bool found(std::string_view name) const {
        return names.find(name, NameUse::Search).where == Where::Here;
    }
};

SnapshotPtr doubles(std::vector<double> values) {
    Ref<Snapshot> made =
        Snapshot::create(DbfType::Double, static_cast<std::uint32_t>(values.size()));
    if (!values.empty())
        std::memcpy(made->mutable_data(), values.data(),
                    values.size() * sizeof(double));
    made->metadata = MetadataPtr(new Metadata);
    return made;
}

SnapshotPtr with_alarm(const Pv& pv, std::uint16_t severity) {
    const SnapshotPtr now = pv.snapshot();
    return restamped(*now, now->time, {1, severity}, now->metadata);
}

std::uint16_t index_in(const Pv& pv) {
    return pv.snapshot()->elements<std::uint16_t>()[0];
}

std::vector<double> shown(const char* modifiers, std::vector<double> values) {
    const auto parsed = parse_modifiers(modifiers);
    REQUIRE(parsed.has_value());
    const View view(0, parsed->filters);
    const SnapshotPtr made =
        view.read(doubles(std::move(values)), {DbfType::Double, 10}, {});
    const auto elements = made->elements<double>();
    return {elements.begin(), elements.end()};
}

}  // namespace

TEST_CASE("fields: nothing is made by a search, and one PV serves all") {
    Served served;
    const PvPtr record = make_record("X");
    served.names.add(record);
    CHECK(served.found("X.EGU"));
    CHECK(!served.found("X.NONE"));
    CHECK(!served.found("Y.EGU"));
    CHECK(!record->companion());
    const PvPtr field = served.attach("X.EGU");
    REQUIRE(field);
    CHECK(field == served.attach("X.EGU"));
    CHECK(std::strcmp(reinterpret_cast<const char*>(field->snapshot()->data()), "mm") ==
          0);
    CHECK(served.attach("X.VAL") == record);
}

TEST_CASE("fields: the record does not live longer for them, and they end with it") {
    Served served;
    PvPtr record = make_record("X");
    served.names.add(record);
    const PvPtr field = served.attach("X.SEVR");
    REQUIRE(field);
    served.names.remove("X");
    CHECK(record->sole_ref());
    const std::int64_t living_before = living(Counted::Pv);
    record.reset();
    CHECK(living(Counted::Pv) == living_before - 1);
    CHECK(field->companion()->owner_of_record() == nullptr);
    CHECK(!served.attach("X.SEVR"));
}

TEST_CASE("fields: they follow the record, and are let go of unused") {
    Served served;
    const PvPtr record = make_record("X");
    served.names.add(record);
    const std::int64_t before = living(Counted::Pv);
    PvPtr field = served.attach("X.SEVR");
    record->post(with_alarm(*record, 2), kValueEvent | kAlarmEvent);
    CHECK(index_in(*field) == 2);
    record->set(with_alarm(*record, 1));
    CHECK(index_in(*field) == 1);
    CHECK(living(Counted::Pv) == before + 1);
    field.reset();
    record->set(with_alarm(*record, 0));
    CHECK(living(Counted::Pv) == before);
}

TEST_CASE("fields: however many are asked for, few stay") {
    Served served;
    std::vector<PvPtr> records;
    for (int i = 0; i < 5000; ++i) {
        records.push_back(make_record(("X" + std::to_string(i)).c_str()));
        served.names.add(records.back());
    }
    const std::int64_t before = living(Counted::Pv);
    for (const PvPtr& record : records)
        served.attach(std::string(record->name()) + ".RTYP");
    CHECK(living(Counted::Pv) - before <= 1100);
}

TEST_CASE("fields: whoever removes the record tells the clients of its fields") {
    Served served;
    auto removed = std::make_shared<RemovedPvs>(std::make_shared<WakeGate>([] {}));
    served.names.tell_removed(removed);
    const PvPtr record = make_record("X");
    served.names.add(record);
    const PvPtr field = served.attach("X.EGU");
    std::vector<PvPtr> told;
    const PvPtr own = make_record("X.EGU");
    served.names.add(own);  // takes its name from the field
    removed->take(told);
    REQUIRE(told.size() == 1u);
    CHECK(told[0] == field);
    CHECK(served.attach("X.EGU") == own);
    served.names.remove("X");
    removed->take(told);
    REQUIRE(told.size() == 2u);
    CHECK((told[0] == record && told[1] == field));
}

TEST_CASE("fields: channels with a deadband share nothing, others do") {
    Served served;
    served.names.add(make_record("X"));
    const char* own = "X.{\"dbnd\":{\"abs\":1}}";
    CHECK(served.attach(own) != served.attach(own));
    const PvPtr shared = served.attach("X.EGU$");
    CHECK(shared == served.attach("X.EGU$"));
    CHECK(shared->type() == DbfType::Char);
    CHECK(shared->max_count() == 16u);
}

TEST_CASE("fields: names with dots and braces are those of the table") {
    Served served;
    const PvPtr a = make_record("A{1.EGU}B");
    const PvPtr b = make_record("A.B");
    served.names.add(a);
    served.names.add(b);
    CHECK(served.attach("A{1.EGU}B") == a);
    CHECK(served.attach("A{1.EGU}B.VAL") == a);
    CHECK(served.attach("A.B.EGU"));
    CHECK(served.attach("A.B.") == b);
    CHECK(!served.found(std::string(60000, '.') + "EGU"));
    CHECK(!served.found("A.B.{" + std::string(60000, ' ') + "}"));
}

TEST_CASE("views: ranges of arrays") {
    using Values = std::vector<double>;
    CHECK((shown("[1:2]", {0, 1, 2, 3}) == Values{1, 2}));
    CHECK((shown("[-2:]", {0, 1, 2, 3}) == Values{2, 3}));
    CHECK((shown("[:2:]", {0, 1, 2, 3}) == Values{0, 2}));
    CHECK((shown("[7]", {0, 1}) == Values{}));
    CHECK((shown("[1]", {}) == Values{}));
    CHECK((shown("[-9:-9]", {0, 1}) == Values{}));
    CHECK((shown("{arr:{s:1},'arr':{\"s\":1}}", {0, 1, 2}) == Values{2}));
}

TEST_CASE("views: what is no modifier") {
    for (const char* text :
         {"$$", "x", "[", "[]", "[1:2:3:4]", "{", "{}x", "{\"arr\":1}", "{\"dec\":{}}",
          "{\"nope\":{}}", "[1]{]}", "{}$"}) {
        NOTE("text", text);
        CHECK(!parse_modifiers(text).has_value());
    }
    CHECK(!parse_modifiers("{" + std::string(2000, ' ') + "}").has_value());
    CHECK(!parse_modifiers(std::string(500, '[')).has_value());
    std::string deep = "{\"dbnd\":{\"abs\":";
    for (int i = 0; i < 300; ++i) deep += "{\"a\":";
    CHECK(!parse_modifiers(deep).has_value());
    std::string many = "{";
    for (int i = 0; i < 40; ++i) many += "\"ts\":{},";
    CHECK(!parse_modifiers(many + "}").has_value());
}

TEST_CASE("views: a deadband tells what has moved, and all else but values") {
    const auto parsed = parse_modifiers("{\"dbnd\":{\"abs\":2}}");
    REQUIRE(parsed.has_value());
    View view(0, parsed->filters);
    const ValueKind kind{DbfType::Double, 1};
    const auto told = [&](double value, bool more) {
        return static_cast<bool>(view.event(doubles({value}), kind, {}, {more, false}));
    };
    CHECK(told(1, false));
    CHECK(!told(3, false));
    CHECK(told(3, true));
    CHECK(told(3.5, false));
    CHECK(!told(3.5, false));
}
