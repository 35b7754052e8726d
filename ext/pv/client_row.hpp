// What a server says of its clients to whoever looks inside.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "access/client_identity.hpp"
#include "dbr/snapshot.hpp"

namespace pcas {

// A circuit, or a connection of another protocol.
struct ClientRow {
    std::uint64_t number = 0;  // its lane: no other client of the namespace has it
    ClientPtr client;
    std::size_t channels = 0, subscriptions = 0;
    TimeStamp since;
    std::size_t held = 0;     // bytes
    std::size_t waiting = 0;  // requests that Python has not completed
    std::uint64_t sent = 0, received = 0;
    bool counts_bytes = true;  // else the last two are not known
};

struct ChannelRow {
    std::string pv;
    std::size_t subscriptions = 0;
    bool readable = false, writable = false;
};

struct ChannelRows {
    bool found = false;  // there is such a client
    std::size_t total = 0;
    std::vector<ChannelRow> rows;  // some of them
};

}  // namespace pcas
