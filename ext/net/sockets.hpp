// Sockets: what differs between platforms, in one place.
#pragma once

#include <osiSock.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "net/unique_fd.hpp"

namespace pcas {

struct SendResult {
    std::size_t bytes = 0;  // taken by the socket; fewer than offered: it would block
    bool failed = false;
};
// Gathers the pieces in one system call. Never raises SIGPIPE.
SendResult send_pieces(SOCKET fd,
                       std::span<const std::span<const std::byte>> pieces) noexcept;

struct ReceiveResult {
    std::size_t bytes = 0;
    enum { Data, Blocked, Closed, Failed } state = Data;
};
ReceiveResult receive(SOCKET fd, std::span<std::byte> into) noexcept;

// All throw std::system_error that names what was tried, address and port included.
UniqueSocket listen_tcp(const in_addr& address, std::uint16_t port);
// With reuse: several servers of one host share the search port. Where the system gives
// a datagram for all of them to one, that is the one that was bound last to all
// addresses, or one picked at random of those that share a certain address.
UniqueSocket bind_udp(const in_addr& address, std::uint16_t port);
// `fresh` takes over the number of `fd`, which is closed. False where a system cannot.
bool replace_socket(SOCKET fd, UniqueSocket fresh) noexcept;
UniqueSocket open_udp();  // unbound, allowed to broadcast
std::uint16_t local_port(SOCKET fd);
void set_nonblocking(SOCKET fd);
// No delay of small messages. A peer that says nothing is probed, and the connection
// fails when it has not answered for `timeout`; 0: when the system has had enough.
void tune_circuit(SOCKET fd, std::chrono::seconds timeout) noexcept;
// For one that is sent much at a time. To a peer on this host less is then under way
// than the system would allow, so that it is still in the processor's cache when it is
// read; to other hosts nothing changes.
void tune_bulk(SOCKET fd) noexcept;
// Data is under way to a peer that has acknowledged nothing for `timeout`, not even the
// repetitions. A peer that is there and does not read acknowledges. Always false where
// the system does not tell.
bool is_unanswered(SOCKET fd, std::chrono::milliseconds timeout) noexcept;

// A connection from the listener: invalid if there is none. `exhausted` tells that the
// process or the host has no descriptor left.
UniqueSocket accept_tcp(SOCKET listener, sockaddr_in& peer, bool& exhausted) noexcept;

// Whether a descriptor can be had and as many as `reserve` are left then, or an eighth
// of what this process may have if that is less.
bool descriptor_to_spare(SOCKET any, std::size_t reserve) noexcept;
// How many the process may have; 0 if that is unknown or without limit.
std::uint64_t descriptor_limit() noexcept;

struct Datagram {
    std::size_t size = 0;
    sockaddr_in from{};
    in_addr to{};  // which of our addresses it came to; 0.0.0.0 where unknown
    in_addr
        sent_to{};  // what it was sent to: the same, or a broadcast or multicast one

    bool is_unicast() const noexcept {
        return to.s_addr != 0 && to.s_addr == sent_to.s_addr;
    }
};
// False when nothing is there. Errors that an earlier send caused count as nothing.
bool receive_datagram(SOCKET fd, std::span<std::byte> into,
                      Datagram& datagram) noexcept;
// From the address it came to, if that is a unicast address of ours.
bool send_datagram(SOCKET fd, std::span<const std::byte> bytes, const sockaddr_in& to,
                   in_addr source) noexcept;
bool want_destination(SOCKET fd) noexcept;  // makes Datagram::to known, where possible

std::string dotted(const in_addr& address);
std::string dotted(const sockaddr_in& address);     // with the port
in_addr address_of(std::uint32_t number) noexcept;  // 0x7f000001: 127.0.0.1
bool is_multicast(const in_addr& address) noexcept;
bool is_loopback(const in_addr& address) noexcept;
// Broadcast addresses of the host's interfaces, or of the one that has `interface`.
std::vector<in_addr> broadcast_addresses(SOCKET fd, const in_addr& interface);
// Name or dotted address, with an optional ":port". False if it cannot be resolved, or
// is longer than a name can be.
bool resolve(const std::string& text, std::uint16_t default_port, sockaddr_in& out);

[[noreturn]] void throw_socket_error(const std::string& what);

}  // namespace pcas
