// A TCP port that accepts circuits. Loop thread only.
#pragma once

#include <chrono>
#include <vector>

#include "net/poller.hpp"
#include "net/unique_fd.hpp"

namespace pcas {

class Circuits;
class Services;

class Listener final : public IoHandler {
  public:
    Listener(Services& services, Circuits& circuits, UniqueSocket socket);
    ~Listener();
    void on_io(bool readable, bool writable) override;
    SOCKET fd() const noexcept { return socket_.get(); }

  private:
    using Clock = std::chrono::steady_clock;

    // No descriptor is left: look again later, and do not spin meanwhile.
    void pause();
    // Of that state there is one line a minute, and one when it is over.
    void log_exhausted();
    void log_recovered();

    Services& services_;
    Circuits& circuits_;
    UniqueSocket socket_;
    bool logged_ = false;
    Clock::time_point quiet_until_{};
};

// Listening sockets on all `addresses`, all with one port: `wanted`, or an ephemeral
// one if that is taken on any of them. Throws std::system_error.
std::vector<UniqueSocket> listen_on_all(const std::vector<in_addr>& addresses,
                                        std::uint16_t wanted, std::uint16_t& port);

}  // namespace pcas
