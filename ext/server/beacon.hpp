// Beacons: "a server is here", first every 20 ms, then ever slower. Loop thread only.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <vector>

#include "net/sockets.hpp"

namespace pcas {

class Services;

class Beacon {
  public:
    // Resolves where beacons go; what cannot be resolved is logged. Throws
    // std::system_error if there is no socket to be had.
    explicit Beacon(Services& services);
    void start();  // sends the first one and plans the others

  private:
    struct Target {
        sockaddr_in address;
        in_addr source;       // clients take it for the circuits' address; 0.0.0.0: any
        bool failed = false;  // logged once
    };

    void add_listed();
    bool add_broadcasts();  // true if there is a network that was not there before
    bool add(const sockaddr_in& address, in_addr source);
    void send();
    void plan_next();

    Services& services_;
    UniqueSocket socket_;
    std::vector<in_addr> interfaces_;  // those that the server is bound to; empty: all
    std::vector<Target> targets_;
    std::uint32_t sequence_ = 0;
    std::chrono::duration<double> interval_;
};

}  // namespace pcas
