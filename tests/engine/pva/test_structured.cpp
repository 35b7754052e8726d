// Tables and images: values of PVAccess from snapshots, and snapshots from puts.
#include <cstring>
#include <string>
#include <vector>

#include "check.hpp"
#include "dbr/structure.hpp"
#include "pva/fill.hpp"
#include "pva/take.hpp"

using namespace pcas;
using namespace pcas::pva;
using pvxs::shared_array;
using pvxs::Value;

namespace {

SnapshotPtr numbers(const std::vector<double>& elements) {
    Ref<Snapshot> made =
        Snapshot::create(DbfType::Double, static_cast<std::uint32_t>(elements.size()));
    if (!elements.empty()) {
        std::memcpy(made->mutable_data(), elements.data(), made->size_bytes());
    }
    return made;
}

Column texts(const Texts& from) { return {{}, std::make_shared<Texts>(from)}; }

SnapshotPtr with(Ref<Structure> value, const std::vector<ColumnInfo>& columns) {
    Ref<Metadata> metadata(new Metadata);
    metadata->columns = columns;
    metadata->description = "what it is";
    Ref<Snapshot> made = Snapshot::of(std::move(value));
    made->metadata = metadata;
    return made;
}

SnapshotPtr table(const std::vector<double>& x, const Texts& names) {
    Ref<Structure> value(new Structure);
    value->columns = {{numbers(x), {}}, texts(names)};
    return with(value,
                {{"x", "X / mm", DbfType::Double}, {"name", "Name", DbfType::String}});
}

SnapshotPtr image(const std::vector<std::uint32_t>& dimensions) {
    Ref<Structure> value(new Structure);
    value->dimensions = dimensions;
    value->number = 7;
    value->columns = {{numbers(std::vector<double>(elements_of(dimensions))), {}}};
    return with(value, {});
}

Form form(const SnapshotPtr& of) {
    return form_of(DbfType::Structure, 1, *of->metadata);
}

template <class T>
shared_array<const T> array(const std::vector<T>& from) {
    return shared_array<T>(from.begin(), from.end()).freeze();
}

std::string refused(const SnapshotPtr& now, const Value& put,
                    std::uint32_t most = 100) {
    try {
        put_of(form(now), most, *now, put);
    } catch (const BadPut& error) {
        return error.what();
    }
    return "taken";
}

Value image_put(const SnapshotPtr& now, std::size_t pixels,
                const std::vector<std::int32_t>& sizes) {
    Value put = form(now).prototype.cloneEmpty();
    put["value->ubyteValue"] = array(std::vector<std::uint8_t>(pixels, 3));
    shared_array<Value> all(sizes.size());
    for (std::size_t i = 0; i < sizes.size(); ++i) {
        all[i] = put["dimension"].allocMember();
        all[i]["size"] = sizes[i];
    }
    put["dimension"] = all.freeze();
    return put;
}

}  // namespace

TEST_CASE("structured: a table keeps its columns, and texts of any length") {
    const SnapshotPtr now = table({1, 2}, {"a", std::string(100, 'b')});
    const Value value = value_of(form(now), now);
    CHECK(value.id() == "epics:nt/NTTable:1.0");
    CHECK(value["labels"].as<shared_array<const std::string>>()[0] == "X / mm");
    CHECK(value["descriptor"].as<std::string>() == "what it is");
    const auto x = value["value.x"].as<shared_array<const double>>();
    // The very elements, without a copy.
    CHECK(x.data() == now->structure().columns[0].numbers->elements<double>().data());
    const auto names = value["value.name"].as<shared_array<const std::string>>();
    CHECK(names.data() == now->structure().columns[1].texts->data());
    CHECK(names[1] == std::string(100, 'b'));
    CHECK(!value_of(form(now), now, kValuePart)["labels"].isMarked());
    CHECK(value_of(form(now), now, kValuePart)["value.x"].isMarked());
}

TEST_CASE("structured: a table without elements") {
    const SnapshotPtr now =
        with(Ref<Structure>(new Structure),
             {{"x", "x", DbfType::Double}, {"name", "name", DbfType::String}});
    const Value value = value_of(form(now), now);
    CHECK(value["value.x"].as<shared_array<const double>>().empty());
    CHECK(value["value.name"].as<shared_array<const std::string>>().empty());
}

TEST_CASE("structured: an image has its sizes, number and order of colours") {
    struct Case {
        std::vector<std::uint32_t> dimensions;
        int mode;
    };
    for (const Case& c : {Case{{4, 3}, 0}, Case{{3, 5, 6}, 2}, Case{{5, 3, 6}, 3},
                          Case{{5, 6, 3}, 4}, Case{{12}, 0}, Case{{0, 4}, 0}}) {
        NOTE("mode", c.mode);
        const SnapshotPtr now = image(c.dimensions);
        const Value value = value_of(form(now), now);
        CHECK(value.id() == "epics:nt/NTNDArray:1.0");
        const auto sizes = value["dimension"].as<shared_array<const Value>>();
        CHECK(sizes.size() == c.dimensions.size());
        for (std::size_t i = 0; i < sizes.size(); ++i) {
            CHECK(sizes[i]["size"].as<std::uint32_t>() == c.dimensions[i]);
            CHECK(sizes[i]["fullSize"].as<std::uint32_t>() == c.dimensions[i]);
        }
        const auto pixels = value["value->"].as<shared_array<const double>>();
        const auto kept = now->structure().columns[0].numbers->elements<double>();
        CHECK(pixels.size() == kept.size());
        CHECK((pixels.empty() || pixels.data() == kept.data()));
        CHECK(value["uncompressedSize"].as<std::size_t>() == 8 * pixels.size());
        CHECK(value["uniqueId"].as<int>() == 7);
        const auto attributes = value["attribute"].as<shared_array<const Value>>();
        CHECK(attributes[0]["name"].as<std::string>() == "ColorMode");
        CHECK(attributes[0]["value"].as<int>() == c.mode);
    }
}

TEST_CASE("structured: puts of tables") {
    const SnapshotPtr now = table({1, 2}, {"a", "b"});
    Value put = form(now).prototype.cloneEmpty();
    CHECK(refused(now, put) == "this put has no value");
    put["value.x"] = array<double>({7, 8});
    const SnapshotPtr made = put_of(form(now), 100, *now, put);
    CHECK(made->structure().columns[0].numbers->elements<double>()[1] == 8.0);
    CHECK((*made->structure().columns[1].texts)[1] == "b");  // as it was
    CHECK(refused(now, put, 1) == "2 rows are too many: at most 1 are allowed");
    put["value.name"] = array<std::string>({"only one"});
    CHECK(refused(now, put) ==
          "column 'name' has 1 rows, 'x' has 2: all columns must have the same number");
    CHECK(put_text(form(now), put) == "a table of 1 rows");
}

TEST_CASE("structured: puts of images") {
    const SnapshotPtr now = image({4, 3});
    CHECK(refused(now, form(now).prototype.cloneEmpty()) == "this put has no value");
    const SnapshotPtr made = put_of(form(now), 100, *now, image_put(now, 6, {2, 3}));
    CHECK(made->structure().dimensions == std::vector<std::uint32_t>({2, 3}));
    CHECK(made->structure().columns[0].numbers->type() == DbfType::UInt8);
    CHECK(refused(now, image_put(now, 7, {2, 3})) ==
          "the dimensions make 6 pixels, but there are 7");
    CHECK(refused(now, image_put(now, 6, {-2, -3})) ==
          "a dimension of -2 is not allowed");
    CHECK(refused(now, image_put(now, 6, std::vector<std::int32_t>(10, 1 << 30))) !=
          "taken");
    CHECK(refused(now, image_put(now, 6, std::vector<std::int32_t>(11, 1))) ==
          "11 dimensions are too many: at most 10 are allowed");
    CHECK(refused(now, image_put(now, 6, {})) != "taken");
    CHECK(refused(now, image_put(now, 6, {6}), 5) ==
          "6 pixels are too many: at most 5 are allowed");
    Value put = form(now).prototype.cloneEmpty();
    put["value->ubyteValue"] = array(std::vector<std::uint8_t>(12, 3));
    CHECK(refused(now, put) == "taken");  // the sizes stay
    CHECK(put_text(form(now), put) == "an image of 12 pixels");
    put["codec.name"] = "jpeg";
    CHECK(refused(now, put) == "images are not compressed here: no codec is allowed");
}

TEST_CASE("structured: a copy shares the value, and the last one frees it") {
    SnapshotPtr now = image({2, 2});
    SnapshotPtr again = restamped(*now, {5, 6}, {0, 0}, now->metadata);
    CHECK(&again->structure() == &now->structure());
    CHECK(now->size_bytes() > 32u);
    now.reset();
    CHECK(again->structure().dimensions.size() == 2u);
}
