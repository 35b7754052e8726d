#include "pva/structured.hpp"

#include <epicsTime.h>

#include <cstddef>
#include <string>

#include "pva/bad_put.hpp"
#include "pva/elements.hpp"

namespace pcas::pva {
namespace {

using pvxs::shared_array;
using pvxs::Value;

// What areaDetector calls the order of colours and pixels (NDColorMode).
enum class ColorMode : std::int32_t { Mono = 0, Rgb1 = 2, Rgb2 = 3, Rgb3 = 4 };

ColorMode color_mode_of(const std::vector<std::uint32_t>& dimensions) noexcept {
    if (dimensions.size() != 3) return ColorMode::Mono;
    if (dimensions[0] == 3) return ColorMode::Rgb1;
    if (dimensions[1] == 3) return ColorMode::Rgb2;
    if (dimensions[2] == 3) return ColorMode::Rgb3;
    return ColorMode::Mono;
}

// The member of the union in NTNDArray.
const char* member_of(DbfType type) noexcept {
    switch (type) {
        case DbfType::Bool:
            return "value->booleanValue";
        case DbfType::Int8:
            return "value->byteValue";
        case DbfType::Char:
        case DbfType::UInt8:
            return "value->ubyteValue";
        case DbfType::Short:
            return "value->shortValue";
        case DbfType::Enum:
        case DbfType::UInt16:
            return "value->ushortValue";
        case DbfType::Long:
            return "value->intValue";
        case DbfType::UInt32:
            return "value->uintValue";
        case DbfType::Int64:
            return "value->longValue";
        case DbfType::UInt64:
            return "value->ulongValue";
        case DbfType::Float:
            return "value->floatValue";
        default:
            return "value->doubleValue";
    }
}

void fill_dimensions(const Value& image, const std::vector<std::uint32_t>& sizes) {
    Value field = image["dimension"];
    shared_array<Value> all(sizes.size());
    for (std::size_t i = 0; i < sizes.size(); ++i) {
        all[i] = field.allocMember();
        const auto size = static_cast<std::int32_t>(sizes[i]);
        all[i]["size"] = size;
        all[i]["fullSize"] = size;
        all[i]["offset"] = std::int32_t{0};
        all[i]["binning"] = std::int32_t{1};
        all[i]["reverse"] = false;
    }
    field = all.freeze();
}

void fill_color_mode(const Value& image, ColorMode mode) {
    Value field = image["attribute"];
    Value attribute = field.allocMember();
    attribute["name"] = "ColorMode";
    Value number = pvxs::TypeDef(pvxs::TypeCode::Int32).create();
    number = static_cast<std::int32_t>(mode);
    attribute["value"].from(number);
    attribute["descriptor"] = "Color mode";
    attribute["sourceType"] = std::int32_t{0};
    attribute["source"] = "Driver";
    shared_array<Value> one({attribute});
    field = one.freeze();
}

void check_rows(const Structure& table, const Metadata& metadata) {
    const std::size_t rows = table.columns.front().count();
    for (std::size_t i = 1; i < table.columns.size(); ++i) {
        if (table.columns[i].count() == rows) continue;
        throw BadPut("column '" + metadata.columns[i].name + "' has " +
                     std::to_string(table.columns[i].count()) + " rows, '" +
                     metadata.columns[0].name + "' has " + std::to_string(rows) +
                     ": all columns must have the same number");
    }
}

// What arrives has the type of the column.
Column column_of(const shared_array<const void>& array, DbfType type) {
    Column made;
    if (type == DbfType::String) {
        const auto texts = array.castTo<const std::string>();
        made.texts = std::make_shared<Texts>(texts.begin(), texts.end());
    } else {
        made.numbers = numbers_of(array, type);
    }
    return made;
}

// Its metadata says what the columns are.
SnapshotPtr snapshot_of(Ref<Structure> value, const Snapshot& now) {
    Ref<Snapshot> made = Snapshot::of(std::move(value));
    made->metadata = now.metadata;
    return made;
}

void check_number(std::size_t number, std::uint32_t most, const char* of_what) {
    if (number <= most) return;
    throw BadPut(std::to_string(number) + of_what + " are too many: at most " +
                 std::to_string(most) + " are allowed");
}

std::vector<std::uint32_t> dimensions_in(const Value& field) {
    const auto all = field.as<shared_array<const Value>>();
    check_number(all.size(), kMaxDimensions, " dimensions");
    std::vector<std::uint32_t> sizes;
    for (const Value& one : all) {
        const auto size = one["size"].as<std::int32_t>();
        if (size < 0) {
            throw BadPut("a dimension of " + std::to_string(size) + " is not allowed");
        }
        sizes.push_back(static_cast<std::uint32_t>(size));
    }
    return sizes;
}

}  // namespace

void fill_table(Value& value, const SnapshotPtr& snapshot) {
    static const Column kEmpty;
    const std::vector<ColumnInfo>& infos = snapshot->metadata->columns;
    const std::vector<Column>& columns = snapshot->structure().columns;
    Value fields = value["value"];
    for (std::size_t i = 0; i < infos.size(); ++i) {
        const Column& column = i < columns.size() ? columns[i] : kEmpty;
        fields[infos[i].name] = array_of(column, infos[i].type);
    }
}

void fill_image(Value& value, const SnapshotPtr& snapshot) {
    const Structure& image = snapshot->structure();
    static const SnapshotPtr kNone = Snapshot::create(DbfType::Char, 0);
    const bool empty = image.columns.empty() || !image.columns[0].numbers;
    const SnapshotPtr& pixels = empty ? kNone : image.columns[0].numbers;
    const auto size = static_cast<std::int64_t>(pixels->size_bytes());
    value[member_of(pixels->type())] = array_of(pixels);
    value["codec.name"] = "";
    value["compressedSize"] = size;
    value["uncompressedSize"] = size;
    value["uniqueId"] = image.number;
    value["dataTimeStamp.secondsPastEpoch"] =
        std::int64_t{snapshot->time.seconds} + POSIX_TIME_AT_EPICS_EPOCH;
    value["dataTimeStamp.nanoseconds"] =
        static_cast<std::int32_t>(snapshot->time.nanoseconds);
    value["dataTimeStamp.userTag"] = std::int32_t{0};
    fill_dimensions(value, image.dimensions);
    fill_color_mode(value, color_mode_of(image.dimensions));
}

void fill_table_properties(Value& value, const Metadata& metadata) {
    shared_array<std::string> labels(metadata.columns.size());
    for (std::size_t i = 0; i < labels.size(); ++i) {
        labels[i] = metadata.columns[i].label;
    }
    value["labels"] = labels.freeze();
    value["descriptor"] = metadata.description;
}

void fill_image_properties(Value& value, const Metadata& metadata) {
    value["descriptor"] = metadata.description;
}

SnapshotPtr put_table(const Value& put, std::uint32_t max_rows, const Snapshot& now) {
    const Metadata& metadata = *now.metadata;
    Ref<Structure> made(new Structure);
    made->columns = now.structure().columns;
    made->columns.resize(metadata.columns.size());
    const Value fields = put["value"];
    bool any = false;
    for (std::size_t i = 0; i < metadata.columns.size(); ++i) {
        const Value field = fields[metadata.columns[i].name];
        if (!field.isMarked()) continue;
        any = true;
        const auto rows = field.as<shared_array<const void>>();
        check_number(rows.size(), max_rows, " rows");
        made->columns[i] = column_of(rows, metadata.columns[i].type);
    }
    if (!any) throw BadPut("this put has no value");
    check_rows(*made, metadata);
    return snapshot_of(std::move(made), now);
}

SnapshotPtr put_image(const Value& put, std::uint32_t max_pixels, const Snapshot& now) {
    const Value field = put["value"];
    if (!field.isMarked()) throw BadPut("this put has no value");
    if (put["codec.name"].isMarked() && !put["codec.name"].as<std::string>().empty()) {
        throw BadPut("images are not compressed here: no codec is allowed");
    }
    shared_array<const void> array;
    DbfType type = DbfType::String;
    if (const Value pixels = field["->"]) {
        type = type_of(pixels.type());
        array = pixels.as<shared_array<const void>>();
    }
    if (type == DbfType::String) throw BadPut("pixels of this type are not allowed");
    check_number(array.size(), max_pixels, " pixels");
    Ref<Structure> made(new Structure);
    const bool sized = put["dimension"].isMarked();
    made->dimensions =
        sized ? dimensions_in(put["dimension"]) : now.structure().dimensions;
    if (elements_of(made->dimensions) != array.size()) {
        throw BadPut("the dimensions make " +
                     std::to_string(elements_of(made->dimensions)) +
                     " pixels, but there are " + std::to_string(array.size()));
    }
    made->columns.push_back({numbers_of(array, type), {}});
    return snapshot_of(std::move(made), now);
}

std::string table_text(const Value& put) {
    std::size_t rows = 0;
    for (const Value& column : put["value"].imarked()) {
        rows = column.as<shared_array<const void>>().size();
    }
    return "a table of " + std::to_string(rows) + " rows";
}

std::string image_text(const Value& put) {
    const Value pixels = put["value"]["->"];
    shared_array<const void> array;
    if (pixels && pixels.as(array)) {
        return "an image of " + std::to_string(array.size()) + " pixels";
    }
    return "an image";
}

}  // namespace pcas::pva
