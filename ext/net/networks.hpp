// The networks of this host, for programs that only look.
#pragma once

#include <string>
#include <vector>

#include "base/export.hpp"

namespace pcas {

// Broadcast addresses of the networks that the interface of that address is in; of all
// interfaces for "0.0.0.0". Throws std::system_error.
PCAS_API std::vector<std::string> broadcast_networks(const std::string& interface);

}  // namespace pcas
