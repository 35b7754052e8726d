// Who is at the other end of a circuit.
#pragma once

#include <cstdint>
#include <string>

#include "base/ref.hpp"

namespace pcas {

enum class Protocol : std::uint8_t {
    ChannelAccess,
    PVAccess,
    Control  // of no protocol of EPICS: a program on this host
};

// Immutable; a client that renames itself gets another one.
struct ClientIdentity : RefCounted {
    std::string user;     // from CLIENT_NAME
    std::string host;     // from HOST_NAME; the claim of the client
    std::string address;  // "a.b.c.d:port" of the peer
    Protocol protocol = Protocol::ChannelAccess;
    static void destroy(const ClientIdentity* c) noexcept { delete c; }
};
using ClientPtr = Ref<const ClientIdentity>;

}  // namespace pcas
