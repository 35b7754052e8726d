// The tables of types against the protocol's numbers, typed here once more.
#include "wire.hpp"

using namespace pcas;

namespace {

struct Row {
    int id;
    DbrFamily family;
    DbfType element;
    std::size_t offset;
    std::size_t size;
};

constexpr DbfType kString = DbfType::String, kShort = DbfType::Short,
                  kFloat = DbfType::Float, kEnum = DbfType::Enum, kChar = DbfType::Char,
                  kLong = DbfType::Long, kDouble = DbfType::Double;

constexpr Row kRows[] = {
    {0, DbrFamily::Plain, kString, 0, 40},  {1, DbrFamily::Plain, kShort, 0, 2},
    {2, DbrFamily::Plain, kFloat, 0, 4},    {3, DbrFamily::Plain, kEnum, 0, 2},
    {4, DbrFamily::Plain, kChar, 0, 1},     {5, DbrFamily::Plain, kLong, 0, 4},
    {6, DbrFamily::Plain, kDouble, 0, 8},   {7, DbrFamily::Sts, kString, 4, 44},
    {8, DbrFamily::Sts, kShort, 4, 6},      {9, DbrFamily::Sts, kFloat, 4, 8},
    {10, DbrFamily::Sts, kEnum, 4, 6},      {11, DbrFamily::Sts, kChar, 5, 6},
    {12, DbrFamily::Sts, kLong, 4, 8},      {13, DbrFamily::Sts, kDouble, 8, 16},
    {14, DbrFamily::Time, kString, 12, 52}, {15, DbrFamily::Time, kShort, 14, 16},
    {16, DbrFamily::Time, kFloat, 12, 16},  {17, DbrFamily::Time, kEnum, 14, 16},
    {18, DbrFamily::Time, kChar, 15, 16},   {19, DbrFamily::Time, kLong, 12, 16},
    {20, DbrFamily::Time, kDouble, 16, 24}, {21, DbrFamily::Gr, kString, 4, 44},
    {22, DbrFamily::Gr, kShort, 24, 26},    {23, DbrFamily::Gr, kFloat, 40, 44},
    {24, DbrFamily::Gr, kEnum, 422, 424},   {25, DbrFamily::Gr, kChar, 19, 20},
    {26, DbrFamily::Gr, kLong, 36, 40},     {27, DbrFamily::Gr, kDouble, 64, 72},
    {28, DbrFamily::Ctrl, kString, 4, 44},  {29, DbrFamily::Ctrl, kShort, 28, 30},
    {30, DbrFamily::Ctrl, kFloat, 48, 52},  {31, DbrFamily::Ctrl, kEnum, 422, 424},
    {32, DbrFamily::Ctrl, kChar, 21, 22},   {33, DbrFamily::Ctrl, kLong, 44, 48},
    {34, DbrFamily::Ctrl, kDouble, 80, 88}, {35, DbrFamily::Plain, kShort, 0, 2},
    {36, DbrFamily::Plain, kShort, 0, 2},   {37, DbrFamily::Sts, kString, 8, 48},
    {38, DbrFamily::Plain, kString, 0, 40},
};

DbrType dbr(int id) { return DbrType{static_cast<std::uint16_t>(id)}; }

}  // namespace

TEST_CASE("types: offsets, sizes, families and elements of all 39") {
    int id = 0;
    for (const Row& row : kRows) {
        NOTE("type", row.id);
        CHECK(row.id == id++);
        CHECK(family(dbr(row.id)) == row.family);
        CHECK(element_type(dbr(row.id)) == row.element);
        CHECK(value_offset(dbr(row.id)) == row.offset);
        CHECK(dbr_size(dbr(row.id), 1) == row.size);
        CHECK(dbr_size(dbr(row.id), 0) == row.offset);
        CHECK(dbr_size(dbr(row.id), 7) == row.offset + 7 * element_size(row.element));
    }
    CHECK(id == 39);
}

TEST_CASE("types: what may be read and written") {
    for (int id = 0; id < 65536; ++id) {
        NOTE("type", id);
        const bool readable = id <= 34 || id == 37 || id == 38;
        const bool writable = id <= 6 || id == 35 || id == 36;
        CHECK(is_readable(dbr(id)) == readable);
        CHECK(is_writable(dbr(id)) == writable);
        if (id > 38) CHECK(dbr_size(dbr(id), 0xffffffffu) == 0u);
    }
}

TEST_CASE("types: sizes are computed in 64 bits") {
    CHECK(dbr_size(dbr(6), 0x20000001u) == 0x100000008u);
    CHECK(dbr_size(dbr(6), 0xffffffffu) == 0x7fffffff8u);
    CHECK(dbr_size(dbr(34), 0x7fffffffu) == 80u + 0x3fffffff8u);
    CHECK(dbr_size(dbr(0), 0xffffffffu) == 40u * 0xffffffffull);
    CHECK(padded(0) == 0u);
    CHECK(padded(1) == 8u);
    CHECK(padded(8) == 8u);
    CHECK(padded(0xffffffffu) == 0x100000000u);
}
