// A descriptor that tells of requests, for a loop that is not ours.
#pragma once

#include <memory>
#include <utility>

#include "net/waker.hpp"
#include "pv/request_queue.hpp"

namespace pcas::py {

inline void hang_bell(RequestQueue& requests, std::shared_ptr<Waker> waker) {
    requests.set_bell([rung = std::move(waker)] { rung->wake(); });
}
inline void take_bell_down(RequestQueue& requests) { requests.set_bell({}); }

}  // namespace pcas::py
