#include <sys/socket.h>

#include <array>
#include <cstring>
#include <vector>

#include "base/unique_fd.hpp"
#include "check.hpp"
#include "server/net.hpp"
#include "server/output.hpp"

using namespace pcas;

namespace {

// A socket that is written to and the one that reads what came.
struct Pair {
    Pair() {
        std::array<int, 2> fds{};
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, fds.data()) == 0);
        writer = UniqueSocket(fds[0]);
        reader = UniqueSocket(fds[1]);
        const int small = 4096;  // so that it is full soon
        ::setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
        set_nonblocking(fds[0]);
        set_nonblocking(fds[1]);
    }
    void read_all(std::vector<std::byte>& into) {
        std::array<std::byte, 65536> bytes;
        for (;;) {
            const ReceiveResult got = receive(reader.get(), bytes);
            if (got.state != ReceiveResult::Data) return;
            into.insert(into.end(), bytes.begin(), bytes.begin() + got.bytes);
        }
    }
    UniqueSocket writer, reader;
};

// Appends the next `size` bytes of one long row of numbers.
struct Writer {
    Output output;
    unsigned next = 0;
    std::byte at(unsigned i) const { return static_cast<std::byte>(i * 7 % 251); }
    void fill(std::byte* to, std::size_t size) {
        for (std::size_t i = 0; i < size; ++i) to[i] = at(next++);
    }
    void append(std::size_t size) { fill(output.append(size), size); }
    void append_shared(std::size_t size) {
        Ref<Buffer> buffer = Buffer::create(size);
        fill(buffer->data(), size);
        output.append(std::move(buffer));
    }
};

}  // namespace

TEST_CASE("output: a row of pieces of all sizes arrives as it was written") {
    Pair pair;
    Writer w;
    std::vector<std::byte> arrived;
    bool blocked = false;
    for (unsigned round = 0; round < 300; ++round) {
        w.append(16 + round % 50 * 8);
        if (round % 7 == 0) w.append_shared(4096 + round * 8);
        if (round % 11 == 0) {
            std::memset(w.output.append(40), 0xee, 40);
            w.output.take_back(40);
        }
        if (round % 13 == 0) w.append(70'000);  // more than a chunk
        if (round % 5 == 0) {
            blocked |= w.output.send(pair.writer.get()) == Output::Sent::Blocked;
        }
        if (round % 17 == 0) pair.read_all(arrived);
    }
    while (w.output.send(pair.writer.get()) == Output::Sent::Blocked) {
        pair.read_all(arrived);
    }
    pair.read_all(arrived);
    CHECK(blocked);
    CHECK(w.output.empty());
    REQUIRE(arrived.size() == w.next);
    bool same = true;
    for (unsigned i = 0; i < w.next; ++i) same &= arrived[i] == w.at(i);
    CHECK(same);
}

TEST_CASE("output: what was taken back leaves nothing") {
    Pair pair;
    Output output;
    output.append(5000);
    output.take_back(5000);
    CHECK(output.empty());
    CHECK(output.send(pair.writer.get()) == Output::Sent::All);
    output.append(16);
    output.clear();
    CHECK(output.empty());
    CHECK(output.bytes() == 0u);
    std::memset(output.append(16), 1, 16);
    CHECK(output.send(pair.writer.get()) == Output::Sent::All);
    std::vector<std::byte> arrived;
    pair.read_all(arrived);
    CHECK(arrived.size() == 16u);
}
