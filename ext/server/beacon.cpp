#include "server/beacon.hpp"

#include <caProto.h>

#include <algorithm>

#include "proto/header.hpp"
#include "server/services.hpp"

namespace pcas {
namespace {

constexpr std::chrono::milliseconds kFirstInterval{20};

}  // namespace

Beacon::Beacon(Services& services)
    : services_(services), socket_(open_udp()), interval_(kFirstInterval) {
    const Config& config = services.shared().config;
    const int ttl = config.multicast_ttl;
    ::setsockopt(socket_.get(), IPPROTO_IP, IP_MULTICAST_TTL,
                 reinterpret_cast<const char*>(&ttl), sizeof ttl);
    for (const std::string& text : config.interfaces) {
        sockaddr_in address;
        if (resolve(text, 0, address) && !is_multicast(address.sin_addr))
            interfaces_.push_back(address.sin_addr);
    }
    add_listed();
    add_broadcasts();
}

void Beacon::add_listed() {
    const Config& config = services_.shared().config;
    const bool one = interfaces_.size() == 1 && !is_loopback(interfaces_[0]);
    for (const std::string& text : config.beacon_addresses) {
        sockaddr_in address;
        if (resolve(text, config.beacon_port, address))
            add(address, one ? interfaces_[0] : in_addr{});
        else
            services_.shared().log.add(
                LogLevel::Warning, "config",
                "beacon address \"" + printable(text) + "\" cannot be resolved");
    }
}

bool Beacon::add_broadcasts() {
    const Config& config = services_.shared().config;
    if (!config.auto_beacon_addresses) return false;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(config.beacon_port);
    bool added = false;
    const auto add_those_of = [&](const in_addr& interface) {
        for (const in_addr& found : broadcast_addresses(socket_.get(), interface)) {
            address.sin_addr = found;
            added |= add(address, interface);
        }
    };
    std::for_each(interfaces_.begin(), interfaces_.end(), add_those_of);
    if (interfaces_.empty()) add_those_of(in_addr{});
    return added;
}

bool Beacon::add(const sockaddr_in& address, in_addr source) {
    const auto same = [&](const Target& target) {
        return target.address.sin_addr.s_addr == address.sin_addr.s_addr &&
               target.address.sin_port == address.sin_port;
    };
    if (std::any_of(targets_.begin(), targets_.end(), same)) return false;
    targets_.push_back({address, source});
    return true;
}

void Beacon::start() { send(); }

void Beacon::send() {
    plan_next();
    Header header;
    header.command = CA_PROTO_RSRV_IS_UP;
    header.type = kMinorVersion;
    header.count = services_.shared().tcp_port.load();
    header.p1 = sequence_++;
    std::array<std::byte, kExtendedHeaderSize> bytes;
    const auto message = std::span(bytes).first(write_header(bytes.data(), header));
    for (Target& target : targets_) {
        if (send_datagram(socket_.get(), message, target.address, target.source)) {
            target.failed = false;
            continue;
        }
        if (std::exchange(target.failed, true)) continue;
        services_.shared().log.add(
            LogLevel::Info, "beacon",
            "beacon to " + dotted(target.address) + " cannot be sent");
    }
}

// Clients in a network that is new hear of the server twice before they search again:
// not a whole period apart.
void Beacon::plan_next() {
    const std::chrono::duration<double> period(services_.shared().config.beacon_period);
    if (interval_ >= period && add_broadcasts()) interval_ = kFirstInterval;
    services_.timers().after(
        std::chrono::duration_cast<Timers::Clock::duration>(interval_),
        [this] { send(); });
    interval_ = std::min<std::chrono::duration<double>>(interval_ * 2, period);
}

}  // namespace pcas
