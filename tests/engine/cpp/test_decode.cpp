// Wire -> Snapshot: plain forms both ways by one table, and what writes get wrong.
#include <caerr.h>

#include <cmath>
#include <limits>

#include "wire.hpp"

using namespace pcas;
using wire::Builder;
using wire::Bytes;
using wire::hex;

namespace {

struct Form {
    const char* name;
    Ref<Snapshot> snapshot;
    Builder wire;
};

// Each is encoded to `wire` and decoded back to the same elements, bit by bit.
std::vector<Form> forms() {
    constexpr double kInf = std::numeric_limits<double>::infinity();
    constexpr double kTiny = std::numeric_limits<double>::denorm_min();
    constexpr float kTinyFloat = std::numeric_limits<float>::denorm_min();
    const double nan = std::bit_cast<double>(0x7ff0000000000001u);  // a signalling one
    std::vector<Form> all;
    all.push_back({"double", wire::snapshot<double>(DbfType::Double, {3.25}),
                   Builder().f64(3.25)});
    all.push_back(
        {"odd doubles",
         wire::snapshot<double>(DbfType::Double, {nan, kInf, -kInf, kTiny, -0.0}),
         Builder()
             .u32(0x7ff00000)
             .u32(1)
             .u32(0x7ff00000)
             .u32(0)
             .u32(0xfff00000)
             .u32(0)
             .u32(0)
             .u32(1)
             .u32(0x80000000)
             .u32(0)});
    all.push_back({"float", wire::snapshot<float>(DbfType::Float, {1.5f}),
                   Builder().u32(0x3fc00000)});
    all.push_back({"odd floats",
                   wire::snapshot<float>(DbfType::Float, {kTinyFloat, -0.0f}),
                   Builder().u32(1).u32(0x80000000)});
    all.push_back({"long", wire::snapshot<std::int32_t>(DbfType::Long, {-2}),
                   Builder().u32(0xfffffffe)});
    all.push_back(
        {"extreme longs",
         wire::snapshot<std::int32_t>(DbfType::Long, {-2147483647 - 1, 2147483647, 0}),
         Builder().u32(0x80000000).u32(0x7fffffff).u32(0)});
    all.push_back({"short", wire::snapshot<std::int16_t>(DbfType::Short, {-3}),
                   Builder().u16(0xfffd)});
    all.push_back({"shorts",
                   wire::snapshot<std::int16_t>(DbfType::Short, {-32768, 32767, 258}),
                   Builder().u16(0x8000).u16(0x7fff).u16(0x0102)});
    all.push_back({"char", wire::snapshot<std::uint8_t>(DbfType::Char, {255}),
                   Builder().u8(255)});
    all.push_back({"chars", wire::snapshot<std::uint8_t>(DbfType::Char, {0, 65, 255}),
                   Builder().u8(0).u8(65).u8(255)});
    all.push_back({"enum", wire::snapshot<std::uint16_t>(DbfType::Enum, {65535}),
                   Builder().u16(65535)});
    all.push_back(
        {"string", wire::strings({"3.25 mm"}), Builder().text("3.25 mm", 40)});
    all.push_back(
        {"strings", wire::strings({"", std::string(39, 'x'), "\xff\xfe"}),
         Builder().zeros(40).text(std::string(39, 'x'), 40).text("\xff\xfe", 40)});
    return all;
}

}  // namespace

TEST_CASE("decode, encode: the plain forms, both ways") {
    for (const Form& form : forms()) {
        NOTE("form", form.name);
        const DbfType type = form.snapshot->type();
        const std::uint32_t count = form.snapshot->count();
        Builder padded = form.wire;
        padded.pad();
        const auto encoded = wire::encode(*form.snapshot, plain_dbr(type), count);
        CHECK(encoded.status == EcaStatus{ECA_NORMAL});
        CHECK(hex(encoded.bytes) == hex(padded.bytes()));

        for (const Bytes& payload : {form.wire.bytes(), padded.bytes()}) {
            const auto back =
                wire::decode(static_cast<int>(type), count, payload, type, count);
            CHECK(back.status == EcaStatus{ECA_NORMAL});
            REQUIRE(static_cast<bool>(back.snapshot));
            CHECK(back.snapshot->type() == type);
            CHECK(back.snapshot->count() == count);
            REQUIRE(back.snapshot->size_bytes() == form.snapshot->size_bytes());
            CHECK(std::memcmp(back.snapshot->data(), form.snapshot->data(),
                              form.snapshot->size_bytes()) == 0);
        }
    }
}

TEST_CASE("decode: elements that are taken as they come need no metadata") {
    for (const Form& form : forms()) {
        NOTE("form", form.name);
        const DbfType type = form.snapshot->type();
        const DbrType plain{static_cast<std::uint16_t>(plain_dbr(type))};
        CHECK(needs_no_states(plain, type) == (type != DbfType::String));
        CHECK(!needs_no_states(DbrType{0}, type));
        if (!needs_no_states(plain, type)) continue;
        const std::uint32_t count = form.snapshot->count();
        const auto got =
            decode(plain, count, form.wire.bytes(), {type, count, nullptr});
        CHECK(got.status == EcaStatus{ECA_NORMAL});
        CHECK(std::memcmp(got.snapshot->data(), form.snapshot->data(),
                          form.snapshot->size_bytes()) == 0);
    }
}

TEST_CASE("decode, encode: long arrays of every type, both ways") {
    for (int type = 1; type <= 6; ++type) {
        NOTE("type", type);
        const auto dbf = static_cast<DbfType>(type);
        std::vector<double> values(1003);
        Builder expected;
        for (std::size_t i = 0; i < values.size(); ++i) {
            values[i] = static_cast<double>(i % 251);
            expected.number(dbf, values[i]);
        }
        const auto made = wire::numbers(dbf, values);
        const auto back = wire::decode(type, 1003, expected.bytes(), dbf, 2000);
        REQUIRE(static_cast<bool>(back.snapshot));
        CHECK(std::memcmp(back.snapshot->data(), made->data(), made->size_bytes()) ==
              0);
        expected.pad();
        CHECK(hex(wire::encode(*made, type, 1003).bytes) == hex(expected.bytes()));
    }
}

TEST_CASE("decode, encode: each element of a long array is converted") {
    constexpr int kMany = 3000;
    std::vector<double> values;
    Builder shorts, longs;
    for (int i = 0; i < kMany; ++i) {
        values.push_back(i * 7 % 3001);
        shorts.i16(i * 7 % 3001);
        longs.i32(i * 7 % 3001);
    }
    shorts.pad();
    longs.pad();
    const auto doubles = wire::numbers(DbfType::Double, values);
    CHECK(wire::encode(*doubles, 1, kMany).bytes == shorts.bytes());
    CHECK(wire::encode(*doubles, 5, kMany).bytes == longs.bytes());
    for (const auto& [type, sent] :
         {std::pair(1, shorts.bytes()), {5, longs.bytes()}}) {
        NOTE("type", type);
        const auto got = wire::decode(type, kMany, sent, DbfType::Double, kMany);
        CHECK(wire::values<double>(got) == values);
    }
}

TEST_CASE("decode: only plain types are taken") {
    const Bytes payload(800);
    for (int type = 7; type < 65536; ++type) {
        NOTE("type", type);
        const auto got = wire::decode(type, 1, payload, DbfType::Double);
        CHECK(got.status == EcaStatus{ECA_BADTYPE});
        CHECK(!got.snapshot);
    }
}

TEST_CASE("decode: counts that are zero, too large or not covered by the payload") {
    const auto before = living(Counted::Snapshot);
    for (int type = 0; type <= 6; ++type) {
        for (int to = 0; to <= 6; ++to) {
            NOTE("type", type);
            NOTE("to", to);
            const auto dbf = static_cast<DbfType>(to);
            const Bytes payload(40);
            const auto status = [&](std::uint32_t count, const Bytes& from,
                                    std::uint32_t most) {
                return wire::decode(type, count, from, dbf, most).status;
            };
            constexpr std::uint32_t kMost = 0xffffffff;
            CHECK(status(0, payload, 1) == EcaStatus{ECA_BADCOUNT});
            CHECK(status(2, Bytes(80), 1) == EcaStatus{ECA_BADCOUNT});
            CHECK(status(1, {}, 1) == EcaStatus{ECA_BADCOUNT});
            CHECK(status(1, {}, 10) == EcaStatus{ECA_BADCOUNT});
            CHECK(status(41, payload, 50) == EcaStatus{ECA_BADCOUNT});
            for (const auto count : {0x7fffffffu, 0x20000001u, 0xffffffffu}) {
                CHECK(status(count, payload, 1) == EcaStatus{ECA_BADCOUNT});
                CHECK(status(count, payload, kMost) == EcaStatus{ECA_BADCOUNT});
                CHECK(status(count, Bytes(8), kMost) == EcaStatus{ECA_BADCOUNT});
            }
            if (type == 0 && (to == 3 || to == 4)) continue;  // text; no state ""
            CHECK(status(1, Bytes(800), 1) == EcaStatus{ECA_NORMAL});  // extra bytes
        }
    }
    CHECK(living(Counted::Snapshot) == before);
}

TEST_CASE("decode: an array may be emptied") {
    for (int type = 0; type <= 6; ++type) {
        const auto got = wire::decode(type, 0, {}, DbfType::Double, 5);
        CHECK(got.status == EcaStatus{ECA_NORMAL});
        REQUIRE(static_cast<bool>(got.snapshot));
        CHECK(got.snapshot->count() == 0u);
    }
}

TEST_CASE("decode: one byte less than the count needs is too short") {
    for (int type = 1; type <= 6; ++type) {
        NOTE("type", type);
        const auto dbf = static_cast<DbfType>(type);
        const std::size_t need = 3 * element_size(dbf);
        CHECK(wire::decode(type, 3, Bytes(need), dbf, 3).status ==
              EcaStatus{ECA_NORMAL});
        CHECK(wire::decode(type, 3, Bytes(need - 1), dbf, 3).status ==
              EcaStatus{ECA_BADCOUNT});
    }
    CHECK(wire::decode(0, 2, Bytes(79), DbfType::String, 2).status ==
          EcaStatus{ECA_BADCOUNT});
}

TEST_CASE("decode: a single string may be short and needs no NUL") {
    for (std::size_t size = 1; size <= 48; ++size) {
        NOTE("size", size);
        Builder sent;
        sent.raw(std::string(size, 'A'));
        const auto got = wire::decode(0, 1, sent.bytes(), DbfType::String);
        CHECK(got.status == EcaStatus{ECA_NORMAL});
        REQUIRE(static_cast<bool>(got.snapshot));
        const std::size_t length = std::min<std::size_t>(size, 39);
        CHECK(wire::slot_text(got.snapshot->data()) == std::string(length, 'A'));
        for (std::size_t i = length; i < 40; ++i) {
            CHECK(got.snapshot->data()[i] == std::byte{0});
        }
    }
}

TEST_CASE("decode: what follows a string's NUL is not kept") {
    Builder sent;
    sent.raw(std::string("ab\0secret", 9)).zeros(31).raw(std::string(40, 'B'));
    const auto got = wire::decode(0, 2, sent.bytes(), DbfType::String, 2);
    REQUIRE(static_cast<bool>(got.snapshot));
    const Bytes kept(got.snapshot->data(), got.snapshot->data() + 80);
    CHECK(hex(kept) ==
          hex(Builder().text("ab", 40).text(std::string(39, 'B'), 40).bytes()));
}

TEST_CASE("decode: text for an array of characters") {
    const auto text = [](std::string_view sent, std::uint32_t most) {
        const auto got = wire::decode(0, 1, Builder().raw(sent).zeros(1).bytes(),
                                      DbfType::Char, most);
        if (got.status != EcaStatus{ECA_NORMAL}) return std::string("refused");
        const auto chars = wire::values<std::uint8_t>(got);
        return std::string(chars.begin(), chars.end());
    };
    CHECK(text("hello", 50) == std::string("hello\0", 6));
    CHECK(text("hello", 6) == std::string("hello\0", 6));
    CHECK(text("hello", 5) == "hello");
    CHECK(text("hello", 4) == "refused");
    CHECK(text("", 50) == std::string("\0", 1));
    CHECK(text(std::string(60, 'x'), 50) ==
          std::string(39, 'x') + std::string(1, '\0'));
    CHECK(text("65", 1) == "A");  // a single CHAR is a number
    // Several strings are several numbers.
    const auto many = wire::decode(
        0, 2, Builder().text("65", 40).text("66", 40).bytes(), DbfType::Char, 50);
    CHECK(wire::values<std::uint8_t>(many) == std::vector<std::uint8_t>({65, 66}));
}

TEST_CASE("decode: enum by label, by index, by an empty label") {
    const auto metadata =
        wire::with_states({"off", "on", "", "1", std::string(30, 'l')});
    const auto index = [&](std::string_view sent) {
        const auto got = wire::decode(0, 1, Builder().text(sent, 40).bytes(),
                                      DbfType::Enum, 1, metadata);
        if (!got.snapshot) return got.status == EcaStatus{ECA_PUTFAIL} ? -1 : -2;
        return static_cast<int>(got.snapshot->elements<std::uint16_t>()[0]);
    };
    CHECK(index("off") == 0);
    CHECK(index("on") == 1);
    CHECK(index("") == 2);
    CHECK(index("1") == 3);  // a label comes before a number
    CHECK(index("0") == 0);
    CHECK(index("4") == 4);
    CHECK(index(std::string(25, 'l')) == 4);  // as clients were told it
    CHECK(index("ON") == -1);
    CHECK(index("of") == -1);
    CHECK(index("off ") == -1);
    CHECK(index("5") == -1);
    CHECK(index("65536") == -1);
    CHECK(index("-1") == -1);
    CHECK(index("none") == -1);
}

TEST_CASE("decode: enum by number, which need not be the index of a state") {
    const auto metadata = wire::with_states({"off", "on", "fault"});
    const auto stored = [&](int type, const Bytes& sent) {
        const auto got = wire::decode(type, 1, sent, DbfType::Enum, 1, metadata);
        return wire::values<std::uint16_t>(got);
    };
    const auto one = [](int value) {
        return std::vector{static_cast<std::uint16_t>(value)};
    };
    for (int type = 1; type <= 6; ++type) {
        NOTE("type", type);
        const auto dbf = static_cast<DbfType>(type);
        for (const double value : {0.0, 2.0, 3.0, 200.0}) {
            NOTE("value", value);
            const Bytes sent = Builder().number(dbf, value).bytes();
            CHECK(stored(type, sent) == one(static_cast<int>(value)));
        }
    }
    for (const double value : {-1.0, -1.9, 65535.0, 1e30, -3e9, -double{INFINITY}}) {
        NOTE("value", value);
        CHECK(stored(6, Builder().f64(value).bytes()) == one(65535));
    }
    CHECK(stored(6, Builder().f64(-4).bytes()) == one(65532));
    CHECK(stored(6, Builder().f64(-0.9).bytes()) == one(0));
    CHECK(stored(6, Builder().f64(double{NAN}).bytes()) == one(0));
    CHECK(stored(3, Builder().u16(65535).bytes()) == one(65535));
}

TEST_CASE("decode: one element that does not convert fails the array") {
    const auto before = living(Counted::Snapshot);
    const Bytes sent = Builder().text("1", 40).text("x", 40).text("3", 40).bytes();
    for (int to = 1; to <= 6; ++to) {
        NOTE("to", to);
        const auto got = wire::decode(0, 3, sent, static_cast<DbfType>(to), 3);
        CHECK(got.status == EcaStatus{ECA_PUTFAIL});
        CHECK(!got.snapshot);
    }
    CHECK(living(Counted::Snapshot) == before);
}
