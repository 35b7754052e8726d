// Conversions between element types, as reads (encode) and writes (decode) do them.
#include <caerr.h>
#include <cvtFast.h>
#include <epicsConvert.h>

#include <cmath>
#include <limits>
#include <random>

#include "dbr/convert.hpp"
#include "wire.hpp"

using namespace pcas;
using wire::Builder;
using wire::Bytes;
using wire::hex;

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kFloatMax = std::numeric_limits<float>::max();
constexpr double kFloatMin = std::numeric_limits<float>::min();

struct Row {
    DbfType from;
    double value;  // stored as `from`
    DbfType to;
    double result;
};

constexpr DbfType kShort = DbfType::Short, kFloat = DbfType::Float,
                  kEnum = DbfType::Enum, kChar = DbfType::Char, kLong = DbfType::Long,
                  kDouble = DbfType::Double;

constexpr Row kRows[] = {
    // floats to integers: truncated, clamped, NaN is 0
    {kDouble, 1.9, kLong, 1},
    {kDouble, -1.9, kLong, -1},
    {kDouble, 3e9, kLong, 2147483647},
    {kDouble, -3e9, kLong, -2147483648.0},
    {kDouble, 2147483647.9, kLong, 2147483647},
    {kDouble, kInf, kLong, 2147483647},
    {kDouble, -kInf, kLong, -2147483648.0},
    {kDouble, kNan, kLong, 0},
    {kDouble, 1e300, kShort, 32767},
    {kDouble, -40000, kShort, -32768},
    {kDouble, kNan, kShort, 0},
    {kDouble, 255.99, kChar, 255},
    {kDouble, 256, kChar, 255},
    {kDouble, -1, kChar, 0},
    {kDouble, 70000, kEnum, 65535},
    {kDouble, -5, kEnum, 65531},
    {kDouble, 5e-324, kLong, 0},
    {kDouble, -0.0, kLong, 0},
    {kFloat, 3e9, kLong, 2147483647},
    {kFloat, -1e30, kShort, -32768},
    {kFloat, kNan, kChar, 0},
    {kFloat, 2.5, kEnum, 2},
    // wider integers wrap
    {kLong, 40000, kShort, -25536},
    {kLong, -1, kChar, 255},
    {kLong, 256, kChar, 0},
    {kLong, -1, kEnum, 65535},
    {kLong, -2147483648.0, kShort, 0},
    {kShort, -1, kChar, 255},
    {kShort, -1, kEnum, 65535},
    {kShort, 258, kChar, 2},
    {kEnum, 65535, kShort, -1},
    {kEnum, 258, kChar, 2},
    // what fits stays
    {kShort, -7, kLong, -7},
    {kShort, -7, kFloat, -7},
    {kShort, -7, kDouble, -7},
    {kEnum, 65535, kLong, 65535},
    {kEnum, 65535, kFloat, 65535},
    {kEnum, 65535, kDouble, 65535},
    {kChar, 255, kShort, 255},
    {kChar, 255, kEnum, 255},
    {kChar, 255, kLong, 255},
    {kChar, 255, kFloat, 255},
    {kChar, 255, kDouble, 255},
    {kLong, -2147483648.0, kDouble, -2147483648.0},
    {kLong, 16777217, kFloat, 16777216},
    {kFloat, -0.0, kDouble, -0.0},
    {kFloat, kInf, kDouble, kInf},
    {kFloat, 1e-45, kDouble, 1.4012984643248171e-45},
    // doubles as floats
    {kDouble, 1e39, kFloat, kFloatMax},
    {kDouble, -1e300, kFloat, -kFloatMax},
    {kDouble, 1e-300, kFloat, kFloatMin},
    {kDouble, -1e-45, kFloat, -kFloatMin},
    {kDouble, kInf, kFloat, kInf},
    {kDouble, -kInf, kFloat, -kInf},
    {kDouble, 0.0, kFloat, 0.0},
    {kDouble, -0.0, kFloat, -0.0},
    {kDouble, 0.1, kFloat, 0.10000000149011612},
};

Bytes element(DbfType type, double value) {
    return Builder().number(type, value).bytes();
}

Builder padded_numbers(DbfType type, double value, std::size_t n) {
    Builder out;
    for (std::size_t i = 0; i < n; ++i) out.number(type, value);
    out.pad();
    return out;
}

std::string as_text(const Snapshot& s) {
    const auto got = wire::encode(s, 0, 1);
    CHECK(got.status == EcaStatus{ECA_NORMAL});
    return wire::slot_text(got.bytes.data());
}

std::string as_text(double value, int precision) {
    auto made = wire::numbers(DbfType::Double, {value});
    auto* m = new Metadata;
    m->string_precision = static_cast<std::int16_t>(precision);
    made->metadata = MetadataPtr(m);
    return as_text(*made);
}

}  // namespace

TEST_CASE("convert: numbers, on read and on write, one and many") {
    for (const Row& row : kRows) {
        NOTE("from", row.from);
        NOTE("value", row.value);
        NOTE("to", row.to);
        for (const std::size_t n : {std::size_t{1}, std::size_t{700}}) {
            const auto stored =
                wire::numbers(row.from, std::vector<double>(n, row.value));
            const auto count = static_cast<std::uint32_t>(n);
            const auto read = wire::encode(*stored, plain_dbr(row.to), count);
            CHECK(read.status == EcaStatus{ECA_NORMAL});
            CHECK(hex(read.bytes) ==
                  hex(padded_numbers(row.to, row.result, n).bytes()));

            Builder sent;
            for (std::size_t i = 0; i < n; ++i) sent.number(row.from, row.value);
            const auto written = wire::decode(static_cast<int>(row.from), count,
                                              sent.bytes(), row.to, count);
            REQUIRE(static_cast<bool>(written.snapshot));
            const auto expected =
                wire::numbers(row.to, std::vector<double>(n, row.result));
            CHECK(std::memcmp(written.snapshot->data(), expected->data(),
                              expected->size_bytes()) == 0);
        }
    }
}

TEST_CASE("convert: NaN stays NaN between floats") {
    const auto doubles = wire::numbers(DbfType::Double, {kNan});
    CHECK((wire::encode(*doubles, 2, 1).bytes[0] & std::byte{0x7f}) == std::byte{0x7f});
    const auto got = wire::decode(2, 1, element(DbfType::Float, kNan), DbfType::Double);
    CHECK(std::isnan(wire::values<double>(got).at(0)));
}

TEST_CASE("convert: doubles become floats as libCom makes them") {
    std::mt19937_64 random(20240501);
    for (int i = 0; i < 100000; ++i) {
        const double value = std::bit_cast<double>(random());
        if (std::isnan(value)) continue;
        NOTE("value", value);
        CHECK(std::bit_cast<std::uint32_t>(to_float(value)) ==
              std::bit_cast<std::uint32_t>(epicsConvertDoubleToFloat(value)));
    }
    for (const double value :
         {kFloatMax, -kFloatMax, kFloatMin, -kFloatMin, std::nextafter(kFloatMax, kInf),
          std::nextafter(kFloatMin, 0.0)}) {
        NOTE("value", value);
        CHECK(to_float(value) == epicsConvertDoubleToFloat(value));
    }
}

TEST_CASE("convert: doubles to text with the PV's decimals") {
    CHECK(as_text(3.14159265, 3) == "3.142");
    CHECK(as_text(3.14159265, 4) == "3.1416");
    CHECK(as_text(3.14159265, 0) == "3");
    CHECK(as_text(-2.5, 1) == "-2.5");
    CHECK(as_text(kNan, 3) == "nan");
    CHECK(as_text(1.5, -3) == as_text(1.5, 0));
    CHECK(as_text(123456789.125, 6) == "123456789.125");
    std::mt19937_64 random(7);
    for (int i = 0; i < 20000; ++i) {
        const double value = std::bit_cast<double>(random());
        const int precision = static_cast<int>(random() % 24);
        char reference[64] = {};
        cvtDoubleToString(value, reference, static_cast<epicsUInt16>(precision));
        CHECK(as_text(value, precision) == std::string(reference));
    }
    for (const double value : {kInf, -kInf, 1e300, -1e300, 5e-324, -0.0, 1e16, -1e16,
                               1.7976931348623157e308}) {
        for (const int precision : {0, 3, 8, 9, 17, 100, 32767}) {
            char reference[64] = {};
            cvtDoubleToString(value, reference, static_cast<epicsUInt16>(precision));
            CHECK(as_text(value, precision) == std::string(reference));
        }
    }
}

TEST_CASE("convert: other numbers to text") {
    CHECK(as_text(*wire::numbers(DbfType::Float, {2.5})) == "2.5000");
    CHECK(as_text(*wire::numbers(DbfType::Long, {-2147483648.0})) == "-2147483648");
    CHECK(as_text(*wire::numbers(DbfType::Short, {-12})) == "-12");
    CHECK(as_text(*wire::numbers(DbfType::Char, {97})) == "97");
    CHECK(as_text(*wire::numbers(DbfType::Enum, {65535})) == "65535");
    const auto chars = wire::encode(*wire::numbers(DbfType::Char, {97, 98}), 0, 3);
    CHECK(hex(chars.bytes) ==
          hex(Builder().text("97", 40).text("98", 40).zeros(40).bytes()));
}

TEST_CASE("convert: an enum's text is its state, else its index") {
    auto made = wire::numbers(DbfType::Enum, {0, 1, 2, 3, 16, 65535});
    made->metadata = wire::with_states({"off", "", "a state"});
    const auto got = wire::encode(*made, 0, 6);
    Builder expected;
    expected.text("off", 40).text("", 40).text("a state", 40);
    expected.text("3", 40).text("16", 40).text("65535", 40);
    CHECK(hex(got.bytes) == hex(expected.bytes()));
    // An illegal index is still readable as a number.
    CHECK(hex(wire::encode(*made, 5, 6).bytes) ==
          hex(Builder().u32(0).u32(1).u32(2).u32(3).u32(16).u32(65535).bytes()));
    CHECK(wire::encode(*made, 3, 6).status == EcaStatus{ECA_NORMAL});
}

namespace {

struct Text {
    const char* text;
    DbfType to;
    bool number;
    double result;
};

const Text kTexts[] = {
    {"3.25", kDouble, true, 3.25},
    {"  5 mm", kDouble, true, 5},
    {"1,5", kDouble, true, 1},
    {"-1e-3x", kDouble, true, -1e-3},
    {"0x10", kDouble, true, 16},
    {"inf", kDouble, true, kInf},
    {"-Infinity", kDouble, true, -kInf},
    {"", kDouble, true, 0},
    {"abc", kDouble, false, 0},
    {"   ", kDouble, false, 0},
    {"mm 5", kDouble, false, 0},
    {"1e400", kDouble, false, 0},
    {"1e-320", kDouble, false, 0},
    {"1e38", kFloat, true, 1e38f},
    {"1e39", kFloat, false, 0},
    {"", kFloat, true, 0},
    {"x", kFloat, false, 0},
    {"1.9", kLong, true, 1},
    {"1e3", kLong, true, 1},
    {" -7 steps", kLong, true, -7},
    {"0x1f", kLong, true, 31},
    {"010", kLong, true, 8},
    {"", kLong, true, 0},
    {"2147483647", kLong, true, 2147483647},
    {"2147483648", kLong, false, 0},
    {"-2147483648", kLong, true, -2147483648.0},
    {"99999999999999999999", kLong, false, 0},
    {".5", kLong, false, 0},
    {"-32768", kShort, true, -32768},
    {"32768", kShort, false, 0},
    {"255", kChar, true, 255},
    {"256", kChar, false, 0},
    {"", kChar, true, 0},
    {"65535", kEnum, true, 65535},
    {"65536", kEnum, false, 0},
    {"", kEnum, false, 0},
    {"on", kEnum, false, 0},
};

}  // namespace

TEST_CASE("convert: text to numbers, on read and on write") {
    for (const Text& row : kTexts) {
        NOTE("text", row.text);
        NOTE("to", row.to);
        const auto read =
            wire::encode(*wire::strings({row.text}), plain_dbr(row.to), 1);
        CHECK(read.status == EcaStatus(row.number ? ECA_NORMAL : ECA_GETFAIL));
        CHECK(hex(read.bytes) == hex(padded_numbers(row.to, row.result, 1).bytes()));

        const auto written =
            wire::decode(0, 1, Builder().text(row.text, 40).bytes(), row.to);
        CHECK(written.status == EcaStatus(row.number ? ECA_NORMAL : ECA_PUTFAIL));
        REQUIRE(static_cast<bool>(written.snapshot) == row.number);
        if (!row.number) continue;
        const auto expected = wire::numbers(row.to, {row.result});
        CHECK(std::memcmp(written.snapshot->data(), expected->data(),
                          expected->size_bytes()) == 0);
    }
    const auto nan = wire::decode(0, 1, Builder().text("nan", 40).bytes(), kDouble);
    CHECK(std::isnan(wire::values<double>(nan).at(0)));
}

TEST_CASE("convert: numbers written to a string PV") {
    const auto text = [](int type, const Bytes& sent) {
        const auto got = wire::decode(type, 1, sent, DbfType::String);
        CHECK(got.status == EcaStatus{ECA_NORMAL});
        return got.snapshot ? wire::slot_text(got.snapshot->data()) : "";
    };
    CHECK(text(6, Builder().f64(3.14159265).bytes()) == "3.1416");
    CHECK(text(2, Builder().f32(0.5f).bytes()) == "0.5000");
    CHECK(text(5, Builder().i32(-5).bytes()) == "-5");
    CHECK(text(1, Builder().i16(-6).bytes()) == "-6");
    CHECK(text(3, Builder().u16(7).bytes()) == "7");
    CHECK(text(4, Builder().u8(200).bytes()) == "200");
}
