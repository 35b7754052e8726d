// The Channel Access server: owns the loop thread and everything on it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/log.hpp"
#include "pv/pv.hpp"
#include "pv/pv_table.hpp"
#include "pv/request_queue.hpp"
#include "server/config.hpp"

namespace pcas {

class Loop;

class Server {
  public:
    explicit Server(Config config);
    ~Server();   // close()
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    // ---- any thread but the loop's ----
    // Binds the sockets and starts the loop thread. Throws std::system_error. Calling it
    // again while running does nothing; after close() it starts anew.
    void start();
    // Ends the loop thread and closes all circuits. PVs stay. May be called again.
    void close() noexcept;
    bool running() const noexcept;
    std::uint16_t tcp_port() const noexcept;   // 0 before start()
    std::uint16_t udp_port() const noexcept;

    // Serves `pv`, replacing the PV of the same name: its clients get SERVER_DISCONN and
    // come back by search.
    void add(PvPtr pv);
    // False if there is none of that name.
    bool remove(std::string_view name);
    PvPtr find(std::string_view name) const;
    std::size_t size() const;

    // Searches (channels) are answered by an Exists (Attach) request instead of the table.
    void set_search_by_request(bool on) noexcept;
    void set_attach_by_request(bool on) noexcept;

    RequestQueue& requests() noexcept { return requests_; }
    CompletionQueue& completions() noexcept { return *completions_; }
    Log& log() noexcept { return log_; }
    // Counters by name: circuits, channels, subscriptions, searches, refused_..., ...
    std::map<std::string, std::uint64_t> stats() const;

    // After fork() in the child: forgets the loop and closes the inherited descriptors
    // without a word to the clients, which belong to the parent.
    void abandon_after_fork() noexcept;

  private:
    friend class Loop;
    Config config_;
    Log log_;
    PvTable table_;
    RequestQueue requests_;
    std::shared_ptr<CompletionQueue> completions_;
    std::unique_ptr<Loop> loop_;   // set by start(), reset by close()
    struct Control;                // guards start and close
    std::unique_ptr<Control> control_;
};

}  // namespace pcas
