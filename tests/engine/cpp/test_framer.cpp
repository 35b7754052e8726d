// Bytes <-> messages: one table used whole, byte by byte and split in two anywhere.
#include <string>
#include <vector>

#include "check.hpp"
#include "proto/framer.hpp"
#include "proto/header.hpp"
#include "wire.hpp"

using namespace pcas;

namespace {

using Bytes = std::vector<std::byte>;

struct Seen {
    std::uint16_t command;
    std::uint32_t payload_size, count, p1, p2;
    std::string payload;
    bool dropped;
    bool operator==(const Seen&) const = default;
};

class Allow final : public PayloadPolicy {
  public:
    explicit Allow(std::uint64_t bytes) : bytes_(bytes) {}
    std::uint64_t allowed_payload(const Header&) const noexcept override {
        return bytes_;
    }

  private:
    std::uint64_t bytes_;
};

Bytes message(std::uint16_t command, std::uint32_t count, const std::string& payload) {
    Header header;
    header.command = command;
    header.type = 6;
    header.payload_size = static_cast<std::uint32_t>(payload.size());
    header.count = count;
    header.p1 = 0x01020304;
    header.p2 = 0xfffefdfc;
    Bytes out(kExtendedHeaderSize + payload.size());
    const std::size_t head = write_header(out.data(), header);
    for (std::size_t i = 0; i < payload.size(); ++i) {
        out[head + i] = static_cast<std::byte>(payload[i]);
    }
    out.resize(head + payload.size());
    return out;
}

std::vector<Seen> feed(Framer& framer, std::span<const std::byte> bytes) {
    std::vector<Seen> seen;
    framer.begin(bytes);
    Message m;
    while (framer.next(m)) {
        const Header& h = m.header;
        seen.push_back(
            {h.command,
             h.payload_size,
             h.count,
             h.p1,
             h.p2,
             {reinterpret_cast<const char*>(m.payload.data()), m.payload.size()},
             m.dropped});
    }
    framer.end();
    return seen;
}

Bytes stream() {
    Bytes out;
    for (const Bytes& m :
         {message(0, 13, ""), message(18, 0, std::string("name\0\0\0\0", 8)),
          message(15, 0x10000, ""), message(4, 1, std::string(64, 'x')),
          message(19, 9000, std::string(72000, 'y')), message(23, 0, "")}) {
        out.insert(out.end(), m.begin(), m.end());
    }
    return out;
}

}  // namespace

TEST_CASE("header: plain and extended forms read back as written") {
    struct Row {
        std::uint32_t payload_size, count;
        std::size_t size;
    };
    for (const Row& row :
         {Row{0, 0, 16}, Row{8, 1, 16}, Row{65528, 0xfffe, 16}, Row{0xffff, 1, 24},
          Row{8, 0xffff, 24}, Row{65536, 8192, 24}, Row{0xfffffff8, 0xffffffff, 24}}) {
        NOTE("size", row.payload_size);
        Header in, out;
        in.command = 15;
        in.type = 20;
        in.payload_size = row.payload_size;
        in.count = row.count;
        in.p1 = 1;
        in.p2 = 0x80000000;
        std::byte bytes[kExtendedHeaderSize];
        CHECK(write_header(bytes, in) == row.size);
        CHECK(!read_header(std::span(bytes).first(row.size - 1), out, true));
        REQUIRE(read_header(std::span(bytes).first(row.size), out, true));
        CHECK(out.payload_size == in.payload_size);
        CHECK(out.count == in.count);
        CHECK(out.p2 == in.p2);
        CHECK(out.size() == row.size);
    }
}

TEST_CASE("header: bytes of the two forms") {
    Header header;
    header.command = 15;
    header.type = 6;
    header.payload_size = 0x10008;
    header.count = 0x2001;
    header.p1 = 0x01020304;
    header.p2 = 0xfffefdfc;
    Bytes written(kExtendedHeaderSize);
    CHECK(write_header(written.data(), header) == written.size());
    const auto extended = [](unsigned short_count) {
        wire::Builder made;
        made.u16(15).u16(0xffff).u16(6).u16(short_count);
        return made.u32(0x01020304).u32(0xfffefdfc).u32(0x10008).u32(0x2001).bytes();
    };
    CHECK(wire::hex(written) == wire::hex(extended(0)));
    // The size alone makes it extended, whatever a client leaves in the count.
    for (const unsigned short_count : {0u, 1u, 0x2001u, 0xffffu}) {
        NOTE("short count", short_count);
        Header out;
        REQUIRE(read_header(extended(short_count), out, true));
        CHECK(out.extended);
        CHECK(out.payload_size == header.payload_size);
        CHECK(out.count == header.count);
    }
    // Datagrams have one form only.
    Header plain;
    REQUIRE(read_header(std::span(written).first(kHeaderSize), plain, false));
    CHECK(!plain.extended);
    CHECK(plain.payload_size == 0xffffu);
}

TEST_CASE("framer: whole, byte by byte and split anywhere give the same messages") {
    const Allow all(1 << 20);
    const Bytes bytes = stream();
    Framer whole(all, 1 << 20);
    const std::vector<Seen> expected = feed(whole, bytes);
    REQUIRE(expected.size() == 6u);
    CHECK(expected[1].payload == std::string("name\0\0\0\0", 8));
    CHECK(expected[2].count == 0x10000u);
    CHECK(expected[4].payload.size() == 72000u);
    CHECK(whole.kept() == 0u);
    CHECK(whole.position() == bytes.size());

    Framer slow(all, 1 << 20);
    std::vector<Seen> seen;
    for (const std::byte& b : bytes) {
        for (Seen& s : feed(slow, {&b, 1})) seen.push_back(std::move(s));
    }
    CHECK(seen == expected);

    for (std::size_t cut = 1; cut < bytes.size(); cut += cut < 300 ? 1 : 997) {
        NOTE("cut", cut);
        Framer framer(all, 1 << 20);
        seen = feed(framer, std::span(bytes).first(cut));
        for (Seen& s : feed(framer, std::span(bytes).subspan(cut))) {
            seen.push_back(std::move(s));
        }
        CHECK(seen == expected);
    }
}

TEST_CASE("framer: stopping between messages loses none") {
    const Allow all(1 << 20);
    const Bytes bytes = stream();
    Framer framer(all, 1 << 20);
    framer.begin(bytes);
    std::size_t n = 0;
    for (Message m; framer.next(m); framer.begin({})) {
        ++n;
        framer.end();
    }
    framer.end();
    CHECK(n == 6u);
    CHECK(framer.kept() == 0u);
}

TEST_CASE("framer: what is larger than allowed is skipped, not kept") {
    const Allow little(70000);
    Bytes bytes = message(19, 9000, std::string(72000, 'y'));
    const Bytes after = message(23, 7, "");
    bytes.insert(bytes.end(), after.begin(), after.end());
    Framer framer(little, 1 << 20);
    std::vector<Seen> seen;
    for (std::size_t at = 0; at < bytes.size(); at += 1000) {
        const auto part = std::span(bytes).subspan(at);
        for (Seen& s :
             feed(framer, part.first(std::min<std::size_t>(1000, part.size())))) {
            seen.push_back(std::move(s));
        }
        CHECK(framer.kept() <= 1000u);
    }
    REQUIRE(seen.size() == 2u);
    CHECK(seen[0].dropped);
    CHECK(seen[0].payload.empty());
    CHECK(seen[1].command == 23u);
    CHECK(framer.position() == bytes.size());
}

TEST_CASE("framer: an announcement allocates nothing and latches a fault") {
    const Allow little(0);
    for (const std::uint32_t size : {0xfffffff8u, 0x80000000u, 0x7ffffff8u}) {
        NOTE("size", size);
        Header header;
        header.command = 4;
        header.payload_size = size;
        std::byte bytes[kExtendedHeaderSize];
        write_header(bytes, header);
        Framer framer(little, 1 << 20);
        CHECK(feed(framer, bytes).empty());
        CHECK(framer.fault() == Fault::TooLarge);
        CHECK(framer.fault_header().payload_size == size);
        CHECK(feed(framer, message(23, 0, "")).empty());
    }
}

TEST_CASE("framer: what is no command of Channel Access is a fault") {
    const Allow all(1 << 20);
    constexpr std::uint16_t kLast = 27;  // SERVER_DISCONN
    Framer framer(all, 1 << 20);
    CHECK(feed(framer, message(kLast, 0, "")).size() == 1u);
    CHECK(framer.fault() == Fault::None);
    CHECK(feed(framer, message(kLast + 1, 0, "")).empty());
    CHECK(framer.fault() == Fault::BadCommand);
}

TEST_CASE("framer: memory for a large message goes with it") {
    const Allow all(1 << 20);
    const Bytes large = message(19, 9000, std::string(72000, 'y'));
    Framer framer(all, 1 << 20);
    CHECK(feed(framer, std::span(large).first(60000)).empty());
    CHECK(framer.capacity() >= 60000u);
    CHECK(feed(framer, std::span(large).subspan(60000)).size() == 1u);
    CHECK(framer.capacity() <= Framer::kKeepCapacity);
}

TEST_CASE("framer: a payload size that is no multiple of 8 is a fault") {
    const Allow all(1 << 20);
    Framer framer(all, 1 << 20);
    Header header;
    header.command = 15;
    header.payload_size = 12;
    std::byte bytes[kExtendedHeaderSize];
    const std::size_t size = write_header(bytes, header);
    CHECK(feed(framer, std::span(bytes).first(size)).empty());
    CHECK(framer.fault() == Fault::Misaligned);
}
