#include <arpa/inet.h>
#include <sys/socket.h>

#include <array>
#include <cstring>
#include <vector>

#include "check.hpp"
#include "dbr/codec.hpp"
#include "net/sockets.hpp"
#include "net/unique_fd.hpp"
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

TEST_CASE("output: text that is made on the way comes in its place") {
    Pair pair;
    Output output;
    constexpr std::uint32_t kCount = 5000;
    constexpr std::size_t kSize = kCount * kStringSize;
    Ref<Snapshot> snapshot = Snapshot::create(DbfType::Long, kCount);
    const SnapshotPtr shared = snapshot;
    std::vector<std::byte> expected(16, std::byte{1});
    for (int copy = 0; copy < 2; ++copy) {
        expected.resize(expected.size() + kSize);
        encode(*shared, DbrType{0}, kCount, std::span(expected).last(kSize));
    }
    expected.insert(expected.end(), 16, std::byte{2});
    std::memset(output.append(16), 1, 16);
    output.append(TextStream(shared, DbrType{0}, kCount));
    output.append(TextStream(shared, DbrType{0}, kCount));
    std::memset(output.append(16), 2, 16);
    CHECK(output.bytes() == expected.size());
    CHECK(output.held() == 32 + 2 * shared->size_bytes());
    std::vector<std::byte> arrived;
    int pieces = 0;
    for (;;) {
        const Output::Sent sent = output.send(pair.writer.get());
        if (sent == Output::Sent::All) break;
        REQUIRE(sent != Output::Sent::Failed);
        if (sent == Output::Sent::Unmade) {
            ++pieces;
            output.make();
        }
        CHECK(output.held() <= 2 * Output::kMade + 32 + 2 * shared->size_bytes());
        pair.read_all(arrived);
    }
    pair.read_all(arrived);
    CHECK(pieces >= 2 * static_cast<int>(kSize / Output::kMade));
    CHECK(output.held() == 0u);
    CHECK(arrived == expected);
}

TEST_CASE("output: text that is never made leaves nothing") {
    Output output;
    const SnapshotPtr snapshot = Snapshot::create(DbfType::Double, 1000);
    output.append(TextStream(snapshot, DbrType{0}, 1000));
    output.append(16);
    output.clear();
    CHECK(output.bytes() == 0u);
    CHECK(output.held() == 0u);
    CHECK(snapshot->sole_ref());
}

namespace {

// The two ends of a connection over TCP.
struct Connection {
    explicit Connection(const char* from) : client(::socket(AF_INET, SOCK_STREAM, 0)) {
        const UniqueSocket listener = listen_tcp(address("127.0.0.1").sin_addr, 0);
        const sockaddr_in own = address(from);
        REQUIRE(::bind(client.get(), reinterpret_cast<const sockaddr*>(&own),
                       sizeof own) == 0);
        sockaddr_in to = address("127.0.0.1");
        to.sin_port = htons(local_port(listener.get()));
        REQUIRE(::connect(client.get(), reinterpret_cast<const sockaddr*>(&to),
                          sizeof to) == 0);
        sockaddr_in peer{};
        bool exhausted = false;
        server = accept_tcp(listener.get(), peer, exhausted);
        REQUIRE(static_cast<bool>(server));
    }
    static sockaddr_in address(const char* text) {
        sockaddr_in found{};
        found.sin_family = AF_INET;
        REQUIRE(::inet_pton(AF_INET, text, &found.sin_addr) == 1);
        return found;
    }
    UniqueSocket client, server;
};

int send_buffer(SOCKET fd) {
    int size = 0;
    socklen_t length = sizeof size;
    REQUIRE(::getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, &length) == 0);
    return size;
}

}  // namespace

TEST_CASE("sockets: of bulk to this host a bounded part is under way") {
    const Connection here("127.0.0.1");
    const int before = send_buffer(here.server.get());
    tune_bulk(here.server.get());
    const int after = send_buffer(here.server.get());
    CHECK(after != before);
    CHECK(after <= 2 * 512 * 1024);
}

TEST_CASE("sockets: what is under way to another host is the system's affair") {
    const Connection elsewhere("127.0.0.2");
    const int before = send_buffer(elsewhere.server.get());
    tune_bulk(elsewhere.server.get());
    CHECK(send_buffer(elsewhere.server.get()) == before);
}
