// Beacons: "a server is here", first every 20 ms, then ever slower. Loop thread only.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <vector>

#include "server/net.hpp"

namespace pcas {

class Loop;

class Beacon {
  public:
    // Resolves where beacons go; what cannot be resolved is logged. Throws
    // std::system_error if there is no socket to be had.
    explicit Beacon(Loop& loop);
    void start();  // sends the first one and plans the others

  private:
    void send();

    struct Target {
        sockaddr_in address;
        bool failed = false;  // logged once
    };
    Loop& loop_;
    UniqueSocket socket_;
    std::vector<Target> targets_;
    std::uint32_t sequence_ = 0;
    std::chrono::duration<double> interval_{0.02};
};

}  // namespace pcas
