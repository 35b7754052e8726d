// A loop whose turns the test takes, PVs on it, and clients at the other end of
// sockets.
#pragma once

#include <caProto.h>
#include <caerr.h>
#include <db_access.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/byte_order.hpp"
#include "check.hpp"
#include "loop_driver.hpp"
#include "proto/framer.hpp"

namespace served {

using namespace pcas;

using Bytes = std::vector<std::byte>;

inline Bytes message(std::uint16_t command, std::uint16_t type, std::uint32_t count,
                     std::uint32_t p1, std::uint32_t p2,
                     std::string_view payload = {}) {
    Header header;
    header.command = command;
    header.type = type;
    header.count = count;
    header.p1 = p1;
    header.p2 = p2;
    header.payload_size = static_cast<std::uint32_t>(padded(payload.size()));
    Bytes bytes(header_size(header.payload_size, count) + header.payload_size);
    const std::size_t head = write_header(bytes.data(), header);
    if (!payload.empty()) {
        std::memcpy(bytes.data() + head, payload.data(), payload.size());
    }
    return bytes;
}

inline Bytes repeated(const Bytes& one, int n) {
    Bytes all;
    for (int i = 0; i < n; ++i) all.insert(all.end(), one.begin(), one.end());
    return all;
}

inline Bytes create(const char* name) {
    return message(CA_PROTO_CREATE_CHAN, 0, 0, 1, kMinorVersion,
                   std::string_view(name, std::strlen(name) + 1));
}

inline Bytes subscribe(std::uint32_t sid, std::uint32_t subid, std::uint32_t count) {
    constexpr std::string_view kMask("\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0", 16);
    return message(CA_PROTO_EVENT_ADD, DBR_DOUBLE, count, sid, subid, kMask);
}

struct Everything final : PayloadPolicy {
    std::uint64_t allowed_payload(const Header&) const noexcept override {
        return 1 << 30;
    }
};

class Client {
  public:
    // Of a server with a thread of its own.
    explicit Client(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in server{};
        server.sin_family = AF_INET;
        server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        server.sin_port = htons(port);
        REQUIRE(::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&server),
                          sizeof server) == 0);
        set_nonblocking(fd_.get());
    }
    explicit Client(Loop& loop, int large = 4 << 20) {
        std::array<int, 2> ends{};
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()) ==
                0);
        for (const int end : ends) {
            ::setsockopt(end, SOL_SOCKET, SO_SNDBUF, &large, sizeof large);
        }
        LoopDriver::adopt(loop, UniqueSocket(ends[0]));
        fd_ = UniqueSocket(ends[1]);
    }
    void send(const Bytes& bytes) const {
        REQUIRE(::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
                static_cast<ssize_t>(bytes.size()));
    }
    void receive() {
        std::array<std::byte, 65536> bytes;
        for (;;) {
            const auto n = ::recv(fd_.get(), bytes.data(), bytes.size(), 0);
            if (n <= 0) return;
            framer_.begin(std::span(bytes).first(static_cast<std::size_t>(n)));
            Message m;
            while (framer_.next(m)) take(m);
            framer_.end();
        }
    }
    std::array<std::size_t, CA_PROTO_LAST_CMMD + 1> got{};
    std::vector<std::uint32_t> sids;
    std::vector<std::uint32_t> answered;           // gets, by IOID
    std::map<std::uint32_t, double> last;          // update by SUBID
    std::map<std::uint32_t, std::size_t> updates;  // by SUBID
    bool went_back = false;                        // an update was less than the last
    std::uint32_t put_status = 0;                  // of the last put callback

  private:
    void take(const Message& m) {
        const Header& header = m.header;
        ++got[header.command];
        if (header.command == CA_PROTO_EVENT_ADD && m.payload.size() >= 8) {
            const auto value =
                std::bit_cast<double>(load_be<std::uint64_t>(m.payload.data()));
            went_back |= updates[header.p2]++ > 0 && value < last[header.p2];
            last[header.p2] = value;
        }
        if (header.command == CA_PROTO_READ_NOTIFY) answered.push_back(header.p2);
        if (header.command == CA_PROTO_WRITE_NOTIFY) put_status = header.p1;
        if (header.command == CA_PROTO_CREATE_CHAN) sids.push_back(header.p2);
    }
    Everything everything_;
    Framer framer_{everything_, 1 << 30};
    UniqueSocket fd_;
};

struct Served {
    // `names` are shared with other servers, or null.
    explicit Served(std::uint32_t count = 1, const Config& config = {},
                    std::shared_ptr<Namespace> names = nullptr)
        : shared(config, std::move(names)), loop(shared) {
        LoopDriver::set_searches(loop);
        LoopDriver::open(loop);
        shared.names->open();
        pv = Pv::create("pv", DbfType::Double, count, MetadataPtr(new Metadata));
        shared.names->add(pv);
        other = Pv::create("other", DbfType::Double, 1, MetadataPtr(new Metadata));
        shared.names->add(other);
        post(0);
    }
    // As a server does: what was completed and not taken holds the queue otherwise.
    ~Served() {
        shared.completions->close();
        shared.names->close();
    }
    Served(const Served&) = delete;
    Served& operator=(const Served&) = delete;

    void post(double value) const {
        Ref<Snapshot> s = Snapshot::create(DbfType::Double, pv->max_count());
        std::memcpy(s->mutable_data(), &value, sizeof value);
        s->metadata = pv->snapshot()->metadata;
        pv->post(std::move(s), kValueEvent);
    }
    void turn() { LoopDriver::turn(loop); }
    std::uint32_t channel(Client& client, const char* name) {
        client.send(create(name));
        const std::size_t before = client.sids.size();
        for (int i = 0; i < 100 && client.sids.size() == before; ++i) {
            turn();
            client.receive();
        }
        REQUIRE(client.sids.size() == before + 1);
        return client.sids.back();
    }
    // Turns until nothing is left to do; how many that took.
    int settle(std::initializer_list<Client*> clients) {
        int turns = 0;
        bool more = true;
        while (more) {
            turn();
            ++turns;
            for (Client* client : clients) client->receive();
            more = LoopDriver::has_more(loop) || LoopDriver::ready(loop);
        }
        return turns;
    }

    Shared shared;
    Loop loop;
    PvPtr pv, other;
};

inline Bytes get(std::uint32_t sid, std::uint16_t type = DBR_DOUBLE,
                 std::uint32_t count = 1) {
    return message(CA_PROTO_READ_NOTIFY, type, count, sid, 1);
}

}  // namespace served
