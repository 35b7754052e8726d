// Invariant: whatever clients send, the server sends whole messages that a client may
// get, holds no more than its limits allow, serves the next client, loses nobody's last
// value, and leaves nothing behind.
#pragma once

#include <caProto.h>
#include <caerr.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "access/security.hpp"
#include "base/byte_order.hpp"
#include "fuzz_input.hpp"
#include "loop_driver.hpp"

namespace fuzz::session {

using namespace pcas;

constexpr std::size_t kClients = 3;
constexpr std::uint32_t kArray = 600;  // doubles: more than is encoded per circuit

inline Config small_limits() {
    Config config;
    config.max_circuits = kClients;
    config.max_circuits_per_host = kClients;
    config.max_channels = 6;
    config.max_subscriptions = 8;
    config.max_request = 16384;
    config.max_response = 16384;
    config.max_response = 16384;
    config.max_output = 8192;
    config.max_open_requests = 5;
    config.max_open_bytes = 8192;
    config.max_deferred_puts = 3;
    config.max_queued_requests = 12;
    config.max_queued_bytes = 16384;
    return config;
}

// What a client has been told, by the server's own framing.
class Received {
  public:
    // The bytes of the newest update by SUBID.
    std::map<std::uint32_t, std::pair<Header, std::vector<std::byte>>> updates;
    std::size_t messages = 0;
    std::vector<std::uint32_t> sids;

    void take(std::span<const std::byte> bytes) {
        framer_.begin(bytes);
        Message message;
        while (framer_.next(message)) check(message);
        framer_.end();
        FUZZ_REQUIRE(framer_.fault() == Fault::None);
    }

  private:
    struct Policy final : PayloadPolicy {
        std::uint64_t allowed_payload(const Header&) const noexcept override {
            return 1 << 20;
        }
    };

    static bool known(std::uint16_t command) {
        switch (command) {
            case CA_PROTO_VERSION:
            case CA_PROTO_EVENT_ADD:
            case CA_PROTO_READ:
            case CA_PROTO_SEARCH:
            case CA_PROTO_READ_SYNC:
            case CA_PROTO_ERROR:
            case CA_PROTO_CLEAR_CHANNEL:
            case CA_PROTO_NOT_FOUND:
            case CA_PROTO_READ_NOTIFY:
            case CA_PROTO_CREATE_CHAN:
            case CA_PROTO_WRITE_NOTIFY:
            case CA_PROTO_ACCESS_RIGHTS:
            case CA_PROTO_ECHO:
            case CA_PROTO_CREATE_CH_FAIL:
            case CA_PROTO_SERVER_DISCONN:
                return true;
            default:
                return false;
        }
    }

    void check(const Message& message) {
        const Header& h = message.header;
        FUZZ_REQUIRE(known(h.command));
        FUZZ_REQUIRE(messages++ > 0 || h.command == CA_PROTO_VERSION);
        if (h.command == CA_PROTO_CREATE_CHAN) sids.push_back(h.p2);
        if (h.command == CA_PROTO_ERROR) check_error(message);
        // libca trusts the count of data that succeeded.
        const bool data = h.command == CA_PROTO_READ ||
                          (h.command == CA_PROTO_READ_NOTIFY && h.p1 == ECA_NORMAL) ||
                          (h.command == CA_PROTO_EVENT_ADD && h.payload_size > 0 &&
                           h.p1 == ECA_NORMAL);
        if (data) {
            FUZZ_REQUIRE(is_readable(DbrType{h.type}));
            FUZZ_REQUIRE(h.payload_size >= pcas::dbr_size(DbrType{h.type}, h.count));
        }
        if (h.command == CA_PROTO_EVENT_ADD && h.payload_size > 0) {
            updates[h.p2] = {h, {message.payload.begin(), message.payload.end()}};
        }
    }

    // libca takes the embedded command for an index, and CAJ looks for the text's end.
    static void check_error(const Message& message) {
        Header about;
        FUZZ_REQUIRE(read_header(message.payload, about, true));
        FUZZ_REQUIRE(about.command <= CA_PROTO_LAST_CMMD);
        FUZZ_REQUIRE(message.payload.size() > about.size());
        FUZZ_REQUIRE(message.payload.back() == std::byte{0});
    }

    Policy policy_;
    Framer framer_{policy_, 0};
};

// The far end of a circuit.
class Client {
  public:
    explicit Client(Loop& loop) {
        int ends[2];
        FUZZ_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
        const int small = 4096;  // so that slow clients block soon
        ::setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
        sockaddr_in peer{};
        peer.sin_family = AF_INET;
        peer.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        LoopDriver::adopt(loop, UniqueSocket(ends[0]), peer);
        fd_ = ends[1];
    }
    ~Client() { close(); }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    void close() {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
    }
    void shut_down() { ::shutdown(fd_, SHUT_WR); }
    // A stream with a hole would be another one: a client that cannot send gives up.
    void send(std::span<const std::byte> bytes) {
        if (fd_ < 0 || bytes.empty()) return;
        const auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (n < 0 || static_cast<std::size_t>(n) < bytes.size()) close();
    }
    // True if there was something.
    bool receive() {
        std::array<std::byte, 16384> bytes;
        if (fd_ < 0) return false;
        const auto n = ::recv(fd_, bytes.data(), bytes.size(), 0);
        if (n <= 0) return false;
        received.take(std::span(bytes).first(static_cast<std::size_t>(n)));
        return true;
    }

    // Updates of a SUBID that two channels had cannot be told apart.
    void note_subscription(std::uint32_t subid, std::uint32_t sid) {
        const auto [found, fresh] = subscribed_.emplace(subid, sid);
        if (!fresh && found->second != sid) unclear_.insert(subid);
    }
    void note_bytes() { sent_bytes_ = true; }
    bool clear_about(std::uint32_t subid) const {
        return !sent_bytes_ && !unclear_.contains(subid);
    }

    Received received;

  private:
    int fd_ = -1;
    std::map<std::uint32_t, std::uint32_t> subscribed_;  // SID by SUBID
    std::set<std::uint32_t> unclear_;
    bool sent_bytes_ = false;  // which may mean anything
};

// Once for the process, as asLib is.
inline void load_rules() {
    static const auto warnings = access_security::load(
        "ASG(DEFAULT) { RULE(1, WRITE) } ASG(READ) { RULE(1, READ) } ASG(NOBODY)",
        "rules", "", access_security::HostIs::Claimed);
}

// How many objects there are of each class of the engine.
inline std::vector<std::int64_t> alive() {
    std::vector<std::int64_t> all;
    for (int i = 0; i < static_cast<int>(Counted::kCount); ++i) {
        all.push_back(living(static_cast<Counted>(i)));
    }
    return all;
}

class Session {
  public:
    Session() : shared_(small_limits()), loop_(shared_) {
        shared_.log.drain();
        LoopDriver::set_searches(loop_);
        LoopDriver::open(loop_);
        shared_.names->open();
        add_pvs();
        clients_[0] = std::make_unique<Client>(loop_);
        turn();
    }

    void run(Input& input) {
        while (!input.empty()) step(input);
    }

    // Everybody reads and Python answers until all is quiet; then the server must have
    // told each subscriber its PV's value, and serve a new client.
    void finish() {
        settle();
        for (const PvPtr& pv : pvs_) check_last_values(*pv);
        for (auto& client : clients_) client.reset();
        settle();
        LoopDriver::end_lingering(loop_);
        FUZZ_REQUIRE(LoopDriver::circuits(loop_) == 0);
        serve_one_more();
    }

  private:
    void add_pvs() {
        Ref<Metadata> metadata(new Metadata);
        metadata->states = {"off", "on", ""};
        const std::array<std::pair<DbfType, std::uint32_t>, 8> kinds{{
            {DbfType::Double, 1},
            {DbfType::Double, kArray},
            {DbfType::String, 1},
            {DbfType::Enum, 1},
            {DbfType::Char, 100},
            {DbfType::Long, 3},
            {DbfType::Short, 1},
            {DbfType::Float, 2},
        }};
        for (std::size_t i = 0; i < kinds.size(); ++i) {
            PvPtr pv = Pv::create(std::string(1, static_cast<char>('a' + i)),
                                  kinds[i].first, kinds[i].second, metadata);
            pv->set_wants_interest(i % 2 == 0);
            pv->set_reads_by_request(i == 6 || i == 7);
            pvs_.push_back(pv);
            shared_.names->add(pv);
        }
    }

    void turn() {
        LoopDriver::turn(loop_);
        check_limits();
    }

    void check_limits() {
        const Config& c = shared_.config;
        // One answer of the largest size may stand above the high-water mark in each
        // direction, and every subscription holds one value at least.
        const std::size_t most = 2 * (c.max_output + c.max_response) +
                                 2 * c.max_open_bytes + 2 * (c.max_request + 65536) +
                                 c.max_subscriptions * kArray * 8;
        for (std::uint64_t id = 1; id <= shared_.names->last_lane(); ++id) {
            const Circuit* circuit = LoopDriver::find(loop_, id);
            if (circuit) FUZZ_REQUIRE(circuit->held_bytes() <= most);
        }
        FUZZ_REQUIRE(shared_.counters.channels <= kClients * c.max_channels);
        FUZZ_REQUIRE(shared_.counters.subscriptions <= kClients * c.max_subscriptions);
        FUZZ_REQUIRE(LoopDriver::circuits(loop_) <= kClients);
    }

    void step(Input& input) {
        const std::uint8_t what = input.u8();
        Client* client = clients_[what >> 6 & 1].get();
        switch (what & 15) {
            case 0:  // bytes as they are
                if (client) client->note_bytes();
                if (client) client->send(input.bytes(input.u8() * 4u));
                return;
            case 1:
            case 2:
            case 3:
            case 4:
            case 5:
            case 6:
                if (client) client->send(message(input, *client));
                return;
            case 7: {
                Pv& pv = *pvs_[input.u8() % pvs_.size()];
                post(pv, input.u8());  // in this order with every compiler
                return;
            }
            case 8:
                answer_one(input.u8());
                return;
            case 9:
                if (client) client->receive();
                return;
            case 10:
                connect(input.u8());
                return;
            case 11:
                replace_pv(input.u8());
                return;
            case 12:
                shared_.names->by_request().set_searches(what & 16);
                shared_.names->by_request().set_attaches(what & 32);
                return;
            case 13:
                change_rights(input.u8());
                return;
            default:
                return turn();
        }
    }

    // A message that is mostly right, so that the handlers are reached.
    std::vector<std::byte> message(Input& input, Client& client) {
        static constexpr std::array<std::uint8_t, 16> kCommands{
            18, 18, 1, 2, 15, 15, 3, 4, 19, 19, 12, 8, 9, 6, 23, 0};
        const std::uint8_t shape = input.u8();
        Header header;
        header.command = kCommands[shape & 15];
        header.type = input.u8() % 40;
        header.count = shape & 16 ? input.u32() : input.u8() % 8;
        const auto& sids = client.received.sids;
        const std::uint8_t which = input.u8();
        header.p1 = sids.empty() ? which : sids[which % sids.size()];
        header.p2 = input.u8() % 16;
        std::vector<std::byte> payload;
        if (header.command == CA_PROTO_CREATE_CHAN ||
            header.command == CA_PROTO_SEARCH) {
            payload.assign(8, std::byte{0});
            payload[0] = static_cast<std::byte>('a' + which % 9);
            header.p1 = header.p2;
            if (header.command == CA_PROTO_CREATE_CHAN)
                header.p2 = 4 + which % 10;
            else
                header.count = 13;
        } else if (header.command == CA_PROTO_EVENT_ADD) {
            client.note_subscription(header.p2, header.p1);
            payload.assign(16, std::byte{0});
            payload[13] = static_cast<std::byte>(shape >> 5);
        } else {
            const auto raw = input.bytes(shape >> 5 << 4);
            payload.assign(raw.begin(), raw.end());
            payload.resize((payload.size() + 7) / 8 * 8);
        }
        header.payload_size = static_cast<std::uint32_t>(payload.size());
        std::vector<std::byte> bytes(kExtendedHeaderSize);
        bytes.resize(write_header(bytes.data(), header));
        bytes.insert(bytes.end(), payload.begin(), payload.end());
        return bytes;
    }

    void post(Pv& pv, std::uint8_t value) {
        const std::uint32_t count =
            value & 1 ? pv.max_count() : std::min(pv.max_count(), value / 8u + 1u);
        Ref<Snapshot> made = Snapshot::create(pv.type(), count);
        const std::size_t bytes = made->size_bytes();
        std::memset(made->mutable_data(), 0, bytes);
        if (pv.type() == DbfType::String)
            made->mutable_data()[0] = std::byte('x');
        else if (pv.type() == DbfType::Enum)
            made->mutable_data()[0] = std::byte(value % 3);
        else
            for (std::size_t i = 0; i < bytes; i += 8) {
                made->mutable_data()[i] = std::byte(value);
            }
        made->time = {++posts_, value};
        made->alarm = {0, 0};
        made->metadata = pv.snapshot()->metadata;
        pv.post(made, kAllEvents);
    }

    void take_requests() {
        for (RequestPtr& request : shared_.names->requests()->take(3, {})) {
            if (request->kind != RequestKind::Interest) {
                taken_.push_back(std::move(request));
            }
        }
    }

    void answer_one(std::uint8_t how) {
        take_requests();
        if (taken_.empty()) return;
        const std::size_t which = (how >> 4) % taken_.size();
        RequestPtr request = taken_[which];
        if (how & 1 && request->kind == RequestKind::Write) return request->defer();
        taken_.erase(taken_.begin() + static_cast<long>(which));
        if (how & 2) return;  // forgotten
        answer(*request, how & 4 ? EcaStatus{ECA_PUTFAIL} : EcaStatus{ECA_NORMAL});
    }

    void answer(Request& request, EcaStatus status) {
        switch (request.kind) {
            case RequestKind::Write:
                if (status == ECA_NORMAL) {
                    Ref<Snapshot> made = Snapshot::copy(*request.value);
                    made->time = {++posts_, 0};
                    made->metadata = request.pv->snapshot()->metadata;
                    request.pv->post(made, kAllEvents);
                }
                request.complete(status);
                return;
            case RequestKind::Read:
                request.complete(status, request.pv->snapshot());
                return;
            case RequestKind::Attach:
                request.complete_attach(status,
                                        shared_.names->table().find(request.name));
                return;
            default:
                request.complete(status);
        }
    }

    void connect(std::uint8_t how) {
        auto& slot = clients_[how & 1];
        if (slot && how & 2) return slot->shut_down();
        if (slot && how & 4) return slot->close();
        slot.reset();
        if (how & 8) turn();
        slot = std::make_unique<Client>(loop_);
    }

    void replace_pv(std::uint8_t how) {
        PvPtr& pv = pvs_[how % pvs_.size()];
        shared_.names->remove(pv->name());
        if (how & 64) return;
        PvPtr fresh = Pv::create(pv->name(), pv->type(), pv->max_count(),
                                 pv->snapshot()->metadata);
        fresh->set_wants_interest(pv->wants_interest());
        gone_.push_back(std::exchange(pv, fresh));
        shared_.names->add(fresh);
    }

    void change_rights(std::uint8_t how) {
        static constexpr std::array<const char*, 4> kGroups{"", "READ", "NOBODY", "?"};
        pvs_[how % pvs_.size()]->access().set_group(kGroups[how >> 5 & 3]);
    }

    void settle() {
        bool busy = true;
        for (int i = 0; busy && i < 2000; ++i) {
            for (;;) {
                take_requests();
                if (taken_.empty()) break;
                for (const RequestPtr& request : std::exchange(taken_, {})) {
                    answer(*request, ECA_NORMAL);
                }
            }
            const std::uint64_t updates = shared_.counters.updates;
            turn();
            // A turn sees what the wait before it found: the second one hears of the
            // clients that have just left.
            busy = i == 0 || updates != shared_.counters.updates ||
                   shared_.names->requests()->size() > 0 || LoopDriver::has_more(loop_);
            for (auto& client : clients_) {
                while (client && client->receive()) busy = true;
            }
        }
        FUZZ_REQUIRE(!busy);
    }

    template <class F>
    void for_each_subscription(const Pv& pv, F&& f) {
        const auto& posts = LoopDriver::services(loop_).posts();
        if (const auto ca_pv = CaPv::find(pv, *posts)) ca_pv->subscriptions.for_each(f);
    }

    void check_last_values(const Pv& pv) {
        for_each_subscription(pv, [&](Subscription& subscription) {
            Circuit& circuit = subscription.circuit;
            if (circuit.closing() || !circuit.events_on() || !subscription.may_read)
                return;
            if (of_circuit(circuit, subscription.subid) != 1) return;
            check_last_value(pv, subscription);
        });
    }

    // How many of the circuit's subscriptions have this SUBID (one for each channel).
    std::size_t of_circuit(const Circuit& circuit, std::uint32_t subid) {
        std::size_t n = 0;
        auto count = [&](Subscription& s) {
            n += &s.circuit == &circuit && s.subid == subid;
        };
        for (const PvPtr& pv : pvs_) for_each_subscription(*pv, count);
        for (const PvPtr& pv : gone_) for_each_subscription(*pv, count);
        return n;
    }

    void check_last_value(const Pv& pv, Subscription& subscription) {
        const SnapshotPtr now = pv.snapshot();
        const std::uint32_t count =
            subscription.count ? subscription.count : now->count();
        std::vector<std::byte> expected(
            static_cast<std::size_t>(padded(pcas::dbr_size(subscription.type, count))));
        if (encode(*now, subscription.type, count, expected) != ECA_NORMAL) return;
        if (expected.empty() || expected.size() > shared_.config.max_response) return;
        bool told = false;
        for (const auto& client : clients_) {
            if (!client) continue;
            if (!client->clear_about(subscription.subid)) return;
            const auto found = client->received.updates.find(subscription.subid);
            told = told || (found != client->received.updates.end() &&
                            found->second.second == expected);
        }
        FUZZ_REQUIRE(told);
    }

    void serve_one_more() {
        shared_.names->by_request().set_searches(false);
        shared_.names->by_request().set_attaches(false);
        PvPtr pv = Pv::create("new", DbfType::Long, 1, pvs_[0]->snapshot()->metadata);
        shared_.names->add(pv);
        clients_[0] = std::make_unique<Client>(loop_);
        Header header;
        header.command = CA_PROTO_CREATE_CHAN;
        header.payload_size = 8;
        header.p1 = 77;
        header.p2 = 13;
        std::vector<std::byte> bytes(24);
        write_header(bytes.data(), header);
        std::memcpy(bytes.data() + 16, "new", 3);
        clients_[0]->send(bytes);
        settle();
        FUZZ_REQUIRE(clients_[0]->received.sids.size() == 1);
    }

    Shared shared_;
    Loop loop_;
    std::vector<PvPtr> pvs_, gone_;
    std::array<std::unique_ptr<Client>, 2> clients_;
    std::deque<RequestPtr> taken_;
    std::uint32_t posts_ = 0;
};

inline void run_target(std::span<const std::byte> bytes) {
    load_rules();
    const auto before = alive();
    {
        Session session;
        Input input(bytes);
        session.run(input);
        session.finish();
    }
    const auto after = alive();
    if (after != before) {
        for (std::size_t i = 0; i < after.size(); ++i) {
            std::fprintf(stderr, "counter %zu: %lld, then %lld\n", i,
                         static_cast<long long>(before[i]),
                         static_cast<long long>(after[i]));
        }
    }
    FUZZ_REQUIRE(after == before);
}

}  // namespace fuzz::session
