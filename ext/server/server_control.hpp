// How a server starts and ends its loop.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>

#include "server/loop.hpp"
#include "server/server.hpp"

namespace pcas {

struct Server::Control {
    std::mutex mutex;  // guards the rest; held while the loop starts or ends
    std::unique_ptr<Loop> loop;
    std::thread thread;
    std::atomic<bool> running{false};  // there is a loop; read without the mutex
};

}  // namespace pcas
