// Owner of a socket, on every platform by libCom's names for it.
#pragma once

#include <osiSock.h>

#include <utility>

namespace pcas {

class UniqueSocket {
  public:
    UniqueSocket() noexcept = default;
    explicit UniqueSocket(SOCKET fd) noexcept : fd_(fd) {}
    UniqueSocket(UniqueSocket&& other) noexcept
        : fd_(std::exchange(other.fd_, INVALID_SOCKET)) {}
    UniqueSocket& operator=(UniqueSocket&& other) noexcept {
        if (this != &other) {
            reset();
            fd_ = std::exchange(other.fd_, INVALID_SOCKET);
        }
        return *this;
    }
    ~UniqueSocket() { reset(); }

    void reset() noexcept {
        if (fd_ != INVALID_SOCKET)
            epicsSocketDestroy(std::exchange(fd_, INVALID_SOCKET));
    }
    SOCKET get() const noexcept { return fd_; }
    explicit operator bool() const noexcept { return fd_ != INVALID_SOCKET; }

  private:
    SOCKET fd_ = INVALID_SOCKET;
};

}  // namespace pcas
