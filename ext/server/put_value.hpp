// The value of a put as the log shows it, from its message.
#pragma once

#include <string>

#include "proto/framer.hpp"

namespace pcas {

// Of one element; of others how many there are. Safe to print.
std::string put_value(const Message& put);

}  // namespace pcas
