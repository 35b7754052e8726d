// What a server is told at its start: addresses, ports and limits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace pcas {

struct Config {
    // ---- where (ca-protocol: EPICS_CAS_* environment) ----
    std::uint16_t udp_port = 5064;        // searches; 0: the kernel chooses
    std::uint16_t tcp_port = 5064;        // wanted; an ephemeral one if it is taken
    std::vector<std::string> interfaces;  // dotted or names; empty: all
    std::vector<std::string> ignored;  // source addresses whose datagrams are dropped
    std::vector<std::string> beacon_addresses;  // host[:port]
    bool auto_beacon_addresses = true;  // add the interfaces' broadcast addresses
    std::uint16_t beacon_port = 5065;
    double beacon_period = 15.0;  // seconds
    std::uint8_t multicast_ttl = 1;

    // ---- limits ----
    std::size_t max_circuits = 100'000;
    std::size_t max_circuits_per_host = 10'000;
    std::size_t max_channels = 1'000'000;       // per circuit
    std::size_t max_subscriptions = 1'000'000;  // per circuit
    std::uint64_t max_payload = 1ull << 30;     // of one request, bytes
    std::uint64_t max_response = 1ull << 30;    // of one reply or update, bytes
    std::size_t output_high_water = 1 << 20;    // bytes unsent and being read by Python
                                                // at which a circuit's requests wait;
                                                // updates at a quarter, unsent
    std::size_t max_open_requests = 4096;       // per circuit, waiting for Python
    std::size_t max_open_bytes = 64 << 20;      // per circuit, of their values
    std::size_t max_deferred_puts = 4096;       // per circuit, accepted, not completed
    std::size_t max_queued_requests = 100'000;  // of all circuits, waiting for Python
    std::size_t max_queued_bytes = 256 << 20;   // of all circuits, of their values
    std::size_t max_searches_per_turn = 20'000;  // names answered per loop turn
    unsigned log_rate = 10;                      // messages per second and source

    // Reads the environment with libCom's rules (blank values count as unset). Text of
    // what was not usable goes to `warnings`.
    static Config from_environment(std::vector<std::string>& warnings);
};

}  // namespace pcas
