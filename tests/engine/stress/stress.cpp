// A server under threads: some post, one adds and removes PVs, one answers what is
// meant for Python, one looks at all there is and puts, one takes the log of puts, and
// clients connect, subscribe, put and vanish. Meant to be run
// with ThreadSanitizer; on its own it checks that nothing stays and that the values of
// a client never go back.
//
//   stress SECONDS
#include <caProto.h>
#include <caerr.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/byte_order.hpp"
#include "proto/framer.hpp"
#include "pv/inspection.hpp"
#include "pv/local_puts.hpp"
#include "pv/put_log.hpp"
#include "server/server.hpp"

using namespace pcas;
using namespace std::chrono_literals;

namespace {

constexpr int kPvs = 16;
constexpr int kClients = 4;
std::atomic<bool> stopping{false};
std::atomic<int> failures{0};
std::atomic<std::uint64_t> posts{0}, updates{0}, circuits{0}, requests{0};
std::atomic<std::uint64_t> looks{0}, logged{0};

void fail(const char* what) {
    ++failures;
    std::fprintf(stderr, "stress: %s\n", what);
}

std::string name_of(int i) { return "pv" + std::to_string(i); }

SnapshotPtr number(std::int32_t value) {
    static const MetadataPtr metadata(new Metadata);
    Ref<Snapshot> made = Snapshot::create(DbfType::Long, 1);
    std::memcpy(made->mutable_data(), &value, sizeof value);
    made->time = {static_cast<std::uint32_t>(value), 0};
    made->alarm = {0, 0};
    made->metadata = metadata;
    return made;
}

PvPtr make_pv(int i) {
    PvPtr pv = Pv::create(name_of(i), DbfType::Long, 1, MetadataPtr(new Metadata));
    pv->set_wants_interest(i % 2 == 0);
    pv->set_reads_by_request(i % 4 == 3);
    return pv;
}

// Each thread has PVs of its own, so that their numbers grow.
void post_values(const std::vector<PvPtr>& pvs, std::size_t first) {
    for (std::int32_t n = 1; !stopping; ++n) {
        const bool batch = n % 3 == 0;
        if (batch) PostBatch::begin();
        for (std::size_t i = first; i < pvs.size(); i += 2) {
            if (pvs[i]->post(number(n), kAllEvents) && !batch)
                pvs[i]->wait_for_servers();
            ++posts;
        }
        if (batch) PostBatch::end();
        std::this_thread::sleep_for(200us);
    }
}

void come_and_go(Server& server) {
    for (int n = 0; !stopping; ++n) {
        const int i = kPvs + n % 4;
        if (n % 3 == 2)
            server.remove(name_of(i));
        else
            server.add(make_pv(i));
        server.stats();
        std::this_thread::sleep_for(1ms);
    }
}

void answer_requests(Server& server) {
    while (!stopping) {
        for (const RequestPtr& request : server.take(10, 5ms)) {
            ++requests;
            switch (request->kind) {
                case RequestKind::Write:
                    if (requests % 5 == 0) continue;  // forgotten
                    request->defer();
                    if (requests % 2 == 0) server.hold_answers();
                    request->complete(ECA_NORMAL);
                    break;
                case RequestKind::Read:
                    request->complete(ECA_NORMAL, request->pv->snapshot());
                    break;
                default:
                    request->complete(ECA_NORMAL);
            }
        }
        server.answer();
        server.log().drain();
    }
}

void look_inside(Server& server) {
    constexpr auto kPatience = 1s;
    PvInspection inspection(server.names()->table());
    std::atomic<int> told{0};
    LocalPuts puts(server.names(), [&told] { ++told; });
    PvQuery query;
    server.names()->misses().keep(true);
    for (unsigned n = 0; !stopping; ++n, ++looks) {
        query.sort = static_cast<SortBy>(n % 6);
        query.match = n % 4 == 0 ? "pv1*" : "";
        query.descending = n % 5 == 0;
        inspection.rows(query);
        PvRow row;
        const PvPtr pv =
            inspection.find(name_of(static_cast<int>(n % (kPvs + 4))), row);
        if (pv) puts.put(pv, number(1), local_client("joe"), n);
        puts.take();
        if (const auto clients = server.clients(kPatience))
            for (const ClientRow& client : *clients)
                server.channels(client.number, 0, 10, kPatience);
        server.names()->misses().note(name_of(static_cast<int>(n)), {});
        server.names()->misses().rows();
        if (n % 50 == 49) inspection.forget();
    }
    server.names()->misses().keep(false);
}

void take_log(PutLog& log) {
    for (bool closed = false; !closed;) {
        closed = stopping;
        if (closed) log.close();
        for (const PutRecord& record : log.take(100, 5ms)) logged += record.more + 1;
    }
}

class Client {
  public:
    explicit Client(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in server{};
        server.sin_family = AF_INET;
        server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        server.sin_port = htons(port);
        const auto* address = reinterpret_cast<const sockaddr*>(&server);
        if (::connect(fd_, address, sizeof server) == 0) ++circuits;
    }
    ~Client() { ::close(fd_); }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    void send(Header header, std::span<const std::byte> payload = {}) {
        std::vector<std::byte> bytes(kExtendedHeaderSize);
        header.payload_size = static_cast<std::uint32_t>(payload.size());
        bytes.resize(write_header(bytes.data(), header));
        bytes.insert(bytes.end(), payload.begin(), payload.end());
        // A circuit that the server has closed is another turn's business.
        [[maybe_unused]] const auto sent =
            ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    }

    void create(int pv) {
        std::array<std::byte, 16> payload{};
        const std::string name = name_of(pv);
        std::memcpy(payload.data(), name.data(), name.size());
        Header header;
        header.command = CA_PROTO_CREATE_CHAN;
        header.p1 = static_cast<std::uint32_t>(pv);
        header.p2 = kMinorVersion;
        send(header, payload);
    }

    // What has come; answers each new channel with requests on it.
    void read_for(std::chrono::milliseconds time) {
        const auto end = std::chrono::steady_clock::now() + time;
        while (std::chrono::steady_clock::now() < end) {
            pollfd wanted{fd_, POLLIN, 0};
            if (::poll(&wanted, 1, 5) <= 0) continue;
            std::array<std::byte, 8192> bytes;
            const auto n = ::recv(fd_, bytes.data(), bytes.size(), 0);
            if (n <= 0) return;
            framer_.begin(std::span(bytes).first(static_cast<std::size_t>(n)));
            Message message;
            while (framer_.next(message)) take(message);
            framer_.end();
        }
    }

  private:
    struct Policy final : PayloadPolicy {
        std::uint64_t allowed_payload(const Header&) const noexcept override {
            return 1 << 20;
        }
    };

    void take(const Message& message) {
        const Header& h = message.header;
        if (h.command == CA_PROTO_CREATE_CHAN) ask_of(h);
        if (h.command != CA_PROTO_EVENT_ADD || h.payload_size == 0) return;
        ++updates;
        const auto value = static_cast<std::int32_t>(load_be32(message.payload.data()));
        std::int32_t& last = last_[h.p2];
        // The PVs that come and go start anew, and where reads are asked of Python the
        // first value may be newer than the updates that were on their way.
        const bool grows = h.p2 < kPvs && h.p2 % 4 != 3;
        if (value < last && grows) fail("a value went back");
        last = value;
    }

    void ask_of(const Header& created) {
        Header header;
        header.command = CA_PROTO_EVENT_ADD;
        header.type = 5;
        header.count = 1;
        header.p1 = created.p2;
        header.p2 = created.p1;
        std::array<std::byte, 16> mask{};
        mask[13] = std::byte{1};  // DBE_VALUE
        send(header, mask);
        header.command = CA_PROTO_READ_NOTIFY;
        send(header);
        header.command = created.p1 % 2 ? CA_PROTO_WRITE : CA_PROTO_WRITE_NOTIFY;
        send(header, std::array<std::byte, 8>{});
    }

    const int fd_;
    Policy policy_;
    Framer framer_{policy_, 0};
    std::map<std::uint32_t, std::int32_t> last_;
};

void connect_and_vanish(std::uint16_t port, unsigned seed) {
    std::minstd_rand random(seed);
    while (!stopping) {
        Client client(port);
        Header version;
        version.command = CA_PROTO_VERSION;
        version.count = kMinorVersion;
        client.send(version);
        for (int pv = 0; pv < kPvs + 4; ++pv) client.create(pv);
        Header events;
        events.command = random() % 4 ? CA_PROTO_EVENTS_ON : CA_PROTO_EVENTS_OFF;
        client.send(events);
        client.read_for(std::chrono::milliseconds(random() % 60));
    }
}

Config on_loopback() {
    Config config;
    config.udp_port = config.tcp_port = 0;
    config.interfaces = {"127.0.0.1"};
    config.auto_beacon_addresses = false;
    return config;
}

void run(std::chrono::milliseconds time) {
    stopping = false;
    Server server(on_loopback());
    std::vector<PvPtr> pvs;
    for (int i = 0; i < kPvs; ++i) {
        pvs.push_back(make_pv(i));
        server.add(pvs.back());
    }
    const PutLogPtr log(new PutLog(PutLog::Which::All, 20ms));
    server.names()->set_put_log(log);
    log->open();
    server.start();
    std::vector<std::thread> threads;
    for (std::size_t first : {0u, 1u}) {
        threads.emplace_back([&pvs, first] { post_values(pvs, first); });
    }
    threads.emplace_back([&server] { come_and_go(server); });
    threads.emplace_back([&server] { answer_requests(server); });
    threads.emplace_back([&server] { look_inside(server); });
    threads.emplace_back([&log] { take_log(*log); });
    const std::uint16_t port = server.tcp_port();
    for (unsigned i = 0; i < kClients; ++i) {
        threads.emplace_back([port, i] { connect_and_vanish(port, i + 1); });
    }
    std::this_thread::sleep_for(time);
    stopping = true;
    // Closed while the others still work on it, half of the time.
    if (time.count() % 2) server.close();
    for (std::thread& thread : threads) thread.join();
    server.close();
}

}  // namespace

int main(int argc, char** argv) {
    const double seconds = argc > 1 ? std::atof(argv[1]) : 10;
    const auto end =
        std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    int servers = 0;
    do {
        run(std::chrono::milliseconds(1000 + servers % 2));
        ++servers;
        for (int i = 0; i < static_cast<int>(Counted::kCount); ++i) {
            if (living(static_cast<Counted>(i)) == 0) continue;
            if (static_cast<Counted>(i) == Counted::Snapshot) continue;
            fail(instance_name(static_cast<Counted>(i)));
        }
    } while (std::chrono::steady_clock::now() < end);
    const auto plain = [](const std::atomic<std::uint64_t>& count) {
        return static_cast<unsigned long long>(count);
    };
    std::printf(
        "%d servers, %llu circuits, %llu posts, %llu updates, %llu requests, "
        "%llu looks inside, %llu puts logged\n",
        servers, plain(circuits), plain(posts), plain(updates), plain(requests),
        plain(looks), plain(logged));
    return failures ? 1 : 0;
}
