// Types that are stored and have no DBR type: as what they go, and what writes make.
#include <caerr.h>

#include <cmath>
#include <limits>

#include "dbr/alarm_limits.hpp"
#include "dbr/elements.hpp"
#include "wire.hpp"

using namespace pcas;
using wire::Builder;
using wire::Bytes;
using wire::hex;

namespace {

template <class T>
constexpr T kLow = std::numeric_limits<T>::min();
template <class T>
constexpr T kHigh = std::numeric_limits<T>::max();

constexpr DbfType kStoredOnly[] = {DbfType::Int8,   DbfType::UInt8, DbfType::UInt16,
                                   DbfType::UInt32, DbfType::Int64, DbfType::UInt64,
                                   DbfType::Bool};

struct Form {
    const char* name;
    Ref<Snapshot> snapshot;
    Builder wire;
};

// Each is encoded to `wire` as its own type of the wire, and decoded to the same.
std::vector<Form> forms() {
    std::vector<Form> all;
    all.push_back({"int8", wire::snapshot<std::int8_t>(DbfType::Int8, {-128, -1, 127}),
                   Builder().u8(128).u8(255).u8(127)});
    all.push_back({"uint8", wire::snapshot<std::uint8_t>(DbfType::UInt8, {0, 200, 255}),
                   Builder().u8(0).u8(200).u8(255)});
    all.push_back({"uint16",
                   wire::snapshot<std::uint16_t>(DbfType::UInt16, {0, 40000, 65535}),
                   Builder().i32(0).i32(40000).i32(65535)});
    all.push_back({"uint32",
                   wire::snapshot<std::uint32_t>(DbfType::UInt32, {0, 4294967295u}),
                   Builder().f64(0).f64(4294967295.0)});
    all.push_back(
        {"int64",
         wire::snapshot<std::int64_t>(
             DbfType::Int64, {-(std::int64_t{1} << 53), 1, kLow<std::int64_t>}),
         Builder().f64(-9007199254740992.0).f64(1).f64(-0x1p63)});
    all.push_back(
        {"uint64",
         wire::snapshot<std::uint64_t>(DbfType::UInt64, {std::uint64_t{1} << 63, 7}),
         Builder().f64(0x1p63).f64(7)});
    all.push_back({"one int64", wire::snapshot<std::int64_t>(DbfType::Int64, {-5}),
                   Builder().f64(-5)});
    all.push_back({"bool", wire::snapshot<std::uint8_t>(DbfType::Bool, {1, 0}),
                   Builder().u16(1).u16(0)});
    return all;
}

struct Row {
    const char* name;
    int from;  // DBR
    Builder wire;
    Ref<Snapshot> stored;
};

// What writes of other types are stored as.
std::vector<Row> writes() {
    std::vector<Row> all;
    const auto int8 = [](std::int8_t v) {
        return wire::snapshot<std::int8_t>(DbfType::Int8, {v});
    };
    const auto uint8 = [](std::uint8_t v) {
        return wire::snapshot<std::uint8_t>(DbfType::UInt8, {v});
    };
    const auto uint16 = [](std::uint16_t v) {
        return wire::snapshot<std::uint16_t>(DbfType::UInt16, {v});
    };
    const auto uint32 = [](std::uint32_t v) {
        return wire::snapshot<std::uint32_t>(DbfType::UInt32, {v});
    };
    const auto int64 = [](std::int64_t v) {
        return wire::snapshot<std::int64_t>(DbfType::Int64, {v});
    };
    const auto uint64 = [](std::uint64_t v) {
        return wire::snapshot<std::uint64_t>(DbfType::UInt64, {v});
    };
    const auto truth = [](std::uint8_t v) {
        return wire::snapshot<std::uint8_t>(DbfType::Bool, {v});
    };
    // Floats are cut off and brought into the range, integers wrap.
    all.push_back({"300. to int8", 6, Builder().f64(300), int8(127)});
    all.push_back({"-2.5 to int8", 6, Builder().f64(-2.5), int8(-2)});
    all.push_back({"300. to uint8", 6, Builder().f64(300), uint8(255)});
    all.push_back({"300 to uint8", 5, Builder().i32(300), uint8(44)});
    all.push_back({"-1. to uint16", 6, Builder().f64(-1), uint16(0)});
    all.push_back({"-1 to uint16", 5, Builder().i32(-1), uint16(65535)});
    all.push_back({"-1 to uint32", 5, Builder().i32(-1), uint32(4294967295u)});
    all.push_back(
        {"1e30 to int64", 6, Builder().f64(1e30), int64(kHigh<std::int64_t>)});
    all.push_back(
        {"-1e30 to int64", 6, Builder().f64(-1e30), int64(kLow<std::int64_t>)});
    all.push_back({"nan to int64", 6,
                   Builder().f64(std::numeric_limits<double>::quiet_NaN()), int64(0)});
    all.push_back(
        {"1e30 to uint64", 6, Builder().f64(1e30), uint64(kHigh<std::uint64_t>)});
    all.push_back({"-1. to uint64", 6, Builder().f64(-1), uint64(0)});
    all.push_back({"a float to uint64", 2, Builder().f32(3.75f), uint64(3)});
    all.push_back({"a short to int64", 1, Builder().i16(-9), int64(-9)});
    all.push_back({"a char to int8", 4, Builder().u8(200), int8(-56)});
    all.push_back({"an enum to int64", 3, Builder().u16(3), int64(3)});
    // Text has all its digits.
    all.push_back({"text to int64", 0, Builder().text("-9223372036854775807", 40),
                   int64(kLow<std::int64_t> + 1)});
    all.push_back({"text to uint64", 0, Builder().text("18446744073709551615", 40),
                   uint64(kHigh<std::uint64_t>)});
    all.push_back(
        {"text to uint32", 0, Builder().text("0xffffffff", 40), uint32(4294967295u)});
    all.push_back({"text to uint16", 0, Builder().text("65535", 40), uint16(65535)});
    all.push_back({"text to uint8", 0, Builder().text("255", 40), uint8(255)});
    all.push_back({"text to int8", 0, Builder().text("-128", 40), int8(-128)});
    // Any number but 0 is true.
    all.push_back({"2 to bool", 5, Builder().i32(2), truth(1)});
    all.push_back({"0.5 to bool", 6, Builder().f64(0.5), truth(1)});
    all.push_back({"0 to bool", 3, Builder().u16(0), truth(0)});
    all.push_back({"256 to bool", 5, Builder().i32(256), truth(1)});
    return all;
}

std::string text_read(const Snapshot& s) {
    return wire::slot_text(wire::encode(s, 0, 1).bytes.data());
}

}  // namespace

TEST_CASE("stored types: sizes, and the type of the wire") {
    constexpr DbfType kWire[] = {DbfType::Char,   DbfType::Char,   DbfType::Long,
                                 DbfType::Double, DbfType::Double, DbfType::Double,
                                 DbfType::Enum};
    constexpr std::size_t kSizes[] = {1, 1, 2, 4, 8, 8, 1};
    for (std::size_t i = 0; i < std::size(kStoredOnly); ++i) {
        NOTE("type", kStoredOnly[i]);
        CHECK(wire_type(kStoredOnly[i]) == kWire[i]);
        CHECK(element_size(kStoredOnly[i]) == kSizes[i]);
        CHECK(plain_dbr(kStoredOnly[i]) == plain_dbr(kWire[i]));
        CHECK(visit_type(kStoredOnly[i], [](auto tag) {
                  return sizeof(typename decltype(tag)::Element);
              }) == kSizes[i]);
        const auto made = Snapshot::create(kStoredOnly[i], 5);
        CHECK(made->size_bytes() == 5 * kSizes[i]);
    }
    for (int type = 0; type < kDbfTypes; ++type) {
        CHECK(wire_type(static_cast<DbfType>(type)) == static_cast<DbfType>(type));
    }
}

TEST_CASE("stored types: the plain forms, both ways, short and long") {
    for (const Form& form : forms()) {
        NOTE("form", form.name);
        const Snapshot& s = *form.snapshot;
        const auto got = wire::encode(s, plain_dbr(s.type()), s.count());
        CHECK(got.status == EcaStatus{ECA_NORMAL});
        Builder padded = form.wire;
        CHECK(hex(got.bytes) == hex(padded.pad().bytes()));
        const auto back = wire::decode(raw(plain_dbr(s.type())), s.count(),
                                       form.wire.bytes(), s.type(), s.count());
        REQUIRE(static_cast<bool>(back.snapshot));
        CHECK(back.snapshot->type() == s.type());
        CHECK(std::memcmp(back.snapshot->data(), s.data(), s.size_bytes()) == 0);
    }
}

TEST_CASE("stored types: each element of a long array") {
    std::vector<std::int64_t> values(5000);
    Builder doubles, longs;
    for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] = static_cast<std::int64_t>(i) * 1'000'003 - 7;
        doubles.f64(static_cast<double>(values[i]));
        longs.u32(static_cast<std::uint64_t>(values[i]));
    }
    const auto s = wire::snapshot(DbfType::Int64, values);
    CHECK(hex(wire::encode(*s, 6, 5000).bytes) == hex(doubles.bytes()));
    CHECK(hex(wire::encode(*s, 5, 5000).bytes) == hex(longs.bytes()));
    const auto back = wire::decode(6, 5000, doubles.bytes(), DbfType::Int64, 5000);
    CHECK(wire::values<std::int64_t>(back) == values);
}

TEST_CASE("stored types: what writes of other types make") {
    for (const Row& row : writes()) {
        NOTE("write", row.name);
        const auto got =
            wire::decode(row.from, 1, row.wire.bytes(), row.stored->type());
        CHECK(got.status == EcaStatus{ECA_NORMAL});
        REQUIRE(static_cast<bool>(got.snapshot));
        CHECK(std::memcmp(got.snapshot->data(), row.stored->data(),
                          row.stored->size_bytes()) == 0);
    }
    const auto refused = [](const char* text, DbfType to) {
        return wire::decode(0, 1, Builder().text(text, 40).bytes(), to).status ==
               EcaStatus{ECA_PUTFAIL};
    };
    CHECK(refused("128", DbfType::Int8));
    CHECK(refused("256", DbfType::UInt8));
    CHECK(refused("65536", DbfType::UInt16));
    CHECK(refused("4294967296", DbfType::UInt32));
    CHECK(refused("9223372036854775808", DbfType::Int64));
    CHECK(refused("18446744073709551616", DbfType::UInt64));
    for (const DbfType type : kStoredOnly) CHECK(refused("much", type));
}

TEST_CASE("stored types: text has all digits") {
    CHECK(text_read(*wire::snapshot<std::int64_t>(
              DbfType::Int64, {kLow<std::int64_t>})) == "-9223372036854775808");
    CHECK(text_read(*wire::snapshot<std::uint64_t>(
              DbfType::UInt64, {kHigh<std::uint64_t>})) == "18446744073709551615");
    CHECK(text_read(*wire::snapshot<std::uint32_t>(
              DbfType::UInt32, {kHigh<std::uint32_t>})) == "4294967295");
    CHECK(text_read(*wire::snapshot<std::uint16_t>(DbfType::UInt16, {65535})) ==
          "65535");
    CHECK(text_read(*wire::snapshot<std::int8_t>(DbfType::Int8, {-7})) == "-7");
    CHECK(text_read(*wire::snapshot<std::uint8_t>(DbfType::UInt8, {65})) == "65");
}

TEST_CASE("stored types: a bool has labels, as an enum has") {
    auto s = wire::snapshot<std::uint8_t>(DbfType::Bool, {1});
    CHECK(text_read(*s) == "1");
    const MetadataPtr labels = wire::with_states({"Closed", "Open"});
    s->metadata = labels;
    CHECK(text_read(*s) == "Open");
    const auto graphic = wire::encode(*s, 24, 1);  // GR_ENUM: status, severity, number
    CHECK(std::to_integer<int>(graphic.bytes[5]) == 2);
    CHECK(wire::slot_text(graphic.bytes.data() + 6) == "Closed");
    const auto put = [&](const char* text) {
        return wire::decode(0, 1, Builder().text(text, 40).bytes(), DbfType::Bool, 1,
                            labels);
    };
    CHECK(wire::values<bool>(put("Open")) == std::vector<bool>{true});
    CHECK(wire::values<bool>(put("Closed")) == std::vector<bool>{false});
    CHECK(wire::values<bool>(put("1")) == std::vector<bool>{true});
    CHECK(put("2").status == EcaStatus{ECA_PUTFAIL});
    CHECK(put("Ajar").status == EcaStatus{ECA_PUTFAIL});
}

TEST_CASE("stored types: limits of int8 keep their sign") {
    auto* m = new Metadata;
    m->lower_disp = -100;
    m->upper_disp = 300;
    auto s = wire::snapshot<std::int8_t>(DbfType::Int8, {-1});
    s->metadata = MetadataPtr(m);
    const auto got = wire::encode(*s, 25, 1);  // GR_CHAR: status, severity, units
    CHECK(std::to_integer<int>(got.bytes[12]) == 127);
    CHECK(std::to_integer<int>(got.bytes[13]) == 156);
    CHECK(std::to_integer<int>(got.bytes[19]) == 255);
}

TEST_CASE("stored types: alarms") {
    AlarmLimits limits;
    limits.at = {200, -10, 100, NAN};  // in the order of Limit
    const auto severity = [&](const Ref<Snapshot>& s) {
        return check_alarm(limits, *s).severity;
    };
    CHECK(severity(wire::snapshot<std::int8_t>(DbfType::Int8, {-10})) == 2);
    CHECK(severity(wire::snapshot<std::int8_t>(DbfType::Int8, {-9})) == 0);
    CHECK(severity(wire::snapshot<std::uint8_t>(DbfType::UInt8, {200})) == 2);
    CHECK(severity(wire::snapshot<std::uint16_t>(DbfType::UInt16, {150})) == 1);
    CHECK(severity(wire::snapshot<std::uint32_t>(DbfType::UInt32, {4000000000u})) == 2);
    CHECK(severity(wire::snapshot<std::int64_t>(DbfType::Int64, {5, -11})) == 2);
    CHECK(severity(wire::snapshot<std::uint64_t>(DbfType::UInt64, {100})) == 1);
    limits.states = {0, 1};
    CHECK(severity(wire::snapshot<std::uint8_t>(DbfType::Bool, {0})) == 0);
    CHECK(severity(wire::snapshot<std::uint8_t>(DbfType::Bool, {1})) == 1);
}
