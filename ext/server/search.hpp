// Searches over UDP: datagrams of names in, frames of hits out. Loop thread only.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "net/poller.hpp"
#include "net/sockets.hpp"
#include "net/time_budget.hpp"
#include "server/ca_request.hpp"
#include "server/neighbours.hpp"
#include "server/search_frame.hpp"
#include "server/shared.hpp"

namespace pcas {

class Services;
class SearchService;

// One UDP socket.
class SearchPort final : public IoHandler {
  public:
    SearchPort(SearchService& service, UniqueSocket socket, SOCKET reply_socket);
    ~SearchPort();
    void on_io(bool readable, bool writable) override;
    SOCKET fd() const noexcept { return socket_.get(); }
    // `fresh` is bound like this one, which it replaces.
    void replace(UniqueSocket fresh);

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
    struct Searched {  // a datagram
        const Datagram& datagram;
        SOCKET reply_socket;
        Asker asker;
        bool ignored;  // answered by neighbours at the most
        SearchFrame frame;
        Forward forward;
    };

    UniqueSocket open(const in_addr& address);
    void look_for_neighbours();
    void bind_anew();
    // Whether clients that use this address of the host can reach us there.
    bool serves(const in_addr& address) const noexcept;
    bool ignores(const in_addr& address) const noexcept;
    void answer(Searched& searched, std::span<const std::byte> bytes);
    void search(const Header& header, std::string_view name, Searched& searched);
    void ask_python(const Header& header, std::string_view name,
                    const Searched& searched);
    void note_miss(std::string_view name, const Searched& searched);
    Hit own_hit() const noexcept;

    struct Asked {  // the request is the queue's and Python's
        Datagram datagram;
        SOCKET reply_socket;
        ClientVersion version;
    };
    static constexpr std::size_t kMaxAsked = 10'000;
    static constexpr std::size_t kMaxAskedBytes = std::size_t{1} << 20;

    Services& services_;
    Shared& shared_;
    std::vector<std::byte> buffer_;
    std::vector<in_addr> addresses_, groups_;
    std::vector<std::unique_ptr<SearchPort>> ports_;
    SearchPort* at_all_ = nullptr;            // the one at all addresses
    std::unique_ptr<Neighbours> neighbours_;  // null: they are not asked
    std::vector<in_addr> ignored_;
    std::uint16_t port_ = 0;
    std::size_t names_this_turn_ = 0;
    std::unordered_map<const Request*, Asked> asked_;
    std::size_t asked_bytes_ = 0;  // of their names
};

}  // namespace pcas
