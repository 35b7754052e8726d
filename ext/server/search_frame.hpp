// Answers to one datagram of searches. Loop thread only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "net/sockets.hpp"
#include "proto/header.hpp"

namespace pcas {

// What a client said ahead of its searches.
struct ClientVersion {
    std::uint16_t minor = 0;
    bool sequence_valid = false;
    std::uint32_t sequence = 0;

    bool operator==(const ClientVersion&) const = default;
};

// Where a name is served.
struct Hit {
    std::uint16_t tcp_port = 0;
    std::uint32_t address = kNoCid;  // "use the address this came from"
    std::uint16_t minor = kMinorVersion;
};

// Frames of at most 1024 bytes that start with VERSION.
class SearchFrame {
  public:
    static constexpr std::size_t kMaxFrame = 1024;  // MAX_UDP_SEND

    SearchFrame(SOCKET fd, const Datagram& asked) noexcept : fd_(fd), asked_(asked) {}
    void set_version(const ClientVersion& version) noexcept { version_ = version; }
    const ClientVersion& version() const noexcept { return version_; }
    void add_hit(std::uint32_t cid, const Hit& hit) noexcept;
    // False if the system refused to send.
    bool send() noexcept;

  private:
    SOCKET fd_;
    const Datagram& asked_;
    ClientVersion version_;
    bool sent_all_ = true;
    std::size_t size_ = 0;
    std::array<std::byte, kMaxFrame> bytes_;
};

}  // namespace pcas
