// What a server is told at its start: addresses, ports and limits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/export.hpp"
#include "server/limits.hpp"

namespace pcas {

struct Config : Limits {
    // ---- where (ca-protocol: EPICS_CAS_* environment) ----
    std::uint16_t udp_port = 5064;        // searches; 0: the kernel chooses
    std::uint16_t tcp_port = 5064;        // wanted; an ephemeral one if it is taken
    std::vector<std::string> interfaces;  // dotted or names; empty: all
    std::vector<std::string> ignored;  // source addresses whose datagrams are dropped
    std::vector<std::string> beacon_addresses;  // host[:port]
    bool auto_beacon_addresses = true;  // add the interfaces' broadcast addresses
    std::uint16_t beacon_port = 5065;
    double beacon_period = 15.0;  // seconds
    static constexpr double kLeastBeaconPeriod = 0.01;
    std::uint8_t multicast_ttl = 1;

    // Reads the environment with libCom's rules (blank values count as unset). Text of
    // what was not usable goes to `warnings`.
    PCAS_API static Config from_environment(std::vector<std::string>& warnings);
};

}  // namespace pcas
