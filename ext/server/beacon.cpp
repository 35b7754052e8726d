#include "server/beacon.hpp"

#include <caProto.h>

#include <algorithm>

#include "proto/header.hpp"
#include "server/loop.hpp"

namespace pcas {

Beacon::Beacon(Loop& loop) : loop_(loop), socket_(open_udp()) {
    const Config& config = loop.shared().config;
    Log& log = loop.shared().log;
    const int ttl = config.multicast_ttl;
    ::setsockopt(socket_.get(), IPPROTO_IP, IP_MULTICAST_TTL,
                 reinterpret_cast<const char*>(&ttl), sizeof ttl);
    std::vector<sockaddr_in> found;
    for (const std::string& text : config.beacon_addresses) {
        sockaddr_in address;
        if (resolve(text, config.beacon_port, address))
            found.push_back(address);
        else
            log.add(LogLevel::Warning, "config",
                    "beacon address \"" + text + "\" is unknown");
    }
    if (config.auto_beacon_addresses) {
        std::vector<in_addr> interfaces;
        for (const std::string& text : config.interfaces) {
            sockaddr_in address;
            if (resolve(text, 0, address)) interfaces.push_back(address.sin_addr);
        }
        if (interfaces.empty()) interfaces.push_back(in_addr{});
        for (const in_addr& interface : interfaces) {
            for (const in_addr& target :
                 broadcast_addresses(socket_.get(), interface)) {
                sockaddr_in address{};
                address.sin_family = AF_INET;
                address.sin_addr = target;
                address.sin_port = htons(config.beacon_port);
                found.push_back(address);
            }
        }
    }
    for (const sockaddr_in& address : found) {
        const bool known =
            std::any_of(targets_.begin(), targets_.end(), [&](const Target& t) {
                return t.address.sin_addr.s_addr == address.sin_addr.s_addr &&
                       t.address.sin_port == address.sin_port;
            });
        if (!known) targets_.push_back({address});
    }
}

void Beacon::start() { send(); }

void Beacon::send() {
    loop_.timers().after(std::chrono::duration_cast<Timers::Clock::duration>(interval_),
                         [this] { send(); });
    const std::chrono::duration<double> period(loop_.shared().config.beacon_period);
    interval_ = std::min(interval_ * 2, period);
    Header header;
    header.command = CA_PROTO_RSRV_IS_UP;
    header.type = kMinorVersion;
    header.count = loop_.shared().tcp_port.load();
    header.p1 = sequence_++;
    std::array<std::byte, kExtendedHeaderSize> bytes;
    const auto message = std::span(bytes).first(write_header(bytes.data(), header));
    for (Target& target : targets_) {
        if (send_datagram(socket_.get(), message, target.address, in_addr{})) continue;
        if (std::exchange(target.failed, true)) continue;
        loop_.shared().log.add(
            LogLevel::Info, "beacon",
            "beacon to " + dotted(target.address) + " cannot be sent");
    }
}

}  // namespace pcas
