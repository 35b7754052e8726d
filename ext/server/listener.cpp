#include "server/listener.hpp"

#include <chrono>
#include <cstdint>
#include <exception>
#include <string>
#include <system_error>
#include <utility>

#include "server/circuits.hpp"

namespace pcas {

Listener::Listener(Services& services, Circuits& circuits, UniqueSocket socket)
    : services_(services), circuits_(circuits), socket_(std::move(socket)) {
    services_.poller().add(socket_.get(), *this, {true, false});
}

Listener::~Listener() { services_.poller().remove(socket_.get(), *this); }

void Listener::on_io(bool, bool) {
    constexpr int kPerTurn = 64;
    const std::size_t reserve = services_.shared().config.descriptor_reserve;
    for (int i = 0; i < kPerTurn; ++i) {
        sockaddr_in peer{};
        bool exhausted = false;
        if (!descriptor_to_spare(socket_.get(), reserve)) return pause();
        UniqueSocket socket = accept_tcp(socket_.get(), peer, exhausted);
        if (exhausted) return pause();
        if (!socket) return;
        try {
            circuits_.adopt(std::move(socket), peer);
            if (logged_) log_recovered();
        } catch (const std::exception& error) {
            services_.shared().log.add_caught("accept", "circuit refused", error);
        }
    }
}

void Listener::pause() {
    constexpr std::chrono::milliseconds kPause{100};
    Shared& shared = services_.shared();
    Counters::add(shared.counters.accept_pauses);
    log_exhausted();
    services_.poller().change(socket_.get(), *this, {false, false});
    services_.timers().after(kPause, [this] {
        services_.poller().change(socket_.get(), *this, {true, false});
    });
}

void Listener::log_exhausted() {
    constexpr std::chrono::minutes kQuiet{1};
    const Clock::time_point now = Clock::now();
    if (now < quiet_until_) return;
    quiet_until_ = now + kQuiet;
    logged_ = true;
    std::string text = "no file descriptor is free for a new circuit: new clients wait";
    if (const std::uint64_t limit = descriptor_limit()) {
        text += ". This process has a limit of " + std::to_string(limit) +
                ", which `ulimit -n` and LimitNOFILE of systemd set";
    }
    services_.shared().log.add(LogLevel::Error, "accept", text);
}

void Listener::log_recovered() {
    logged_ = false;
    services_.shared().log.add(LogLevel::Warning, "accept",
                               "new clients are accepted again");
}

std::vector<UniqueSocket> listen_on_all(const std::vector<in_addr>& addresses,
                                        std::uint16_t wanted, std::uint16_t& port) {
    constexpr int kTries = 20;
    for (int attempt = 0;; ++attempt) {
        std::vector<UniqueSocket> sockets;
        port = attempt == 0 ? wanted : 0;
        try {
            for (const in_addr& address : addresses) {
                sockets.push_back(listen_tcp(address, port));
                port = local_port(sockets.back().get());
            }
            return sockets;
        } catch (const std::system_error& error) {
            if (error.code() != std::errc::address_in_use || attempt == kTries) throw;
        }
    }
}

}  // namespace pcas
