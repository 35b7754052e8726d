// Waits for sockets: epoll on Linux, poll() elsewhere. Loop thread only.
#pragma once

#include <osiSock.h>

#include <chrono>
#include <cstddef>
#include <memory>

namespace pcas {

// Who is told that its socket is ready.
class IoHandler {
  public:
    // An error or a hang-up counts as both.
    virtual void on_io(bool readable, bool writable) = 0;

  protected:
    ~IoHandler() = default;
};

struct Interest {
    bool read;
    bool write;
};

class Poller {
  public:
    static std::unique_ptr<Poller> create();  // throws std::system_error
    virtual ~Poller() = default;

    virtual void add(SOCKET fd, IoHandler& handler, Interest interest) = 0;
    virtual void change(SOCKET fd, IoHandler& handler, Interest interest) = 0;
    // Events of the handler that were already fetched are not delivered any more.
    virtual void remove(SOCKET fd, IoHandler& handler) noexcept = 0;
    // Sleeps until something is ready, or for `timeout` (negative: for ever). What is
    // ready is told by deliver(), so that the caller may take a lock in between.
    virtual void wait(std::chrono::nanoseconds timeout) = 0;
    virtual void deliver() = 0;
    // How many deliver() will tell.
    virtual std::size_t ready() const noexcept = 0;
    // In the child after fork(): closes what is the poller's own.
    virtual void abandon() noexcept = 0;
};

}  // namespace pcas
