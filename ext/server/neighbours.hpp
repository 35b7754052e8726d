// The other servers of this host that share our search port. What is sent to one
// address reaches only one of us: it asks the others, by the broadcast address of
// loopback, for the names that it does not serve, and passes their answers on. Loop
// thread only.
//
// No circles: what came to a broadcast address is never forwarded. No more than one
// datagram for each one that came, and none to another host but the answers.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "net/poller.hpp"
#include "net/sockets.hpp"
#include "server/search_frame.hpp"
#include "server/services.hpp"
#include "server/unicast_watch.hpp"

namespace pcas {

// Whom a datagram speaks for: its sender, or the client that a neighbour tells of.
struct Asker {
    sockaddr_in client{};
    in_addr used{};  // the address of this host that the client used; 0.0.0.0: unknown
};
Asker asker_of(const Datagram& datagram, std::span<const std::byte> bytes) noexcept;

// How much one asker, or all of them, may have forwarded.
class Allowance {
  public:
    using Clock = std::chrono::steady_clock;

    bool left(Clock::time_point now, double per_second) noexcept;
    void take(double cost) noexcept { left_ -= cost; }

  private:
    double left_ = 0;
    Clock::time_point filled_{};  // long ago: full
};

class Neighbours final : public IoHandler {
  public:
    Neighbours(Services& services, std::uint16_t port);  // throws std::system_error
    ~Neighbours();
    Neighbours(const Neighbours&) = delete;
    Neighbours& operator=(const Neighbours&) = delete;

    // Where all of us hear: the broadcast address of loopback.
    static in_addr address() noexcept;
    // Has `bind_anew` called when another one gets what is sent to one address.
    void watch(std::function<void()> bind_anew);
    // What we or another one of ours sent for our own sake: no search for us.
    bool is_ours(SOCKET socket, const Datagram& datagram,
                 std::span<const std::byte> bytes) noexcept;
    void on_io(bool readable, bool writable) override;

  private:
    friend class Forward;
    // A name that was asked for. The answer comes with its number in place of the CID.
    struct Question {
        std::uint32_t number = 0;
        bool open = false;
        std::uint32_t cid = 0;
        SOCKET reply_socket = INVALID_SOCKET;
        in_addr from{}, to{};
        std::uint16_t from_port = 0;
        ClientVersion version;
        Allowance::Clock::time_point asked;
    };
    static constexpr std::size_t kPerBlock = 256, kBlocks = 32, kAskers = 64;

    Allowance& allowance_of(const sockaddr_in& from) noexcept;
    Question& question(std::uint32_t number);
    void pass_on(std::span<const std::byte> bytes);
    Question* answered(std::uint32_t number) noexcept;

    Services& services_;
    UniqueSocket socket_;  // on loopback: nobody outside reaches it
    sockaddr_in everybody_{};
    std::uint16_t own_port_ = 0;
    std::optional<UnicastWatch> watch_;
    // A ring: the newest ones overwrite the oldest. Made when they are needed.
    std::array<std::unique_ptr<std::array<Question, kPerBlock>>, kBlocks> questions_;
    std::uint32_t next_number_;
    Allowance all_;
    std::array<Allowance, kAskers> each_;  // by a hash of the asker
};

// The names of one datagram that others are asked for.
class Forward {
  public:
    // Nothing is forwarded without neighbours, or if everybody has the datagram.
    Forward(Neighbours* neighbours, const Datagram& asked, SOCKET reply_socket) noexcept
        : neighbours_(asked.is_unicast() ? neighbours : nullptr),
          asked_(asked),
          reply_socket_(reply_socket) {}
    bool wanted() const noexcept { return neighbours_; }
    void add(std::string_view name, std::uint32_t cid, const ClientVersion& version);
    void send() noexcept;

  private:
    bool begin();

    Neighbours* neighbours_;  // null from when no more is forwarded
    const Datagram& asked_;
    const SOCKET reply_socket_;
    Allowance::Clock::time_point now_;
    std::size_t names_ = 0;
    std::size_t size_ = 0;  // in the scratch buffer
};

}  // namespace pcas
