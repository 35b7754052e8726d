// What the log says of a put that never reaches the driver: whose it was, the value,
// and why.
#pragma once

#include <string>
#include <string_view>

#include "access/client_identity.hpp"
#include "proto/framer.hpp"
#include "pv/pv.hpp"

namespace pcas {

// "PV X: refused a put of 5 by user@host (address): why". Nothing from the network
// goes in unless it can be printed.
std::string refused_put_text(const Message& put, const Pv& pv,
                             const ClientIdentity& client, std::string_view why);

}  // namespace pcas
