// Searches over UDP: datagrams of names in, frames of hits out. Loop thread only.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "net/poller.hpp"
#include "net/sockets.hpp"
#include "net/time_budget.hpp"
#include "server/ca_request.hpp"
#include "server/shared.hpp"

namespace pcas {

class Services;
class SearchService;
struct Header;

// Replies to one datagram, in frames of at most 1024 bytes that start with VERSION.
class SearchFrame {
  public:
    static constexpr std::size_t kMaxFrame = 1024;  // MAX_UDP_SEND

    SearchFrame(SOCKET fd, const Datagram& asked) noexcept : fd_(fd), asked_(asked) {}
    void set_version(std::uint16_t minor, std::uint32_t sequence, bool valid) noexcept {
        minor_ = minor;
        sequence_ = sequence;
        sequence_valid_ = valid;
    }
    void add_hit(std::uint32_t cid, std::uint16_t tcp_port) noexcept;
    // False if the system refused to send.
    bool send() noexcept;

  private:
    SOCKET fd_;
    const Datagram& asked_;
    std::uint16_t minor_ = 0;
    std::uint32_t sequence_ = 0;
    bool sequence_valid_ = false;
    bool sent_all_ = true;
    std::size_t size_ = 0;
    std::array<std::byte, kMaxFrame> bytes_;
};

// One UDP socket.
class SearchPort final : public IoHandler {
  public:
    SearchPort(SearchService& service, UniqueSocket socket, SOCKET reply_socket);
    ~SearchPort();
    void on_io(bool readable, bool writable) override;
    SOCKET fd() const noexcept { return socket_.get(); }

  private:
    SearchService& service_;
    UniqueSocket socket_;
    const SOCKET reply_socket_;  // another port's, for one bound to a broadcast address
};

class SearchService {
  public:
    explicit SearchService(Services& services);
    // Binds the search port on the addresses; throws std::system_error.
    void bind(const std::vector<in_addr>& addresses,
              const std::vector<in_addr>& multicast_groups, std::uint16_t port);
    std::uint16_t port() const noexcept { return port_; }
    void answer(SOCKET reply_socket, const Datagram& datagram,
                std::span<const std::byte> bytes);
    // A search that Python was asked about.
    void on_completion(const CaRequest& request);
    void new_turn() noexcept { names_this_turn_ = 0; }
    bool names_left() const noexcept;
    Services& services() noexcept { return services_; }
    std::span<std::byte> buffer() noexcept { return buffer_; }

  private:
    bool ignored(const Datagram& datagram) const noexcept;
    void search(const Header& header, std::string_view name, const Datagram& datagram,
                SOCKET reply_socket, SearchFrame& frame);
    void ask_python(const Header& header, std::string_view name,
                    const Datagram& datagram, SOCKET reply_socket);

    struct Asked {  // the request is the queue's and Python's
        Datagram datagram;
        SOCKET reply_socket;
    };
    static constexpr std::size_t kMaxAsked = 10'000;
    static constexpr std::size_t kMaxAskedBytes = std::size_t{1} << 20;

    Services& services_;
    Shared& shared_;
    std::vector<std::byte> buffer_;
    std::vector<std::unique_ptr<SearchPort>> ports_;
    std::vector<in_addr> ignored_;
    std::uint16_t port_ = 0;
    std::size_t names_this_turn_ = 0;
    std::unordered_map<const Request*, Asked> asked_;
    std::size_t asked_bytes_ = 0;  // of their names
};

}  // namespace pcas
