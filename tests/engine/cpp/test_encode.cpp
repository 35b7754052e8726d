// Snapshot -> wire: layouts byte by byte, zeros where nothing is said, bad requests.
#include <caerr.h>

#include <array>
#include <cmath>
#include <limits>

#include "dbr/acknowledgement.hpp"
#include "dbr/text_stream.hpp"
#include "wire.hpp"

using namespace pcas;
using wire::Builder;
using wire::hex;

namespace {

constexpr double kLimits[] = {100, 1, 90, 80, 20, 10, 99, 2};

MetadataPtr full_metadata() {
    auto* m = new Metadata;
    m->units = "mm/s";
    m->precision = 3;
    m->string_precision = 2;
    m->upper_disp = kLimits[0];
    m->lower_disp = kLimits[1];
    m->upper_alarm = kLimits[2];
    m->upper_warning = kLimits[3];
    m->lower_warning = kLimits[4];
    m->lower_alarm = kLimits[5];
    m->upper_ctrl = kLimits[6];
    m->lower_ctrl = kLimits[7];
    return MetadataPtr(m);
}

const std::vector<std::string> kStates = {"off", "on", "", "a state of 26 characters"};

// A snapshot with three elements 1, 2, 3 ("1", "2", "3") and all that goes with them.
Ref<Snapshot> example(DbfType type, std::size_t n = 3) {
    std::vector<double> values = {1, 2, 3};
    values.resize(n);
    std::vector<std::string> texts = {"1", "2", "3"};
    texts.resize(n);
    auto made =
        type == DbfType::String ? wire::strings(texts) : wire::numbers(type, values);
    made->time = {0x01020304, 0x05060708};
    made->alarm = {0x0a0b, 0x0102};
    made->metadata =
        type == DbfType::Enum ? wire::with_states(kStates) : full_metadata();
    return made;
}

void put_graphic(Builder& out, DbfType element, int limits) {
    if (element == DbfType::String) return;
    if (element == DbfType::Enum) {
        out.u16(kStates.size());
        for (const auto& state : kStates) out.text(state, 26);
        out.zeros((16 - kStates.size()) * 26);
        return;
    }
    if (element == DbfType::Float || element == DbfType::Double) out.u16(3).zeros(2);
    out.text("mm/s", 8);
    for (int i = 0; i < limits; ++i) out.number(element, kLimits[i]);
    if (element == DbfType::Char) out.zeros(1);
}

// What goes ahead of the value, as the protocol's description says.
Builder expected_head(int type) {
    const int group = type / 7;
    const auto element = static_cast<DbfType>(type % 7);
    Builder out;
    if (group == 0) return out;
    out.u16(0x0a0b).u16(0x0102);
    if (group == 1) {
        if (element == DbfType::Char) out.zeros(1);
        if (element == DbfType::Double) out.zeros(4);
    } else if (group == 2) {
        out.u32(0x01020304).u32(0x05060708);
        if (element == DbfType::Short || element == DbfType::Enum) out.zeros(2);
        if (element == DbfType::Char) out.zeros(3);
        if (element == DbfType::Double) out.zeros(4);
    } else {
        put_graphic(out, element, group == 3 ? 6 : 8);
    }
    return out;
}

void put_elements(Builder& out, DbfType element, std::uint32_t count, std::uint32_t n) {
    for (std::uint32_t i = 0; i < count; ++i) {
        if (i >= n) {
            out.zeros(element_size(element));
        } else if (element == DbfType::String) {
            out.text(std::to_string(i + 1), 40);
        } else {
            out.number(element, i + 1);
        }
    }
    out.pad();
}

}  // namespace

TEST_CASE("encode: all layouts, as scalar, array, cut, filled with zeros and empty") {
    for (int type = 0; type <= 34; ++type) {
        NOTE("type", type);
        const auto element = static_cast<DbfType>(type % 7);
        for (const std::uint32_t available : {0u, 1u, 3u}) {
            NOTE("available", available);
            const auto snapshot = example(element, available);
            for (const std::uint32_t count : {0u, 1u, 2u, 3u, 4u, 5u, 12u, 100u}) {
                NOTE("count", count);
                Builder expected = expected_head(type);
                put_elements(expected, element, count, available);
                const auto got = wire::encode(*snapshot, type, count);
                CHECK(got.status == EcaStatus{ECA_NORMAL});
                CHECK(hex(got.bytes) == hex(expected.bytes()));
            }
        }
    }
}

TEST_CASE("encode: STSACK_STRING") {
    Builder expected;
    expected.u16(0x0a0b).u16(0x0102).u16(1).u16(0).text("1.00", 40);
    auto got = wire::encode(*example(DbfType::Double), 37, 1);
    CHECK(got.status == EcaStatus{ECA_NORMAL});
    CHECK(hex(got.bytes) == hex(expected.bytes()));

    Builder told;
    told.u16(0x0a0b).u16(0x0102).u16(0).u16(2).text("1.00", 40);
    put_acknowledgement(got.bytes, {false, 2});
    CHECK(hex(got.bytes) == hex(told.bytes()));
}

TEST_CASE("encode: CLASS_NAME") {
    Builder expected;
    expected.text("pcaspy", 40).zeros(40);
    const auto got = wire::encode(*example(DbfType::Double), 38, 2);
    CHECK(got.status == EcaStatus{ECA_NORMAL});
    CHECK(hex(got.bytes) == hex(expected.bytes()));
    CHECK(wire::encode(*example(DbfType::Double), 38, 0).bytes.size() == 0u);
}

TEST_CASE("encode: types that cannot be read leave zeros") {
    const auto snapshot = example(DbfType::Double);
    for (const int type : {35, 36, 39, 40, 255, 256, 32768, 65535}) {
        NOTE("type", type);
        std::array<std::byte, 24> out;
        out.fill(std::byte{0xaa});
        const DbrType dbr{static_cast<std::uint16_t>(type)};
        const EcaStatus expected = type <= 36 ? ECA_GETFAIL : ECA_BADTYPE;
        CHECK(encode(*snapshot, dbr, 1, out) == expected);
        for (const auto b : out) CHECK(b == std::byte{0});
    }
}

TEST_CASE("encode: counts beyond the buffer are refused") {
    const auto snapshot = example(DbfType::Double);
    for (int type = 0; type <= 38; ++type) {
        if (type == 35 || type == 36) continue;
        const DbrType dbr{static_cast<std::uint16_t>(type)};
        for (const std::uint32_t count :
             {0x7fffffffu, 0x20000001u, 0xffffffffu, 100u}) {
            NOTE("type", type);
            NOTE("count", count);
            std::array<std::byte, 88> out;
            out.fill(std::byte{0xaa});
            CHECK(encode(*snapshot, dbr, count, out) == EcaStatus{ECA_TOLARGE});
            for (const auto b : out) CHECK(b == std::byte{0});
            CHECK(encode(*snapshot, dbr, count, {}) == EcaStatus{ECA_TOLARGE});
        }
    }
}

TEST_CASE("encode: a buffer without room for the padding is refused") {
    const auto snapshot = example(DbfType::Double);
    for (int type = 0; type <= 38; ++type) {
        if (type == 35 || type == 36) continue;
        NOTE("type", type);
        const DbrType dbr{static_cast<std::uint16_t>(type)};
        const auto size = static_cast<std::size_t>(padded(dbr_size(dbr, 1)));
        std::vector<std::byte> out(size, std::byte{0xaa});
        CHECK(encode(*snapshot, dbr, 1, std::span(out).first(size - 1)) ==
              EcaStatus{ECA_TOLARGE});
        CHECK(out.back() == std::byte{0xaa});
        CHECK(encode(*snapshot, dbr, 1, out) == EcaStatus{ECA_NORMAL});
    }
}

TEST_CASE("encode: a buffer longer than needed ends in zeros") {
    const auto empty = wire::snapshot<double>(DbfType::Double, {});
    std::array<std::byte, 8> out;
    out.fill(std::byte{0xaa});
    CHECK(encode(*empty, DbrType{6}, 0, out) == EcaStatus{ECA_NORMAL});
    for (const auto b : out) CHECK(b == std::byte{0});

    std::array<std::byte, 64> longer;
    longer.fill(std::byte{0xaa});
    CHECK(encode(*example(DbfType::Double), DbrType{20}, 1, longer) ==
          EcaStatus{ECA_NORMAL});
    for (std::size_t i = 24; i < longer.size(); ++i) CHECK(longer[i] == std::byte{0});
}

TEST_CASE("encode: units and states are cut, also without a NUL to spare") {
    auto snapshot = wire::numbers(DbfType::Long, {7});
    auto* m = new Metadata;
    m->units = "metres per second";
    snapshot->metadata = MetadataPtr(m);
    Builder expected;
    expected.u16(17).u16(3).text("metres ", 8).zeros(24).u32(7);
    CHECK(hex(wire::encode(*snapshot, 26, 1).bytes) == hex(expected.bytes()));

    auto state = wire::numbers(DbfType::Enum, {0});
    state->metadata =
        wire::with_states(std::vector<std::string>(20, std::string(40, 's')));
    Builder states;
    states.u16(17).u16(3).u16(16);
    for (int i = 0; i < 16; ++i) states.text(std::string(25, 's'), 26);
    states.u16(0);
    CHECK(hex(wire::encode(*state, 31, 1).bytes) == hex(states.bytes()));
    CHECK(hex(wire::encode(*state, 0, 1).bytes) ==
          hex(Builder().text(std::string(25, 's'), 40).bytes()));
}

TEST_CASE("encode: limits that do not exist are NaN in floats, 0 in integers") {
    const auto snapshot = wire::numbers(DbfType::Double, {1});
    snapshot->alarm = {0, 0};
    const double nan = snapshot->metadata->upper_alarm;
    Builder doubles;
    doubles.zeros(4).u16(0).zeros(2).zeros(8).f64(0).f64(0);
    for (int i = 0; i < 4; ++i) doubles.f64(nan);
    doubles.f64(0).f64(0).f64(1);
    CHECK(hex(wire::encode(*snapshot, 34, 1).bytes) == hex(doubles.bytes()));

    const auto floats = wire::encode(*snapshot, 23, 1);
    for (std::size_t i = 24; i < 40; i += 4) {
        CHECK((floats.bytes[i] & std::byte{0x7f}) == std::byte{0x7f});
        CHECK((floats.bytes[i + 1] & std::byte{0xc0}) == std::byte{0xc0});
    }
    Builder longs;
    longs.zeros(4 + 8 + 8 * 4).u32(1);
    CHECK(hex(wire::encode(*snapshot, 33, 1).bytes) == hex(longs.bytes()));
}

TEST_CASE("encode: integer limits are clamped") {
    auto snapshot = wire::numbers(DbfType::Double, {1});
    auto* m = new Metadata;
    m->upper_disp = 1e300;
    m->lower_disp = -1e300;
    m->upper_alarm = INFINITY;
    m->upper_warning = 255.9;
    m->lower_warning = -0.9;
    m->lower_alarm = -INFINITY;
    snapshot->metadata = MetadataPtr(m);
    snapshot->alarm = {0, 0};
    Builder chars;
    chars.zeros(12).u8(255).u8(0).u8(255).u8(255).u8(0).u8(0).zeros(1).u8(1).pad();
    CHECK(hex(wire::encode(*snapshot, 25, 1).bytes) == hex(chars.bytes()));
    Builder shorts;
    shorts.zeros(12).i16(32767).i16(-32768).i16(32767).i16(255).i16(0).i16(-32768);
    shorts.i16(1).pad();
    CHECK(hex(wire::encode(*snapshot, 22, 1).bytes) == hex(shorts.bytes()));
    Builder longs;
    longs.zeros(12).i32(2147483647).i32(-2147483648ll).i32(2147483647).i32(255).i32(0);
    longs.i32(-2147483648ll).i32(1).pad();
    CHECK(hex(wire::encode(*snapshot, 26, 1).bytes) == hex(longs.bytes()));
    constexpr float kMax = std::numeric_limits<float>::max();
    Builder floats;
    floats.zeros(16).f32(kMax).f32(-kMax).f32(INFINITY).f32(255.9f).f32(-0.9f);
    floats.f32(-INFINITY).f32(1).pad();
    CHECK(hex(wire::encode(*snapshot, 23, 1).bytes) == hex(floats.bytes()));
}

TEST_CASE("encode: the states of a number are none") {
    auto snapshot = wire::numbers(DbfType::Double, {1});
    snapshot->metadata = wire::with_states({"off", "on"});
    snapshot->alarm = {0, 0};
    CHECK(hex(wire::encode(*snapshot, 31, 1).bytes) ==
          hex(Builder().zeros(422).u16(1).bytes()));
    const auto beyond = wire::numbers(DbfType::Double, {5});
    beyond->metadata = snapshot->metadata;
    CHECK(hex(wire::encode(*beyond, 3, 1).bytes) ==
          hex(Builder().u16(5).pad().bytes()));
}

TEST_CASE("encode: text that is no number fails the whole read") {
    const auto snapshot = wire::strings({"1", "two", "3"});
    for (const int type : {1, 2, 3, 4, 5, 6, 13, 20, 27, 34}) {
        NOTE("type", type);
        const auto got = wire::encode(*snapshot, type, 3);
        CHECK(got.status == EcaStatus{ECA_GETFAIL});
        CHECK(hex(got.bytes) == hex(wire::Bytes(got.bytes.size())));
        CHECK(wire::encode(*snapshot, type, 1).status == EcaStatus{ECA_NORMAL});
    }
}

TEST_CASE("encode: a snapshot without metadata has none to tell") {
    auto snapshot = Snapshot::create(DbfType::Double, 1);
    for (int type = 0; type <= 34; ++type) {
        CHECK(wire::encode(*snapshot, type, 1).status == EcaStatus{ECA_NORMAL});
    }
}

TEST_CASE("text stream: piece by piece it is what encode() writes") {
    constexpr std::uint32_t kThere = 450;
    for (int element = 0; element < kDbfTypes; ++element) {
        const DbfType stored{static_cast<std::uint8_t>(element)};
        if (stored == DbfType::String) continue;
        std::vector<double> values(kThere);
        for (std::size_t i = 0; i < kThere; ++i) values[i] = static_cast<double>(i % 7);
        auto snapshot = wire::numbers(stored, values);
        snapshot->time = {0x01020304, 0x05060708};
        snapshot->alarm = {3, 2};
        snapshot->metadata =
            stored == DbfType::Enum ? wire::with_states(kStates) : full_metadata();
        const SnapshotPtr shared = snapshot;
        for (const std::uint16_t type :
             std::array<std::uint16_t, 6>{0, 7, 14, 21, 28, 37}) {
            for (const std::uint32_t count : {410u, kThere, 600u}) {
                NOTE("stored, type, count",
                     element * 10'000'000 + type * 10'000 + count);
                const DbrType wanted{type};
                REQUIRE(TextStream::suits(*shared, wanted, count));
                std::vector<std::byte> whole(
                    static_cast<std::size_t>(padded(dbr_size(wanted, count))));
                REQUIRE(encode(*shared, wanted, count, whole) == EcaStatus{ECA_NORMAL});
                for (const std::size_t size : {TextStream::kLeast, std::size_t{1000}}) {
                    TextStream stream(shared, wanted, count);
                    std::vector<std::byte> piece(size, std::byte{0xee}), made;
                    while (const std::size_t n = stream.next(piece)) {
                        REQUIRE(n <= size);
                        made.insert(made.end(), piece.begin(),
                                    piece.begin() + static_cast<std::ptrdiff_t>(n));
                    }
                    CHECK(stream.left() == 0u);
                    CHECK(made == whole);
                }
            }
        }
    }
}

TEST_CASE("text stream: only for what is long, text, and stored otherwise") {
    const auto numbers = wire::numbers(DbfType::Long, std::vector<double>(1000));
    const auto texts = wire::strings(std::vector<std::string>(1000));
    CHECK(TextStream::suits(*numbers, DbrType{0}, 1000));
    CHECK(!TextStream::suits(*numbers, DbrType{0}, 400));
    CHECK(!TextStream::suits(*numbers, DbrType{5}, 100'000));
    CHECK(!TextStream::suits(*texts, DbrType{0}, 1000));
    CHECK(!TextStream::suits(*numbers, kDbrClassName, 1000));
    CHECK(!TextStream::suits(*numbers, DbrType{39}, 1000));
}
