// What each client host takes of the server: its circuits, and what is held for them.
// Loop thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "base/keyed_hash.hpp"
#include "server/account.hpp"
#include "server/config.hpp"

namespace pcas {

class CaRequest;

// An IPv4 address as sockaddr_in has it.
using HostAddress = std::uint32_t;

class Hosts {
  public:
    explicit Hosts(const Config& config) noexcept;

    bool may_enter(HostAddress address) const noexcept;
    // It lives as long as the host has circuits.
    Account& account(HostAddress address);
    // One more circuit of it.
    void enter(HostAddress address) noexcept { ++hosts_.at(address).circuits; }
    // That circuit is gone. What it left behind counts until it is completed.
    void leave(HostAddress address, std::uint64_t circuit, const LeftBehind& left);
    // A request of a circuit that is gone was completed.
    void on_completed(const CaRequest& request);

    std::size_t held_bytes() const noexcept { return all_.bytes(); }
    // What a host may hold was full, or what all may, and is no more. Told once.
    bool take_freed() noexcept { return all_.take_freed(); }
    void clear() noexcept;

  private:
    struct Host {
        Host(std::size_t limit, Account& all) noexcept : account(limit, &all) {}
        std::size_t circuits = 0;
        std::size_t gone = 0;  // circuits that left something behind
        Account account;
    };
    struct Gone {
        HostAddress host;
        LeftBehind left;
    };
    using Table = std::unordered_map<HostAddress, Host, KeyedHash>;

    void forget_if_unused(Table::iterator host) noexcept;

    const std::size_t max_circuits_, max_bytes_;  // of a host
    Account all_;                                 // of all hosts
    Table hosts_;  // those with circuits, or with something left behind
    std::unordered_map<std::uint64_t, Gone> gone_;  // by circuit
};

}  // namespace pcas
