#include "server/neighbours.hpp"

#include <caProto.h>

#include <algorithm>
#include <cstring>

#include "base/byte_order.hpp"
#include "base/keyed_hash.hpp"
#include "net/time_budget.hpp"

namespace pcas {
namespace {

using Clock = Allowance::Clock;

constexpr std::uint32_t kEverybody = 0x7fffffff;  // 127.255.255.255
constexpr std::size_t kLargestDatagram = 65507;
constexpr std::size_t kRoundingUp = 8;
constexpr std::chrono::seconds kPatience{10};
// A name costs 1, a datagram as much as some names. That is 3,000 searches a second of
// one name each, or 35,000 names in frames of 40.
constexpr double kPerDatagram = 16;
constexpr double kPerSecondOfEach = 50'000;
constexpr double kPerSecondOfAll = 200'000;

sockaddr_in at(std::uint32_t address, std::uint16_t port) noexcept {
    sockaddr_in out{};
    out.sin_family = AF_INET;
    out.sin_addr = address_of(address);
    out.sin_port = htons(port);
    return out;
}

bool is_to_everybody(const Datagram& datagram) noexcept {
    return datagram.sent_to.s_addr == htonl(kEverybody);
}

UniqueSocket open_on_loopback() {
    UniqueSocket fd = bind_udp(address_of(INADDR_LOOPBACK), 0);
    const int yes = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_BROADCAST,
                 reinterpret_cast<const char*>(&yes), sizeof yes);
    return fd;
}

// In front of forwarded searches: others pass over what VERSION has in p1 and p2.
std::size_t write_asker(std::byte* out, const Datagram& asked) noexcept {
    Header header;
    header.command = CA_PROTO_VERSION;
    header.type = ntohs(asked.from.sin_port);
    header.count = kMinorVersion;
    header.p1 = ntohl(asked.from.sin_addr.s_addr);
    header.p2 = ntohl(asked.to.s_addr);
    return write_header(out, header);
}

}  // namespace

Asker asker_of(const Datagram& datagram, std::span<const std::byte> bytes) noexcept {
    Header header;
    if (is_to_everybody(datagram) && is_loopback(datagram.from.sin_addr) &&
        read_header(bytes, header, false) && header.command == CA_PROTO_VERSION &&
        header.p2 != 0) {
        return {at(header.p1, header.type), address_of(header.p2)};
    }
    return {datagram.from, datagram.to};
}

bool Allowance::left(Clock::time_point now, double per_second) noexcept {
    const std::chrono::duration<double> since = now - filled_;
    left_ = std::min(left_ + since.count() * per_second, per_second);
    filled_ = now;
    return left_ > 0;
}

Neighbours::Neighbours(Services& services, std::uint16_t port)
    : services_(services),
      socket_(open_on_loopback()),
      everybody_(at(kEverybody, port)),
      own_port_(htons(local_port(socket_.get()))),
      // At the beginning of a block.
      next_number_(static_cast<std::uint32_t>(HashKey::draw().a) & ~0xffffu) {
    services_.poller().add(socket_.get(), *this, {true, false});
}

Neighbours::~Neighbours() { services_.poller().remove(socket_.get(), *this); }

in_addr Neighbours::address() noexcept { return address_of(kEverybody); }

void Neighbours::watch(std::function<void()> bind_anew) {
    watch_.emplace(services_, socket_.get(), ntohs(everybody_.sin_port),
                   std::move(bind_anew));
    watch_->look();
}

bool Neighbours::is_ours(SOCKET socket, const Datagram& datagram,
                         std::span<const std::byte> bytes) noexcept {
    if (watch_ && datagram.is_unicast()) watch_->heard();
    const bool from_us =
        datagram.from.sin_port == own_port_ && is_loopback(datagram.from.sin_addr);
    return from_us || UnicastWatch::answer(socket, datagram, bytes);
}

void Neighbours::on_io(bool, bool) {
    Datagram datagram;
    const TimeBudget budget;
    const std::span<std::byte> buffer = services_.scratch();
    while (budget.left() && receive_datagram(socket_.get(), buffer, datagram)) {
        const auto bytes = buffer.first(datagram.size);
        if (!watch_ || !watch_->is_answer(bytes)) pass_on(bytes);
    }
}

// Answers of one datagram are of one asker, unless somebody plays tricks.
void Neighbours::pass_on(std::span<const std::byte> bytes) {
    Datagram asked;
    std::optional<SearchFrame> frame;
    Header header;
    while (read_header(bytes, header, false)) {
        if (bytes.size() < kHeaderSize + header.payload_size) break;
        const auto payload = bytes.subspan(kHeaderSize, header.payload_size);
        bytes = bytes.subspan(kHeaderSize + header.payload_size);
        if (header.command == CA_PROTO_VERSION) continue;
        if (header.command != CA_PROTO_SEARCH || header.type == 0) break;
        Question* question = answered(header.p2);
        if (!question) continue;
        const in_addr where = address_of(header.p1);
        const bool here = header.p1 == kNoCid;
        // An address on loopback is of no use to a client on another host.
        if (!here && is_loopback(where) && !is_loopback(question->from)) continue;
        const bool same = frame && asked.from.sin_port == question->from_port &&
                          asked.from.sin_addr.s_addr == question->from.s_addr &&
                          frame->version() == question->version;
        if (!same) {
            if (frame) frame->send();
            asked.from = at(ntohl(question->from.s_addr), ntohs(question->from_port));
            asked.to = question->to;
            frame.emplace(question->reply_socket, asked);
            frame->set_version(question->version);
        }
        Hit hit{header.type, header.p1};
        if (payload.size() >= 2) hit.minor = load_be16(payload.data());
        frame->add_hit(question->cid, hit);
        Counters::add(services_.shared().counters.forwarded_hits);
    }
    if (frame) frame->send();
}

Allowance& Neighbours::allowance_of(const sockaddr_in& from) noexcept {
    std::array<char, 6> key;
    std::memcpy(key.data(), &from.sin_addr.s_addr, 4);
    std::memcpy(key.data() + 4, &from.sin_port, 2);
    return each_[keyed_hash({key.data(), key.size()}) % kAskers];
}

Neighbours::Question& Neighbours::question(std::uint32_t number) {
    auto& block = questions_[number / kPerBlock % kBlocks];
    if (!block) block = std::make_unique<std::array<Question, kPerBlock>>();
    return (*block)[number % kPerBlock];
}

// The question of that number, if it is one and this is its first answer: a client gets
// one answer for a name, as by a search that reaches one server.
Neighbours::Question* Neighbours::answered(std::uint32_t number) noexcept {
    const auto& block = questions_[number / kPerBlock % kBlocks];
    if (!block) return nullptr;
    Question& found = (*block)[number % kPerBlock];
    if (!found.open || found.number != number) return nullptr;
    found.open = false;
    return Clock::now() - found.asked < kPatience ? &found : nullptr;
}

bool Forward::begin() {
    now_ = Clock::now();
    Neighbours& us = *neighbours_;
    if (!us.all_.left(now_, kPerSecondOfAll) ||
        !us.allowance_of(asked_.from).left(now_, kPerSecondOfEach)) {
        Counters::add(us.services_.shared().counters.forwards_dropped);
        neighbours_ = nullptr;
        return false;
    }
    size_ = write_asker(us.services_.scratch().data(), asked_);
    return true;
}

void Forward::add(std::string_view name, std::uint32_t cid,
                  const ClientVersion& version) {
    if (!neighbours_ || (size_ == 0 && !begin())) return;
    const std::size_t payload = (name.size() + kRoundingUp) / kRoundingUp * kRoundingUp;
    if (size_ + kHeaderSize + payload > kLargestDatagram) return;
    Neighbours& us = *neighbours_;
    const std::uint32_t number = us.next_number_++;
    us.question(number) = {number,
                           true,
                           cid,
                           reply_socket_,
                           asked_.from.sin_addr,
                           asked_.to,
                           asked_.from.sin_port,
                           version,
                           now_};
    Header header;
    header.command = CA_PROTO_SEARCH;
    header.payload_size = static_cast<std::uint32_t>(payload);
    header.type = DONTREPLY;
    header.count = kMinorVersion;
    header.p1 = header.p2 = number;
    std::byte* to = us.services_.scratch().data() + size_;
    to += write_header(to, header);
    std::memset(to, 0, payload);
    std::memcpy(to, name.data(), name.size());
    size_ += kHeaderSize + payload;
    ++names_;
}

void Forward::send() noexcept {
    if (!neighbours_ || names_ == 0) return;
    Neighbours& us = *neighbours_;
    const double cost = kPerDatagram + static_cast<double>(names_);
    us.all_.take(cost);
    us.allowance_of(asked_.from).take(cost);
    Counters::add(us.services_.shared().counters.searches_forwarded, names_);
    const auto bytes = us.services_.scratch().first(size_);
    send_datagram(us.socket_.get(), bytes, us.everybody_, in_addr{});
}

}  // namespace pcas
