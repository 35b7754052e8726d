// Why a put is refused, for the client.
#pragma once

#include <stdexcept>

namespace pcas::pva {

struct BadPut : std::runtime_error {
    using std::runtime_error::runtime_error;
};

}  // namespace pcas::pva
