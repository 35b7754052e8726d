// Where a server is and how it makes itself heard. An option is one line of the table
// below: the members of Options, the keywords of a server's constructor, what is read
// from the environment and the documentation are made from it.
#pragma once

#include <envDefs.h>

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/export.hpp"

namespace pcas {

using Port = std::uint16_t;
using Hops = std::uint8_t;
using Seconds = double;
using Words = std::vector<std::string>;
inline constexpr double kAnyNumber = std::numeric_limits<double>::infinity();

// Ours, beside those of libCom.
extern const ENV_PARAM PCASPY_NEIGHBOURS;

//  type, name, standard, least, most,
//  variable, the one that is read if that is not set,
//  meaning
#define PCAS_OPTIONS(X)                                                                \
    X(Port, udp_port, 5064, 0, 65535, EPICS_CAS_SERVER_PORT, EPICS_CA_SERVER_PORT,     \
      "UDP port for searches; 0: a free port")                                         \
    X(Port, tcp_port, 5064, 0, 65535, EPICS_CAS_SERVER_PORT, EPICS_CA_SERVER_PORT,     \
      "TCP port for connections, or a free port if it is in use; 0: a free port")      \
    X(Words, interfaces, {}, 0, 0, EPICS_CAS_INTF_ADDR_LIST, EPICS_CAS_INTF_ADDR_LIST, \
      "addresses to serve on, and multicast groups to join; none: all addresses")      \
    X(Words, ignored, {}, 0, 0, EPICS_CAS_IGNORE_ADDR_LIST,                            \
      EPICS_CAS_IGNORE_ADDR_LIST, "hosts whose searches are ignored")                  \
    X(Words, beacon_addresses, {}, 0, 0, EPICS_CAS_BEACON_ADDR_LIST,                   \
      EPICS_CAS_BEACON_ADDR_LIST,                                                      \
      "additional addresses for beacons, as host or host:port")                        \
    X(bool, auto_beacon_addresses, true, 0, 1, EPICS_CAS_AUTO_BEACON_ADDR_LIST,        \
      EPICS_CAS_AUTO_BEACON_ADDR_LIST, "send beacons to the broadcast addresses")      \
    X(Port, beacon_port, 5065, 1, 65535, EPICS_CAS_BEACON_PORT,                        \
      EPICS_CA_REPEATER_PORT, "port that beacons are sent to")                         \
    X(Seconds, beacon_period, 15, 0.01, kAnyNumber, EPICS_CAS_BEACON_PERIOD,           \
      EPICS_CA_BEACON_PERIOD, "longest time between two beacons, in seconds")          \
    X(Hops, multicast_ttl, 1, 0, 255, EPICS_CA_MCAST_TTL, EPICS_CA_MCAST_TTL,          \
      "time to live of multicast beacons: how many networks they reach")               \
    X(bool, neighbours, true, 0, 1, PCASPY_NEIGHBOURS, PCASPY_NEIGHBOURS,              \
      "ask the other servers on this host for names that a client has searched for "   \
      "at one address (Linux)")

struct Options {
#define PCAS_MEMBER(type, name, standard, ...) type name = standard;
    PCAS_OPTIONS(PCAS_MEMBER)
#undef PCAS_MEMBER
};

struct OptionInfo {
    const char* name;
    double least, most;         // of a number
    const ENV_PARAM* variable;  // libCom has them, with the names
    const ENV_PARAM* stand_in;  // the same again if there is none
    const char* meaning;
    std::variant<Port Options::*, Hops Options::*, Seconds Options::*, bool Options::*,
                 Words Options::*>
        where;

    bool is_list() const noexcept {
        return std::holds_alternative<Words Options::*>(where);
    }
    bool is_switch() const noexcept {
        return std::holds_alternative<bool Options::*>(where);
    }
    bool is_whole() const noexcept {
        return !std::holds_alternative<Seconds Options::*>(where);
    }
    // Of a number or a switch.
    PCAS_API double standard() const;
};
PCAS_API std::span<const OptionInfo> option_table();
// Null if there is none of that name.
const OptionInfo* find_option(std::string_view name);

// Sets what the environment has, by libCom's rules (blank values count as unset). Text
// of what was not usable goes to `warnings`.
void read_environment(Options& options, std::vector<std::string>& warnings);

}  // namespace pcas
