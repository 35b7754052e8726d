// The request that this thread carries out for a Driver, so that it can ask who wrote.
#pragma once

#include <utility>

#include "pv/request.hpp"

namespace pcas::py {

inline const Request*& current_request() noexcept {
    thread_local const Request* current = nullptr;
    return current;
}

// Returns the one before, to be put back.
inline const Request* swap_current_request(const Request* request) noexcept {
    return std::exchange(current_request(), request);
}

}  // namespace pcas::py
