#include "pv/current_request.hpp"

#include <utility>

namespace pcas {
namespace {

thread_local const Request* current = nullptr;

}  // namespace

const Request* current_request() noexcept { return current; }

const Request* swap_current_request(const Request* request) noexcept {
    return std::exchange(current, request);
}

}  // namespace pcas
