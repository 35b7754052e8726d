#include "server/unicast_watch.hpp"

#include <caProto.h>

#include <algorithm>
#include <array>
#include <system_error>
#include <utility>

#include "base/keyed_hash.hpp"
#include "proto/header.hpp"

namespace pcas {
namespace {

constexpr std::chrono::milliseconds kPause{500};
constexpr std::chrono::milliseconds kPatience{60};
constexpr unsigned kLongestPause = 5;  // 16 seconds, where binding anew does not help

// Every address of loopback is this host's. At this one there is nobody but those who
// are bound to all addresses.
constexpr std::uint32_t kAddress = 0x7f504341;  // 127.80.67.65
// A VERSION message, which servers take without a word, with one of these in p2.
constexpr std::uint32_t kWhoHears = 0x50434101;
constexpr std::uint32_t kWeHear = 0x50434102;

bool send_message(SOCKET socket, const sockaddr_in& to, std::uint32_t number,
                  std::uint32_t what) noexcept {
    Header header;
    header.command = CA_PROTO_VERSION;
    header.count = kMinorVersion;
    header.p1 = number;
    header.p2 = what;
    std::array<std::byte, kExtendedHeaderSize> bytes;
    const std::size_t size = write_header(bytes.data(), header);
    return send_datagram(socket, std::span(bytes).first(size), to, in_addr{});
}

bool read_message(std::span<const std::byte> bytes, std::uint32_t what,
                  std::uint32_t& number) noexcept {
    Header header;
    if (bytes.size() != kHeaderSize || !read_header(bytes, header, false)) return false;
    number = header.p1;
    return header.command == CA_PROTO_VERSION && header.p2 == what;
}

}  // namespace

UnicastWatch::UnicastWatch(Services& services, SOCKET socket, std::uint16_t port,
                           std::function<void()> bind_anew)
    : services_(services),
      socket_(socket),
      bind_anew_(std::move(bind_anew)),
      number_(static_cast<std::uint32_t>(HashKey::draw().a)) {
    everybody_.sin_family = AF_INET;
    everybody_.sin_port = htons(port);
    everybody_.sin_addr = address_of(kAddress);
}

void UnicastWatch::look() {
    heard_ = false;
    send_message(socket_, everybody_, ++number_, kWhoHears);
    services_.timers().after(kPatience, [this] { judge(); });
}

void UnicastWatch::judge() {
    failures_ = heard_ ? 0 : failures_ + 1;
    if (!heard_) bind_anew_();
    const unsigned longer = failures_ < 2 ? 0 : std::min(failures_ - 1, kLongestPause);
    services_.timers().after(kPause * (1u << longer), [this] { look(); });
}

bool UnicastWatch::is_answer(std::span<const std::byte> bytes) noexcept {
    std::uint32_t number = 0;
    if (!read_message(bytes, kWeHear, number)) return false;
    heard_ |= number == number_;
    return true;
}

bool UnicastWatch::answer(SOCKET socket, const Datagram& datagram,
                          std::span<const std::byte> bytes) noexcept {
    if (datagram.sent_to.s_addr != htonl(kAddress)) return false;
    std::uint32_t number = 0;
    if (is_loopback(datagram.from.sin_addr) && read_message(bytes, kWhoHears, number)) {
        send_message(socket, datagram.from, number, kWeHear);
    }
    return true;
}

}  // namespace pcas
