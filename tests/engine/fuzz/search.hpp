// Invariant: whatever datagrams come, in any order and from anyone, each answer is
// whole frames of hits for names that were asked for and exist, nothing is kept of
// them, and the next client's search is answered. A datagram has other servers of the
// host asked once at the most, for names that it has, and each of them is answered once
// at the most, whatever these say.
#pragma once

#include <caProto.h>
#include <caerr.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "base/byte_order.hpp"
#include "fuzz_input.hpp"
#include "loop_driver.hpp"
#include "proto/header.hpp"
#include "server/search.hpp"

namespace fuzz::search {

using namespace pcas;

constexpr std::uint16_t kTcpPort = 5064;
constexpr std::uint16_t kNeighbourPort = 4444;
constexpr std::size_t kHit = kHeaderSize + 8;

// Of searches: held, so that nobody else gets it.
inline std::uint16_t search_port() {
    static const UniqueSocket holder = [] {
        const in_addr loopback = address_of(INADDR_LOOPBACK);
        const std::uint16_t port = local_port(bind_udp(loopback, 0).get());
        return bind_udp(loopback, port);
    }();
    return local_port(holder.get());
}

// A socket on loopback that sends what it is told and gets the answers.
class Client {
  public:
    Client() : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)) {
        address_.sin_family = AF_INET;
        address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        FUZZ_REQUIRE(::bind(fd_, as_sockaddr(), sizeof address_) == 0);
        socklen_t size = sizeof address_;
        FUZZ_REQUIRE(::getsockname(fd_, as_sockaddr(), &size) == 0);
    }
    ~Client() { ::close(fd_); }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    sockaddr_in address() const { return address_; }
    // One datagram that has come; -1 if there is none.
    ssize_t receive(std::span<std::byte> into) {
        return ::recv(fd_, into.data(), into.size(), 0);
    }

  private:
    sockaddr* as_sockaddr() { return reinterpret_cast<sockaddr*>(&address_); }

    const int fd_;
    sockaddr_in address_{};
};

class Searches {
  public:
    Searches()
        : shared_(limits()), loop_(shared_), service_(LoopDriver::services(loop_)) {
        LoopDriver::open(loop_);
        service_.bind({address_of(INADDR_LOOPBACK)}, {}, search_port());
        shared_.names->open();
        shared_.tcp_port = kTcpPort;
        Ref<Metadata> metadata(new Metadata);
        for (const char* name : {"a", "b", "long:name", "with space"}) {
            shared_.names->add(Pv::create(name, DbfType::Long, 1, metadata));
        }
    }

    void run(Input& input) {
        while (!input.empty()) {
            step(input);
            if (!input.empty()) neighbour_answers(input);
        }
        shared_.names->by_request().set_searches(false);
        answer_requests(ECA_NORMAL);
        take_answers();
        last_search();
    }

  private:
    static Config limits() {
        Config config;
        config.max_searches_per_turn = 100;
        config.max_queued_requests = 50;
        config.ignored = {"127.0.0.9"};
        return config;
    }

    void step(Input& input) {
        const std::uint8_t what = input.u8();
        switch (what & 7) {
            case 0:
                return ask(input.bytes(input.u8() * 8u), what);
            case 6:
                shared_.names->by_request().set_searches(what & 8);
                return;
            case 7:
                return answer_requests(what & 8 ? ECA_NORMAL : ECA_GETFAIL);
            default:
                return ask(datagram(input, what), what);
        }
    }

    // Messages that are mostly right, so that the search is reached.
    static std::vector<std::byte> datagram(Input& input, std::uint8_t what) {
        static constexpr std::array<const char*, 6> kNames{
            "a", "b", "long:name", "with space", "nobody", ""};
        std::vector<std::byte> bytes;
        for (int left = (what >> 3) + 1; left > 0 && !input.empty(); --left) {
            const std::uint8_t shape = input.u8();
            Header header;
            header.command = shape & 1 ? CA_PROTO_SEARCH : CA_PROTO_VERSION;
            header.type = input.u8();
            header.count = input.u8() % 20;
            header.p1 = header.p2 = input.u8();
            std::vector<std::byte> payload;
            if (shape & 1) {
                const char* name = kNames[(shape >> 1) % kNames.size()];
                payload.resize(16 + (shape >> 5) * 8u);
                std::memcpy(payload.data(), name, std::strlen(name));
            }
            header.payload_size =
                static_cast<std::uint32_t>(payload.size()) + (shape == 0xff ? 8 : 0);
            const std::size_t at = bytes.size();
            bytes.resize(at + kExtendedHeaderSize);
            bytes.resize(at + write_header(bytes.data() + at, header));
            bytes.insert(bytes.end(), payload.begin(), payload.end());
        }
        return bytes;
    }

    // In memory of its own: what is read behind its end is found.
    void ask(std::span<const std::byte> bytes, std::uint8_t what) {
        const std::vector<std::byte> copy(bytes.begin(), bytes.end());
        note_names(copy);
        Datagram datagram;
        datagram.size = copy.size();
        datagram.from = client_.address();
        if ((what & 0xf8) == 0xf8) datagram.from.sin_addr.s_addr = htonl(0x7f000009);
        if ((what & 0xf8) == 0xf0) datagram.from.sin_port = 0;
        datagram.to.s_addr = htonl(INADDR_LOOPBACK);
        const bool everybody_has_it = (what & 0xf8) == 0xe8;
        datagram.sent_to = everybody_has_it ? Neighbours::address() : datagram.to;
        service_.new_turn();
        service_.answer(server_.get(), datagram, copy);
        take_answers();
        take_forwards(copy, everybody_has_it);
    }

    void take_forwards(const std::vector<std::byte>& asked, bool everybody_has_it) {
        std::vector<std::byte> bytes(65536);
        Datagram forward;
        for (int number = 0; receive_datagram(neighbour_.get(), bytes, forward);) {
            FUZZ_REQUIRE(++number == 1 && !everybody_has_it);
            forwarder_ = forward.from;
            auto left = std::span(bytes).first(forward.size);
            Header header;
            FUZZ_REQUIRE(read_header(left, header, false));
            FUZZ_REQUIRE(header.command == CA_PROTO_VERSION && header.p2 == 0x7f000001);
            left = left.subspan(kHeaderSize);
            FUZZ_REQUIRE(!left.empty());
            for (; !left.empty(); left = left.subspan(header.payload_size)) {
                FUZZ_REQUIRE(read_header(left, header, false));
                FUZZ_REQUIRE(header.command == CA_PROTO_SEARCH);
                left = left.subspan(kHeaderSize);
                FUZZ_REQUIRE(header.payload_size <= left.size());
                const std::string name(reinterpret_cast<const char*>(left.data()));
                FUZZ_REQUIRE(!name.empty() && name.size() < header.payload_size);
                const auto* begin = reinterpret_cast<const std::byte*>(name.data());
                FUZZ_REQUIRE(std::search(asked.begin(), asked.end(), begin,
                                         begin + name.size() + 1) != asked.end());
                numbers_.push_back(header.p2);
            }
        }
    }

    // Right, wrong, or again.
    void neighbour_answers(Input& input) {
        std::vector<std::byte> bytes;
        for (int left = input.u8() % 8; left > 0 && !numbers_.empty(); --left) {
            const std::uint8_t shape = input.u8();
            Header header;
            header.command = shape & 1 ? CA_PROTO_SEARCH : input.u8();
            header.type = kNeighbourPort;
            header.p1 = shape & 2 ? 0xffffffff : 0x7f000001;
            const std::uint32_t number = numbers_[(shape >> 3) % numbers_.size()];
            header.p2 = number + (shape & 4 ? input.u8() : 0u);
            header.payload_size = shape == 0xff ? 16 : 8;
            const std::size_t at = bytes.size();
            bytes.resize(at + kExtendedHeaderSize + 8);
            bytes.resize(at + write_header(bytes.data() + at, header) + 8);
        }
        if (bytes.empty()) return;
        const std::size_t before = passed_on_;
        send_datagram(neighbour_.get(), bytes, forwarder_, in_addr{});
        LoopDriver::look_at_sockets(loop_);
        take_answers();
        FUZZ_REQUIRE(passed_on_ - before <= bytes.size() / kHit);
        FUZZ_REQUIRE(passed_on_ <= numbers_.size());
    }

    // CIDs that any search in the datagram could mean, right or wrong: none but these
    // may be told.
    void note_names(std::span<const std::byte> bytes) {
        for (std::size_t at = 0; at + kHeaderSize <= bytes.size(); at += 8) {
            asked_.insert(load_be32(bytes.data() + at + 12));
        }
    }

    void take_answers() {
        std::array<std::byte, 2 * SearchFrame::kMaxFrame> frame;
        for (;;) {
            const ssize_t n = client_.receive(frame);
            if (n < 0) return;
            check(std::span(frame).first(static_cast<std::size_t>(n)));
        }
    }

    void check(std::span<const std::byte> frame) {
        FUZZ_REQUIRE(frame.size() <= SearchFrame::kMaxFrame);
        FUZZ_REQUIRE(frame.size() > kHeaderSize);
        FUZZ_REQUIRE((frame.size() - kHeaderSize) % kHit == 0);
        Header header;
        FUZZ_REQUIRE(read_header(frame, header, false));
        FUZZ_REQUIRE(header.command == CA_PROTO_VERSION && header.payload_size == 0);
        for (auto left = frame.subspan(kHeaderSize); !left.empty();
             left = left.subspan(kHit)) {
            FUZZ_REQUIRE(read_header(left, header, false));
            FUZZ_REQUIRE(header.command == CA_PROTO_SEARCH && header.payload_size == 8);
            passed_on_ += header.type == kNeighbourPort;
            FUZZ_REQUIRE(header.type == kNeighbourPort ||
                         (header.type == kTcpPort && header.p1 == 0xffffffff));
            FUZZ_REQUIRE(asked_.contains(header.p2));
            ++hits_;
        }
    }

    void answer_requests(EcaStatus status) {
        for (const RequestPtr& request : shared_.names->requests()->take(1000, {})) {
            FUZZ_REQUIRE(request->kind == RequestKind::Exists);
            request->complete(status);
        }
        std::vector<Completion> completions;
        shared_.completions->take(completions);
        for (const Completion& entry : completions) {
            service_.on_completion(static_cast<const CaRequest&>(*entry.request));
        }
        take_answers();
    }

    void last_search() {
        Header header;
        header.command = CA_PROTO_SEARCH;
        header.payload_size = 8;
        header.type = DONTREPLY;
        header.count = kMinorVersion;
        header.p1 = header.p2 = 4711;
        std::vector<std::byte> bytes(kHit);
        write_header(bytes.data(), header);
        bytes[kHeaderSize] = std::byte{'a'};
        const std::size_t before = hits_;
        ask(bytes, 0);
        FUZZ_REQUIRE(hits_ == before + 1);
    }

    Shared shared_;
    Loop loop_;
    SearchService service_;
    Client client_;
    UniqueSocket server_ = open_udp();
    // Another server of this host.
    UniqueSocket neighbour_ = bind_udp(Neighbours::address(), search_port());
    sockaddr_in forwarder_{};
    std::vector<std::uint32_t> numbers_;  // of the names that it was asked for
    std::size_t passed_on_ = 0;           // answers of it
    std::set<std::uint32_t> asked_;
    std::size_t hits_ = 0;
};

inline void run_target(std::span<const std::byte> bytes) {
    const std::int64_t before = living(Counted::Request) + living(Counted::Pv);
    {
        Searches searches;
        Input input(bytes);
        searches.run(input);
    }
    FUZZ_REQUIRE(living(Counted::Request) + living(Counted::Pv) == before);
}

}  // namespace fuzz::search
