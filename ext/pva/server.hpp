// Serves the names of a namespace over PVAccess.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "pv/client_row.hpp"
#include "pv/namespace.hpp"

namespace pcas::pva {

class PvaServer {
  public:
    // `names` are shared with a server of another protocol, which calls their fork
    // functions: behind prepare_fork() here, and ahead of the others. `log` outlives
    // this.
    PvaServer(const std::shared_ptr<Namespace>& names, Log& log,
              std::size_t max_open_requests, std::size_t max_open_bytes);
    ~PvaServer();  // close()
    PvaServer(const PvaServer&) = delete;
    PvaServer& operator=(const PvaServer&) = delete;

    // ---- any thread but the server's own ----
    // As EPICS_PVAS_* and EPICS_PVA_* say, but on `interfaces` if there are some.
    // Throws std::runtime_error, always so in the child of a process that has served.
    // Does nothing while it runs; after close() it starts anew.
    void start(const std::vector<std::string>& interfaces);
    // False in the child of a process that has served: pvxs does not work there.
    static bool usable() noexcept;
    // Ends all connections. PVs stay. May be called again.
    void close() noexcept;
    bool running() const noexcept;
    std::uint16_t tcp_port() const noexcept;  // 0 while it does not run
    std::uint16_t udp_port() const noexcept;
    std::map<std::string, std::uint64_t> stats() const;
    // As pcas::Server has them.
    std::vector<ClientRow> clients() const;
    ChannelRows channels(std::uint64_t client, std::size_t offset,
                         std::size_t limit) const;

    // Around fork(), as pcas::Server has them.
    void prepare_fork();
    void after_fork_in_parent();
    void after_fork_in_child() noexcept;

  private:
    struct Running;
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace pcas::pva
