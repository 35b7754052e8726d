// The request that this thread carries out for a Driver, so that it can ask who wrote.
#pragma once

#include "base/export.hpp"
#include "pv/request.hpp"

namespace pcas {

// Null if it carries out none.
PCAS_API const Request* current_request() noexcept;

// Returns the one before, to be put back.
PCAS_API const Request* swap_current_request(const Request* request) noexcept;

}  // namespace pcas
